import Anthropic from '@anthropic-ai/sdk';
import { keepsItsPromises } from './contract.js';

keepsItsPromises('@anthropic-ai/sdk', (url) => {
  const { messages } = new Anthropic({ baseURL: url, apiKey: 'a-key' });
  const ask = (prompt: string) => ({
    model: 'claude-opus-4-8',
    max_tokens: 1000,
    messages: [{ role: 'user' as const, content: prompt }],
  });
  const tool = {
    name: 'weather',
    input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
  };
  return {
    ask: async (prompt) => {
      const { data, request_id } = await messages.create(ask(prompt)).withResponse();
      return { data, request_id };
    },
    stream: (prompt) => messages.create({ ...ask(prompt), stream: true }),
    more: {
      'a tool call': {
        calls: 1,
        make: () => messages.create({ ...ask('Weather?'), tools: [tool] }),
      },
      "a tool call through the SDK's stream helper": {
        calls: 1,
        make: async () => {
          const stream = messages.stream({ ...ask('Weather?'), tools: [tool] });
          return [await stream.finalMessage(), stream.request_id];
        },
      },
      'counting tokens': {
        calls: 1,
        make: () =>
          messages.countTokens({ model: 'claude-opus-4-8', messages: ask('Hi').messages }),
      },
    },
  };
});
