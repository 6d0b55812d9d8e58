/** What `cacheMiddleware` records, and what it takes for another call. */

import { ReadableStream } from 'node:stream/web';
import { generateText, streamText, wrapLanguageModel } from 'ai';
import { afterEach, expect, test, vi } from 'vitest';
import { cacheMiddleware } from 'f3dx-cache/ai-sdk';
import { Cache, CacheMissError, type Mode } from '../../dist/index.mjs';
import { inFolder } from '../provider.js';
import { modelOf } from './model.js';

afterEach(() => vi.unstubAllEnvs());

/** Makes a model that asks `model` through a cache. */
function cached(cache: Cache, model: object): any {
  return wrapLanguageModel({ model: model as any, middleware: cacheMiddleware(cache) });
}

/** Params as `generateText` makes them. */
function asking(text: string, more: object = {}): any {
  return { prompt: [{ role: 'user', content: [{ type: 'text', text }] }], ...more };
}

async function partsOf({ stream }: { stream: ReadableStream<any> }): Promise<any[]> {
  const parts: any[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

async function textOf(result: { stream: ReadableStream<any> }): Promise<string> {
  return (await partsOf(result)).map(({ delta }) => delta ?? '').join('');
}

const inCache = (mode: Mode, run: (cache: Cache, path: string) => Promise<void>) =>
  inFolder(async (path) => {
    using cache = Cache.open(path, { mode });
    await run(cache, path);
  });

test('a miss in replay says what differs, and calls nobody', () =>
  inCache('record', async (cache, path) => {
    const model = modelOf('v3');
    await generateText({ model: cached(cache, model), prompt: 'France?' });
    await streamText({ model: cached(cache, model), prompt: 'France?' }).text;
    cache.close();

    using replayer = Cache.open(path, { mode: 'replay' });
    const asked = { model: cached(replayer, model), prompt: 'Spain?' };
    const miss = await generateText(asked).catch((error: unknown) => error);
    expect(miss).toBeInstanceOf(CacheMissError);
    const { explanation } = miss as CacheMissError;
    expect(explanation).toContain('at /params/prompt/0/content/0/text');
    expect(explanation).toContain('recorded   "France?"');
    expect(explanation).toContain('requested  "Spain?"');

    const told: unknown[] = [];
    const stream = streamText({ ...asked, onError: ({ error }) => void told.push(error) });
    await stream.consumeStream();
    expect(told).toEqual([expect.any(CacheMissError)]);
    expect(model.calls()).toBe(2);
  }));

test.each([
  ['record', [1, 1, 1], 1],
  ['read_only', [1, 2, 2], 0],
  ['off', [1, 2, 2], 0],
] as const)('the modes: %s', (mode, [first, second], entries) =>
  inFolder(async (path) => {
    Cache.open(path, { mode: 'record' }).close();
    using cache = Cache.open(path, { mode });
    const model = modelOf('v3');
    await cached(cache, model).doGenerate(asking('Hi'));
    expect(model.calls()).toBe(first);
    await cached(cache, model).doGenerate(asking('Hi'));
    expect(model.calls()).toBe(second);
    expect(cache.stats().entries).toBe(entries);
  }),
);

test('refresh calls again once, and replaces', () =>
  inCache('record', async (cache, path) => {
    await cached(cache, modelOf('v3')).doGenerate(asking('Hi'));
    cache.close();
    vi.stubEnv('F3DX_CACHE_RUN_ID', 'another run');
    using fresh = Cache.open(path, { mode: 'refresh' });
    const model = modelOf('v3');
    const idOf = async () => (await cached(fresh, model).doGenerate(asking('Hi'))).response.id;
    model.skip();
    expect(await idOf()).toBe('answer-2');
    expect(await idOf()).toBe('answer-2');
    expect(model.calls()).toBe(2);
  }));

test('with off, the model answers as if there were no cache', () =>
  inCache('off', async (cache) => {
    const model = cached(cache, modelOf('v3'));
    const { request, response } = await model.doGenerate(asking('Hi'));
    expect([request, response.headers]).toEqual([
      { body: 'a secret' },
      { 'set-cookie': 'a secret' },
    ]);
    const stream = await model.doStream(asking('Hi'));
    expect(stream.request).toEqual({ body: 'a secret' });
  }));

test('of many identical calls at once, one is made', () =>
  inCache('record', async (cache) => {
    const model = modelOf('v3');
    const calls = Array.from({ length: 20 }, () => cached(cache, model).doGenerate(asking('Hi')));
    const ids = (await Promise.all(calls)).map(({ response }) => response.id);
    expect(new Set(ids).size).toBe(1);
    const streams = Array.from({ length: 20 }, async () =>
      textOf(await cached(cache, model).doStream(asking('Hi'))),
    );
    expect(new Set(await Promise.all(streams))).toEqual(new Set(['a-model on Hi']));
    expect(model.calls()).toBe(2);
  }));

test('a stream that nobody reads keeps no other call waiting', () =>
  inCache('record', async (cache) => {
    const model = cached(cache, modelOf('v3'));
    const unread = await model.doStream(asking('Hi'));
    expect(await textOf(await model.doStream(asking('Hi')))).toBe('a-model on Hi');
    expect(await textOf(unread)).toBe('a-model on Hi');
    expect(cache.stats().entries).toBe(1);
  }));

test('a stream that the caller leaves is recorded to its end', () =>
  inCache('record', async (cache) => {
    const model = modelOf('v3');
    for await (const _ of (await cached(cache, model).doStream(asking('Hi'))).stream) break;
    expect(await textOf(await cached(cache, model).doStream(asking('Hi')))).toBe('a-model on Hi');
    expect(model.calls()).toBe(1);
  }));

test('a stream is in the file before the caller sees its end', () =>
  inCache('record', async (cache) => {
    await textOf(await cached(cache, modelOf('v3')).doStream(asking('Hi')));
    expect(cache.stats().entries).toBe(1);
  }));

const FINISH = { type: 'finish', finishReason: { unified: 'stop' }, usage: {} };

test.each([
  ['an error part', [{ type: 'error', error: new Error('overloaded') }, FINISH]],
  ['no end', [{ type: 'text-delta', id: '1', delta: 'Hel' }]],
  ['an end by error', [{ ...FINISH, finishReason: { unified: 'error' } }]],
  ['an end by error, as a word', [{ ...FINISH, finishReason: 'error' }]],
  ['nothing', []],
])('what is no complete answer is passed on and not recorded: %s', (_name, parts) =>
  inCache('record', async (cache) => {
    const model = {
      ...modelOf('v3'),
      doStream: async () => ({ stream: ReadableStream.from<object>(parts) }),
    };
    expect(await partsOf(await cached(cache, model).doStream(asking('Hi')))).toEqual(parts);
    expect(cache.stats().entries).toBe(0);
  }),
);

test('a stream that fails or is aborted fails as without a cache, and is not recorded', () =>
  inCache('record', async (cache) => {
    const controller = new AbortController();
    async function* parts() {
      yield { type: 'text-delta', id: '1', delta: 'Hel' };
      controller.signal.throwIfAborted();
      yield FINISH;
    }
    const model = {
      ...modelOf('v3'),
      doStream: async () => ({ stream: ReadableStream.from(parts()) }),
    };
    controller.abort(new Error('enough'));
    await expect(partsOf(await cached(cache, model).doStream(asking('Hi')))).rejects.toThrow(
      'enough',
    );
    expect(cache.stats().entries).toBe(0);
    expect(await textOf(await cached(cache, modelOf('v3')).doStream(asking('Hi')))).toBe(
      'a-model on Hi',
    );
  }));

test('a call that fails rejects with its own error, and lets the next one call', () =>
  inCache('record', async (cache) => {
    const failing = async () => {
      throw new Error('overloaded');
    };
    const model = modelOf('v3');
    const broken = { ...model, doGenerate: failing, doStream: failing };
    await expect(cached(cache, broken).doGenerate(asking('Hi'))).rejects.toThrow('overloaded');
    await expect(cached(cache, broken).doStream(asking('Hi'))).rejects.toThrow('overloaded');
    await cached(cache, model).doGenerate(asking('Hi'));
    await cached(cache, model).doStream(asking('Hi'));
    expect(model.calls()).toBe(2);
  }));

test('an abort in mid-replay stops at the next part', () =>
  inCache('record', async (cache) => {
    const model = cached(cache, modelOf('v3'));
    await textOf(await model.doStream(asking('Hi')));
    const controller = new AbortController();
    const params = asking('Hi', { abortSignal: controller.signal });
    const reader = (await model.doStream(params)).stream.getReader();
    await reader.read();
    controller.abort(new Error('enough'));
    // One part may be on its way.
    await expect(reader.read().then(() => reader.read())).rejects.toThrow('enough');
    await expect(model.doGenerate(params)).rejects.toThrow('enough');
  }));

const file = (data: unknown) => ({
  prompt: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data }] }],
});
const tool = { type: 'function', name: 'look', inputSchema: { type: 'object' } };

