import { Mistral } from '@mistralai/mistralai';
import { keepsItsPromises } from './contract.js';

const model = 'mistral-small-latest';

keepsItsPromises('@mistralai/mistralai', (url) => {
  const backoff = { initialInterval: 1, maxInterval: 1, exponent: 1, maxElapsedTime: 10_000 };
  const client = new Mistral({
    apiKey: 'a-key',
    serverURL: url,
    retryConfig: { strategy: 'backoff', backoff, retryConnectionErrors: true },
  });
  const messages = (content: string) => [{ role: 'user' as const, content }];
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
  return {
    ask: (prompt) => client.chat.complete({ model, messages: messages(prompt) }),
    stream: (prompt) => client.chat.stream({ model, messages: messages(prompt) }),
    more: {
      'a tool call': {
        calls: 1,
        make: () => client.chat.complete({ model, messages: messages('Weather?'), tools }),
      },
      embeddings: {
        calls: 1,
        make: () => client.embeddings.create({ model: 'mistral-embed', inputs: ['Hi', 'Ho'] }),
      },
    },
  };
});
