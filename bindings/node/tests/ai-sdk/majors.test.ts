/** `cacheMiddleware` under each major of `ai`. */

import * as ai6 from 'ai';
import * as ai5 from 'ai5';
import * as ai7 from 'ai7';
import { createOpenAI } from '@ai-sdk/openai';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { cacheMiddleware } from 'f3dx-cache/ai-sdk';
import { Cache } from '../../dist/index.mjs';
import { Provider, bytesOf, inFolder } from '../provider.js';
import { FILE, modelOf } from './model.js';

// The AI SDK warns of what the test's models do not name.
vi.stubGlobal('AI_SDK_LOG_WARNINGS', false);
afterAll(() => vi.unstubAllGlobals());

const majors = [
  { name: 'ai 5', sdk: ai5 as any, version: 'v2' },
  { name: 'ai 6', sdk: ai6 as any, version: 'v3' },
  { name: 'ai 7', sdk: ai7 as any, version: 'v4' },
] as const;

/** Calls `use` with a recorder, then with a replayer whose model must not be called. */
function recordThenReplay(
  { sdk, version }: (typeof majors)[number],
  calls: number,
  use: (model: any) => Promise<unknown>,
): Promise<{ recorded: any; replayed: any }> {
  return inFolder(async (path) => {
    const [model, unused] = [modelOf(version), modelOf(version)];
    const wrapped = (cache: Cache, of: object) =>
      sdk.wrapLanguageModel({ model: of, middleware: cacheMiddleware(cache) });
    const recorder = Cache.open(path, { mode: 'record' });
    const recorded = await use(wrapped(recorder, model));
    expect(recorder.stats().entries).toBe(calls);
    recorder.close();
    expect(model.calls()).toBe(calls);
    const file = bytesOf(path);
    expect(file.includes('a secret')).toBe(false);

    const replayer = Cache.open(path, { mode: 'replay' });
    const replayed = await use(wrapped(replayer, unused));
    expect(replayer.summary()).toMatchObject({ hits: calls, misses: 0 });
    replayer.close();
    expect(unused.calls()).toBe(0);
    expect(bytesOf(path)).toEqual(file);
    return { recorded, replayed };
  });
}

describe.each(majors)('$name', (major) => {
  const { sdk } = major;
  const tools = {
    weather: sdk.tool({
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }: { city: string }) => `sunny in ${city}`,
    }),
  };
  const stopWhen = sdk.stepCountIs(2);

  test('generateText: text, files, usage and date', async () => {
    const { recorded, replayed } = await recordThenReplay(major, 1, async (model) => {
      const { text, files, usage, finishReason, response } = await sdk.generateText({
        model,
        prompt: 'France?',
      });
      return { text, files, usage, finishReason, response };
    });
    expect(replayed).toEqual(recorded);
    expect(replayed.text).toBe('a-model on France?');
    expect(replayed.response.timestamp).toEqual(new Date(2025, 0, 1));
    expect(replayed.files[0].uint8Array).toEqual(FILE);
    expect(replayed.usage).toMatchObject({ inputTokens: 3, outputTokens: 5 });
  });

  test('streamText: every part in its order', async () => {
    const { recorded, replayed } = await recordThenReplay(major, 1, async (model) => {
      const stream = sdk.streamText({ model, prompt: 'France?' });
      const parts: unknown[] = [];
      for await (const part of stream.fullStream) parts.push(part);
      return { parts, response: await stream.response, files: await stream.files };
    });
    const timeless = ({ type, performance, ...rest }: any) => ({ type, ...rest });
    expect(replayed.parts.map(timeless)).toEqual(recorded.parts.map(timeless));
    expect(replayed.parts.filter(({ type }: any) => type === 'text-delta')).toHaveLength(3);
    expect(replayed.response.timestamp).toEqual(new Date(2025, 0, 1));
    expect(replayed.files[0].uint8Array).toEqual(FILE);
  });

  test('a loop of tool calls, generated and streamed', async () => {
    const { recorded, replayed } = await recordThenReplay(major, 4, async (model) => {
      const options = { model, tools, stopWhen, prompt: 'Weather?' };
      const { steps, text } = await sdk.generateText(options);
      const stream = sdk.streamText(options);
      const results = steps.map(({ toolResults }: any) =>
        toolResults.map(({ output }: any) => output),
      );
      return {
        results,
        text,
        streamed: await stream.text,
        streamedSteps: (await stream.steps).length,
      };
    });
    expect(replayed).toEqual(recorded);
    expect(replayed).toMatchObject({ results: [['sunny in Bern'], []], streamedSteps: 2 });
  });

  test('generateObject and streamObject', async () => {
    const schema = z.object({ city: z.string() });
    const { recorded, replayed } = await recordThenReplay(major, 2, async (model) => {
      const { object } = await sdk.generateObject({ model, schema, prompt: 'Weather?' });
      const stream = sdk.streamObject({ model, schema, prompt: 'Weather?' });
      for await (const _ of stream.partialObjectStream);
      return [object, await stream.object];
    });
    expect(replayed).toEqual(recorded);
    expect(replayed).toEqual([{ city: 'Bern' }, { city: 'Bern' }]);
  });
});

test.each(majors.slice(1))('a real provider: $name with @ai-sdk/openai', ({ sdk }) =>
  inFolder(async (path) => {
    const provider = await Provider.start();
    const openai = createOpenAI({ apiKey: 'a-key', baseURL: `${provider.url}/v1` });
    const ask = async (mode: 'record' | 'replay') => {
      using cache = Cache.open(path, { mode });
      const middleware = cacheMiddleware(cache);
      const model = sdk.wrapLanguageModel({ model: openai('gpt-4o'), middleware });
      const { text, response, usage } = await sdk.generateText({ model, prompt: 'Hi' });
      const stream = sdk.streamText({ model, prompt: 'Hi' });
      return { text, usage, response, streamed: await stream.text, end: await stream.response };
    };
    const recorded = await ask('record');
    expect(await provider.calls()).toBe(2);
    await provider.stop();
    const replayed = await ask('replay');
    expect(replayed).toEqual(recorded);
    expect(replayed.end.timestamp).toBeInstanceOf(Date);
  }),
);
