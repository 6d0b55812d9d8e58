import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { embed, generateText, Output, stepCountIs, streamText, tool, type LanguageModel } from 'ai';
import { z } from 'zod';
import { keepsItsPromises, type Sdk } from './contract.js';

const apiKey = 'a-key';
const weather = tool({
  description: 'The weather.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`,
});

keepsItsPromises('ai with @ai-sdk/openai, responses', (url) => {
  const openai = createOpenAI({ apiKey, baseURL: `${url}/v1` });
  return {
    ...callsOf(openai('gpt-4o')),
    more: {
      ...callsOf(openai('gpt-4o')).more,
      embeddings: {
        calls: 1,
        make: async () =>
          (await embed({ model: openai.embedding('text-embedding-3-small'), value: 'Hi' }))
            .embedding,
      },
    },
  };
});

keepsItsPromises('ai with @ai-sdk/openai, chat completions', (url) =>
  callsOf(createOpenAI({ apiKey, baseURL: `${url}/v1` }).chat('gpt-4o')),
);

keepsItsPromises('ai with @ai-sdk/anthropic', (url) =>
  callsOf(createAnthropic({ apiKey, baseURL: `${url}/v1` })('claude-opus-4-8')),
);

// Where Gemini sends no id of a function call, the AI SDK makes one up and sends it back.
const ignore = ['functionCall', 'functionResponse'].map((part) => `/contents/*/parts/*/${part}/id`);
keepsItsPromises(
  'ai with @ai-sdk/google',
  (url) =>
    callsOf(createGoogleGenerativeAI({ apiKey, baseURL: `${url}/v1beta` })('gemini-2.5-flash')),
  { ignore },
);

function callsOf(model: LanguageModel): Sdk {
  const tools = { weather };
  return {
    ask: async (prompt) => {
      const { text, usage, finishReason, response } = await generateText({ model, prompt });
      // The AI SDK makes up ids and times that the provider did not send.
      return { text, usage, finishReason, body: response.body };
    },
    async *stream(prompt) {
      let failure: unknown;
      const onError = ({ error }: { error: unknown }) => void (failure = error);
      yield* streamText({ model, prompt, onError }).textStream;
      if (failure !== undefined) throw failure;
    },
    more: {
      'a loop of tool calls': {
        calls: 2,
        make: async () => {
          const found = await generateText({
            model,
            tools,
            prompt: 'Weather?',
            stopWhen: stepCountIs(2),
          });
          return [
            found.text,
            found.steps.map(({ toolCalls }) => toolCalls.map(({ input }) => input)),
          ];
        },
      },
      'a loop of tool calls in a stream': {
        calls: 2,
        make: async () => {
          const stream = streamText({ model, tools, prompt: 'Weather?', stopWhen: stepCountIs(2) });
          const kinds: string[] = [];
          for await (const { type } of stream.fullStream) kinds.push(type);
          return [kinds, await stream.text];
        },
      },
      'a structured answer': {
        calls: 1,
        make: async () => {
          const output = Output.object({ schema: z.object({ city: z.string() }) });
          return (await generateText({ model, output, prompt: 'Weather?' })).output;
        },
      },
    },
  };
}