test.each<[string, object]>([
  ['another temperature', { temperature: 0 }],
  ['a seed', { seed: 1 }],
  ['a tool', { tools: [tool] }],
  ['a format', { responseFormat: { type: 'json' } }],
  ["a provider's option", { providerOptions: { openai: { user: 'a' } } }],
  ['a beta', { headers: { 'Anthropic-Beta': 'long-context' } }],
  ['raw chunks', { includeRawChunks: true }],
  ['bytes', file(new Uint8Array([1, 2]))],
  ['other bytes', file(new Uint8Array([1, 3]))],
  ['a URL', file(new URL('https://example.com/a.png'))],
])('another call: %s', (_name, more) =>
  inCache('record', async (cache) => {
    const model = modelOf('v3');
    const different = [asking('Hi'), asking('Hi', more), asking('Hi', file(new Uint8Array([1])))];
    for (const params of different) await cached(cache, model).doGenerate(params);
    for (const params of different) await cached(cache, model).doGenerate(structuredOf(params));
    expect(model.calls()).toBe(3);
  }),
);

/** A copy of params, its members in another order. */
function structuredOf(params: object): object {
  return Object.fromEntries(Object.entries(params).reverse());
}

test('another model, provider or specification is another call; a stream, too', () =>
  inCache('record', async (cache) => {
    const models = [
      modelOf('v3'),
      modelOf('v2'),
      modelOf('v3', 'another-model'),
      { ...modelOf('v3'), provider: 'another-provider' },
    ];
    for (const model of models) {
      await cached(cache, model).doGenerate(asking('Hi'));
      await textOf(await cached(cache, model).doStream(asking('Hi')));
    }
    expect(models.map((model) => model.calls())).toEqual([2, 2, 2, 2]);
  }));

