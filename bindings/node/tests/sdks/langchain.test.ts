import { tool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { keepsItsPromises } from './contract.js';

const weather = tool(({ city }) => `sunny in ${city}`, {
  name: 'weather',
  description: 'The weather.',
  schema: z.object({ city: z.string() }),
});

keepsItsPromises('@langchain/openai', (url) => {
  const options = { apiKey: 'a-key', configuration: { baseURL: `${url}/v1` } };
  const chat = new ChatOpenAI({ ...options, model: 'gpt-4o' });
  const responses = new ChatOpenAI({ ...options, model: 'gpt-4o', useResponsesApi: true });
  return {
    ask: (prompt) => chat.invoke(prompt),
    stream: (prompt) => chat.stream(prompt),
    more: {
      'a tool call': {
        calls: 1,
        make: async () => (await chat.bindTools([weather]).invoke('Weather?')).tool_calls,
      },
      'a structured answer': {
        calls: 1,
        make: () => chat.withStructuredOutput(z.object({ city: z.string() })).invoke('Weather?'),
      },
      'the responses API': { calls: 1, make: () => responses.invoke('Hi') },
      'a batch': { calls: 3, make: () => chat.batch(['a', 'b', 'c']) },
      embeddings: { calls: 1, make: () => new OpenAIEmbeddings(options).embedQuery('Hi') },
    },
  };
});
