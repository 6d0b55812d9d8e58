/** What `use` does to calls that undici dispatches, past `globalThis.fetch`. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as undici from 'undici';
import { CacheMissError, use } from '../dist/index.mjs';
import { Provider, bytesOf, inFolder } from './provider.js';

let provider: Provider;
/** As a client may keep it in its constructor, before anything is patched. */
const captured = globalThis.fetch;

beforeAll(async () => {
  provider = await Provider.start();
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

const hosts = ['127.0.0.1:*'];
const headers = { authorization: 'Bearer a-key', 'content-type': 'application/json' };

interface Ask {
  stream?: boolean;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

function options(prompt: string, { stream = false, signal, headers: more }: Ask = {}) {
  return {
    method: 'POST' as const,
    headers: { ...headers, ...more },
    body: JSON.stringify({
      model: 'gpt-4o',
      stream,
      messages: [{ role: 'user', content: prompt }],
    }),
    ...(signal && { signal }),
  };
}

const url = () => `${provider.url}/v1/chat/completions`;

interface Answer {
  status: number;
  id: string | null;
  text: string;
}

/** The ways to a provider that do not pass `globalThis.fetch`. */
const WAYS: Record<string, (prompt: string, ask?: Ask) => Promise<Answer>> = {
  async 'undici.request'(prompt, ask) {
    const { statusCode, headers, body } = await undici.request(url(), options(prompt, ask));
    return { status: statusCode, id: String(headers['x-request-id']), text: await body.text() };
  },
  async 'undici.fetch'(prompt, ask) {
    const response = await undici.fetch(url(), options(prompt, ask));
    return {
      status: response.status,
      id: response.headers.get('x-request-id'),
      text: await response.text(),
    };
  },
  async 'undici.stream'(prompt, ask) {
    let [status, id, text] = [0, '', ''];
    await undici.stream(url(), options(prompt, ask), ({ statusCode, headers }) => {
      [status, id] = [statusCode, String(headers['x-request-id'])];
      return new Writable({
        write(chunk, _, done) {
          text += String(chunk);
          done();
        },
      });
    });
    return { status, id, text };
  },
  async 'undici.pipeline'(prompt, ask) {
    let [status, id, text] = [0, '', ''];
    const { body, ...rest } = options(prompt, ask);
    const duplex = undici.pipeline(url(), rest, ({ statusCode, headers, body }) => {
      [status, id] = [statusCode, String(headers['x-request-id'])];
      return body;
    });
    duplex.end(body);
    for await (const chunk of duplex) text += String(chunk);
    return { status, id, text };
  },
  async 'a composed dispatcher'(prompt, ask) {
    const dispatcher = undici.getGlobalDispatcher().compose(undici.interceptors.retry());
    const { statusCode, headers, body } = await dispatcher.request({
      origin: provider.url,
      path: '/v1/chat/completions',
      ...options(prompt, ask),
    });
    return { status: statusCode, id: String(headers['x-request-id']), text: await body.text() };
  },
  async 'a fetch captured before'(prompt, ask) {
    const response = await captured(url(), options(prompt, ask));
    return {
      status: response.status,
      id: response.headers.get('x-request-id'),
      text: await response.text(),
    };
  },
};

test.each(Object.entries(WAYS))(
  '%s is recorded once and replayed with the provider stopped',
  (_, ask) =>
    inFolder(async (path) => {
      const own = await Provider.start();
      const shared = provider;
      provider = own;
      try {
        const recording = use({ path, hosts, mode: 'record' });
        const first = [await ask('Hi'), await ask('Hi', { stream: true })];
        expect(await ask('Hi', { stream: true })).toEqual(first[1]);
        expect(await own.calls()).toBe(2);
        await recording.close();
        const file = bytesOf(path);
        await own.stop();

        const replaying = use({ path, hosts, mode: 'replay' });
        expect([await ask('Hi'), await ask('Hi', { stream: true })]).toEqual(first);
        expect(first[0]?.status).toBe(200);
        expect(first[0]?.id).toMatch(/./);
        expect(first[1]?.text).toContain('[DONE]');
        await replaying.close();
        expect(bytesOf(path)).toEqual(file);
      } finally {
        provider = shared;
        await own.stop();
      }
    }),
);

test('all ways share their recordings, with fetch too', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const texts = new Set<string>();
    for (const ask of Object.values(WAYS)) texts.add((await ask('Hi')).text);
    texts.add(await (await fetch(url(), options('Hi'))).text());
    await recording.close();
    expect(texts.size).toBe(1);
    expect(await provider.calls()).toBe(1);
    expect(recording.cache.closed).toBe(true);
  }));

test('of many identical calls at once, one is sent', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const ways = Object.values(WAYS);
    const asked = Array.from({ length: 24 }, (_, at) =>
      ways[at % ways.length]!('Same?', { stream: true }),
    );
    const texts = (await Promise.all(asked)).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
    expect(await provider.calls()).toBe(1);
    await recording.close();
  }));