test.each<[string, object]>([
  ['a signal', { abortSignal: new AbortController().signal }],
  ['headers', { headers: { 'user-agent': 'ai/6.0.1', authorization: 'Bearer a-key' } }],
  ['members that are undefined', { temperature: undefined, providerOptions: undefined }],
])('the same call: with %s', (_name, more) =>
  inCache('record', async (cache) => {
    const model = modelOf('v3');
    await cached(cache, model).doGenerate(asking('Hi'));
    await cached(cache, model).doGenerate(asking('Hi', more));
    expect(model.calls()).toBe(1);
  }),
);

test('what has no spelling in JSON is a TypeError that names the place', () =>
  inCache('record', async (cache) => {
    const providerOptions = { a: { seen: new Map([['a', 1]]) } };
    const call = cached(cache, modelOf('v3')).doGenerate(asking('Hi', { providerOptions }));
    await expect(call).rejects.toThrow(/\/params\/providerOptions\/a\/seen.*Map/);
  }));

test('an entry knows its model, its tokens and how long it took', () =>
  inCache('record', async (cache) => {
    for (const version of ['v2', 'v3'] as const) {
      await cached(cache, modelOf(version)).doGenerate(asking('Hi'));
      await textOf(await cached(cache, modelOf(version)).doStream(asking('Hi')));
    }
    const metas = [...cache.entries()].map(({ meta }) => meta);
    expect(metas).toHaveLength(4);
    for (const meta of metas) {
      expect(meta).toMatchObject({
        model: 'a-model',
        usage: { input_tokens: 3, output_tokens: 5 },
      });
      expect(meta.response_duration_ms).toBeTypeOf('number');
    }
  }));

test('a clock that a test puts back loses no recording', () =>
  inCache('record', async (cache) => {
    const model = modelOf('v3');
    const { doGenerate } = model;
    model.doGenerate = async (params) => {
      vi.useFakeTimers({ now: 0, toFake: ['performance'] });
      return doGenerate(params);
    };
    try {
      const { text } = await generateText({ model: cached(cache, model), prompt: 'Hi' });
      expect(text).toBe('a-model on Hi');
    } finally {
      vi.useRealTimers();
    }
    expect(cache.stats().entries).toBe(1);
  }));
