import OpenAI from 'openai';
import { zodFunction, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { keepsItsPromises } from './contract.js';

const model = 'gpt-4o';
const user = (content: string) => ({ role: 'user', content }) as const;
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const functions = [{ type: 'function', function: { name: 'weather', parameters } }] as const;

/** The data and what the SDK tells of the response. */
async function whole<T>(promise: {
  withResponse(): Promise<{ data: T; response: Response; request_id: string | null }>;
}) {
  const { data, response, request_id } = await promise.withResponse();
  return { data, request_id, status: response.status, url: response.url };
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const pieces: T[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

const connect = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'a-key' });

keepsItsPromises('openai, chat completions', (url) => {
  const { chat, embeddings } = connect(url);
  const messages = [user('Weather?')];
  return {
    ask: (prompt) => whole(chat.completions.create({ model, messages: [user(prompt)] })),
    stream: (prompt) => chat.completions.create({ model, messages: [user(prompt)], stream: true }),
    more: {
      'a tool call': {
        calls: 1,
        make: () => chat.completions.create({ model, messages, tools: [...functions] }),
      },
      'a tool call in a stream': {
        calls: 1,
        make: () =>
          chat.completions.stream({ model, messages, tools: [...functions] }).finalChatCompletion(),
      },
      'a loop of tool calls': {
        calls: 2,
        make: async () => {
          const weather = zodFunction({
            name: 'weather',
            parameters: z.object({ city: z.string() }),
            function: () => 'sunny',
          });
          const runner = chat.completions.runTools({ model, messages, tools: [weather] });
          return [await runner.finalContent(), runner.messages];
        },
      },
      embeddings: {
        calls: 1,
        make: () => whole(embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' })),
      },
    },
  };
});

keepsItsPromises('openai, responses', (url) => {
  const { responses } = connect(url);
  const tools = [{ type: 'function', name: 'weather', parameters, strict: true }] as const;
  return {
    ask: (prompt) => whole(responses.create({ model, input: prompt })),
    stream: (prompt) => responses.create({ model, input: prompt, stream: true }),
    more: {
      'a tool call': {
        calls: 1,
        make: () => responses.create({ model, input: 'Weather?', tools: [...tools] }),
      },
      'a structured answer': {
        calls: 1,
        make: async () => {
          const format = zodTextFormat(
            z.object({ city: z.string(), degrees: z.number() }),
            'weather',
          );
          const parsed = await responses.parse({ model, input: 'Weather?', text: { format } });
          return parsed.output_parsed;
        },
      },
      "a stream through the SDK's helper": {
        calls: 1,
        make: async () => {
          const stream = responses.stream({ model, input: 'Weather?', tools: [...tools] });
          return [await all(stream), await stream.finalResponse()];
        },
      },
    },
  };
});