test('what comes encoded is passed on as it is, and recorded decoded', () =>
  inFolder(async (path) => {
    const prompt = 'Hi [[gzip]]';
    for (const stream of [false, true]) {
      const recording = use({ path, hosts, mode: 'record' });
      const raw = await undici.request(
        url(),
        options(prompt, { stream, headers: { 'accept-encoding': 'gzip' } }),
      );
      expect(raw.headers['content-encoding']).toBe('gzip');
      expect(Buffer.from(await raw.body.arrayBuffer()).subarray(0, 2)).toEqual(
        Buffer.from([0x1f, 0x8b]),
      );
      await recording.close();

      const replaying = use({ path, hosts, mode: 'replay' });
      const again = await undici.request(url(), options(prompt, { stream }));
      expect(again.headers['content-encoding']).toBeUndefined();
      expect(await again.body.text()).toContain(stream ? '[DONE]' : '"choices"');
      expect(await (await captured(url(), options(prompt, { stream }))).text()).toContain('gpt-4o');
      await replaying.close();
    }
  }));

test('a miss in replay is the error of the call, and explains itself', () =>
  inFolder(async (path) => {
    await use({ path, hosts, mode: 'record' }).close();
    const replaying = use({ path, hosts, mode: 'replay' });
    await expect(undici.request(url(), options('Spain?'))).rejects.toThrow(CacheMissError);
    const failure = (await captured(url(), options('Spain?')).catch(
      (error: unknown) => error,
    )) as Error;
    expect(failure.message).toBe('fetch failed');
    // Node's own tells it as text, where a test has errors of another realm.
    expect((failure.cause as Error).message).toContain('f3dx-cache: not recorded');
    // openai and anthropic would report "Connection error." after several attempts.
    const told = await undici.request(
      url(),
      options('Spain?', { headers: { 'x-stainless-lang': 'js' } }),
    );
    expect(told.statusCode).toBe(400);
    expect(await told.body.json()).toMatchObject({ error: { type: 'f3dx_cache_miss' } });
    await expect(replaying.close()).rejects.toThrow(CacheMissError);
    expect(await provider.calls()).toBe(0);
  }));

test('a body of any kind is the same request, and arrives', () =>
  inFolder(async (path) => {
    const text = options('Hi').body;
    const half = text.length >> 1;
    const kinds = [
      text,
      Buffer.from(text),
      new Uint8Array(Buffer.from(text)),
      [text.slice(0, half), text.slice(half)],
      (async function* () {
        yield Buffer.from(text);
      })(),
      new Blob([text]).stream(),
    ];
    const recording = use({ path, hosts, mode: 'record' });
    for (const body of kinds) {
      const answer = await undici.request(url(), {
        ...options(''),
        body: body as Exclude<undici.Dispatcher.DispatchOptions['body'], undefined>,
      });
      expect(answer.statusCode).toBe(200);
      await answer.body.dump();
    }
    expect(await provider.calls()).toBe(1);
    expect(recording.cache.stats()).toMatchObject({ entries: 1 });
    await recording.close();
  }));

test('a stream that the caller leaves is read to its end and recorded', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const { body } = await undici.request(url(), options('Long? [[words:50]]', { stream: true }));
    for await (const _ of body) break;
    const response = await undici.fetch(url(), options('Longer? [[words:60]]', { stream: true }));
    for await (const _ of response.body!) break;
    await recording.close();

    const replaying = use({ path, hosts, mode: 'replay' });
    expect((await WAYS['undici.request']!('Long? [[words:50]]', { stream: true })).text).toContain(
      '[DONE]',
    );
    expect(
      (await WAYS['undici.request']!('Longer? [[words:60]]', { stream: true })).text,
    ).toContain('[DONE]');
    await replaying.close();
  }));

test('an abort ends a call at once, before its answer, while it is recorded and while it is replayed', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const first = new AbortController();
    const held = undici.request(url(), options('Held? [[hold]]', { signal: first.signal }));
    await provider.arrived(1);
    first.abort(new Error('enough'));
    await expect(held).rejects.toThrow('enough');
    expect(recording.cache.stats().entries).toBe(0);
    await provider.release();

    for (const _ of ['recorded', 'replayed']) {
      const controller = new AbortController();
      const { signal } = controller;
      const { body } = await undici.request(
        url(),
        options('Long? [[words:50]]', { stream: true, signal }),
      );
      const reader = body[Symbol.asyncIterator]();
      await reader.next();
      controller.abort(new Error('enough'));
      await expect(reader.next()).rejects.toThrow('enough');
      await recording.cache.flush();
    }
    await expect(
      undici.request(url(), options('Hi', { signal: AbortSignal.abort(new Error('never')) })),
    ).rejects.toThrow('never');
    await recording.close();
  }));

test.each(['[[status:429 retry-after=0]]', '[[cut:2]]', '[[eof:2]]', '[[error-event]]'])(
  'what is no complete answer is not recorded: %s',
  (directive) =>
    inFolder(async (path) => {
      const recording = use({ path, hosts, mode: 'record' });
      await WAYS['undici.request']!(`Hi ${directive}`, { stream: true }).catch(() => undefined);
      expect(recording.cache.stats().entries).toBe(0);
      expect(recording.cache.summary()).toMatchObject({ recorded: 0, refused: 1 });
      await recording.close();
    }),
);

test('a failed connection is the error that it was, and nothing is recorded', () =>
  inFolder(async (path) => {
    const gone = await Provider.start();
    await gone.stop();
    const recording = use({ path, hosts, mode: 'record' });
    const call = undici.request(`${gone.url}/v1/chat/completions`, options('Hi'));
    await expect(call).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(recording.cache.stats().entries).toBe(0);
    await recording.close();
  }));

test('a slow reader holds the answer back, and gets all of it', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const texts: string[] = [];
    for (const _ of ['recorded', 'replayed']) {
      const { body } = await undici.request(url(), {
        ...options('Big? [[words:4000]]', { stream: true }),
        highWaterMark: 1,
      });
      let text = '';
      for await (const chunk of body) {
        text += String(chunk);
        await new Promise(setImmediate);
      }
      texts.push(text);
    }
    expect(texts[1]).toBe(texts[0]);
    expect(texts[0]).toContain('[DONE]');
    await recording.close();
  }));

test('the dispatcher that was there is there again', () =>
  inFolder(async (path) => {
    const before = undici.getGlobalDispatcher();
    const outer = use({ path, hosts, mode: 'record' });
    const during = undici.getGlobalDispatcher();
    expect(during).not.toBe(before);
    const inner = use({ path, hosts, mode: 'record' });
    expect(undici.getGlobalDispatcher()).toBe(during);
    await inner.close();
    expect(undici.getGlobalDispatcher()).toBe(during);
    await outer.close();
    expect(undici.getGlobalDispatcher()).toBe(before);

    // A test may keep ours and put it back: it passes everything, and is used again.
    undici.setGlobalDispatcher(during);
    expect((await WAYS['undici.request']!('Hi')).status).toBe(200);
    const again = use({ path, hosts, mode: 'record' });
    await WAYS['undici.request']!('Hi');
    expect(again.cache.stats().entries).toBe(1);
    await again.close();
    undici.setGlobalDispatcher(before);
  }));

test('a dispatcher set while we are there stays, and fetch sends through it once', () =>
  inFolder(async (path) => {
    const before = undici.getGlobalDispatcher();
    const recording = use({ path, hosts, mode: 'record' });
    const tracer = undici
      .getGlobalDispatcher()
      .compose((dispatch) => (options, handler) => dispatch(options, handler));
    undici.setGlobalDispatcher(tracer);
    try {
      expect(await (await fetch(url(), options('Hi'))).text()).toContain('gpt-4o');
      expect(recording.cache.stats()).toMatchObject({ entries: 1, misses: 1 });
      await recording.close();
      expect(undici.getGlobalDispatcher()).toBe(tracer);
    } finally {
      undici.setGlobalDispatcher(before);
    }
  }));

test('headers that can be read only once arrive, and a form is one request at any boundary', () =>
  inFolder(async (path) => {
    const seen: http.IncomingHttpHeaders[] = [];
    const server = http.createServer((request, response) => {
      seen.push(request.headers);
      request.resume();
      response.end('{"text":"Hi"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/audio/transcriptions`;
    const recording = use({ path, hosts, mode: 'record' });
    for (const _ of ['recorded', 'replayed']) {
      const body = new undici.FormData();
      body.append('model', 'whisper-1');
      body.append('file', new Blob(['sound']), 'a.wav');
      const once = new Map([['x-tenant', 'one']]).entries();
      const answer = await undici.request(url, { method: 'POST', headers: once, body });
      expect(await answer.body.text()).toBe('{"text":"Hi"}');
    }
    await recording.close();
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      'x-tenant': 'one',
      'content-type': expect.stringContaining('multipart/form-data; boundary=') as string,
    });
    server.closeAllConnections();
    server.close();
  }));

test('what is sent is what was asked, whatever becomes of its buffer', () =>
  inFolder(async (path) => {
    const sent: string[] = [];
    const server = http.createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        sent.push(text);
        response.end('{"choices":[{"finish_reason":"stop","message":{"content":"Hi"}}]}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`;
    const recording = use({ path, hosts, mode: 'record' });
    const body = Buffer.from('{"input":"one"}');
    const asked = undici.request(url, { method: 'POST', body });
    body.write('{"input":"two"}');
    await (await asked).body.text();
    await recording.close();
    expect(sent).toEqual(['{"input":"one"}']);
    server.closeAllConnections();
    server.close();
  }));
