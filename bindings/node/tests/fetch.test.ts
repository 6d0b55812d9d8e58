/** What `use` does to calls of Node's own `fetch`. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { CacheMissError, use } from '../dist/index.mjs';
import { Provider, bytesOf, inFolder } from './provider.js';

let provider: Provider;

beforeAll(async () => {
  provider = await Provider.start();
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

interface Ask {
  stream?: boolean;
  signal?: AbortSignal;
}

function ask(prompt: string, { stream = false, signal }: Ask = {}): Promise<Response> {
  return fetch(`${provider.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-key', 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'gpt-4o',
      stream,
      messages: [{ role: 'user', content: prompt }],
    }),
    ...(signal && { signal }),
  });
}

const hosts = ['127.0.0.1:*'];

test('a call is recorded once and replayed byte for byte', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const first = await ask('Hi');
    const [status, id, text] = [
      first.status,
      first.headers.get('x-request-id'),
      await first.text(),
    ];
    await recording.close();
    const file = bytesOf(path);

    const replaying = use({ path, hosts, mode: 'replay' });
    const again = await ask('Hi');
    expect(again).toBeInstanceOf(Response);
    expect([again.status, again.headers.get('x-request-id'), await again.text()]).toEqual([
      status,
      id,
      text,
    ]);
    expect(again.url).toBe(first.url);
    await replaying.close();
    expect(await provider.calls()).toBe(1);
    expect(bytesOf(path)).toEqual(file);
  }));

test('a stream is replayed in the chunks that it came in', () =>
  inFolder(async (path) => {
    const chunksOf = async () => {
      const chunks: string[] = [];
      for await (const chunk of (await ask('Hi [[delay:ms=20]]', { stream: true })).body!) {
        chunks.push(Buffer.from(chunk).toString());
      }
      return chunks;
    };
    const recording = use({ path, hosts, mode: 'record' });
    const first = await chunksOf();
    const again = await chunksOf();
    await recording.close();
    expect(first.length).toBeGreaterThan(1);
    expect(again).toEqual(first);
    expect(await provider.calls()).toBe(1);
  }));

test('a miss in replay is an error that explains itself, at once and at the end', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    await (await ask('France?')).text();
    await recording.close();

    const replaying = use({ path, hosts, mode: 'replay' });
    const miss = await ask('Spain?').catch((error: unknown) => error);
    expect(miss).toBeInstanceOf(CacheMissError);
    expect(miss).toMatchObject({ name: 'CacheMissError', kind: 'miss' });
    const { explanation } = miss as CacheMissError;
    expect(explanation).toContain('at /body/messages/0/content');
    expect(explanation).toContain('recorded   "France?"');
    expect(explanation).toContain('requested  "Spain?"');
    await expect(replaying.close()).rejects.toThrow(CacheMissError);
    expect(await provider.calls()).toBe(1);
  }));

test('of many identical calls at once, one is sent', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const texts = await Promise.all(
      Array.from({ length: 40 }, async () => (await ask('Same?', { stream: true })).text()),
    );
    await recording.close();
    expect(new Set(texts).size).toBe(1);
    expect(await provider.calls()).toBe(1);
  }));

test('an identical stream that nobody reads does not keep another call waiting', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const unread = await ask('Same?', { stream: true });
    const text = await (await ask('Same?', { stream: true })).text();
    expect(await unread.text()).toBe(text);
    await recording.close();
    expect(await provider.calls()).toBe(1);
  }));

test('a stream that the caller leaves is read to its end and recorded', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    for await (const _ of (await ask('Long? [[words:50]]', { stream: true })).body!) break;
    await recording.close();

    const replaying = use({ path, hosts, mode: 'replay' });
    expect(await (await ask('Long? [[words:50]]', { stream: true })).text()).toContain('[DONE]');
    await replaying.close();
    expect(await provider.calls()).toBe(1);
  }));

test('a caller that aborts in mid-stream gets its reason, and the stream is recorded', () =>
  inFolder(async (path) => {
    // Slowly: it must not arrive as one chunk, however busy the machine is.
    const prompt = 'Long? [[words:50]] [[delay:ms=5]]';
    const recording = use({ path, hosts, mode: 'record' });
    const controller = new AbortController();
    const reader = (
      await ask(prompt, { stream: true, signal: controller.signal })
    ).body!.getReader();
    await reader.read();
    controller.abort(new Error('enough'));
    await expect(reader.read()).rejects.toThrow('enough');
    await recording.close();
    expect(recording.cache.closed).toBe(true);

    const replaying = use({ path, hosts, mode: 'replay' });
    expect(await (await ask(prompt, { stream: true })).text()).toContain('[DONE]');
    await replaying.close();
  }));

test('an abort in mid-replay stops at once', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    await (await ask('Hi [[delay:ms=20]]', { stream: true })).text();
    const controller = new AbortController();
    const reader = (
      await ask('Hi [[delay:ms=20]]', { stream: true, signal: controller.signal })
    ).body!.getReader();
    await reader.read();
    controller.abort(new Error('enough'));
    await expect(reader.read()).rejects.toThrow('enough');
    await recording.close();
  }));

test('a call that is aborted while it waits for its answer records nothing', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const controller = new AbortController();
    const held = ask('Held? [[hold]]', { signal: controller.signal });
    await provider.arrived(1);
    controller.abort(new Error('enough'));
    await expect(held).rejects.toThrow('enough');
    expect(recording.cache.stats().entries).toBe(0);
    await provider.release();
    await recording.close();
  }));

test.each(['[[status:429 retry-after=0]]', '[[cut:2]]', '[[eof:2]]', '[[error-event]]'])(
  'what is no complete answer is not recorded: %s',
  (directive) =>
    inFolder(async (path) => {
      const recording = use({ path, hosts, mode: 'record' });
      await (await ask(`Hi ${directive}`, { stream: true })).text().catch(() => undefined);
      expect(recording.cache.stats().entries).toBe(0);
      expect(recording.cache.summary()).toMatchObject({ recorded: 0, refused: 1 });
      await recording.close();
    }),
);

test('the same user message in another request is another entry', () =>
  inFolder(async (path) => {
    const body = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] };
    const variants = [
      body,
      { ...body, temperature: 0 },
      { ...body, messages: [{ role: 'system', content: 'Be brief.' }, ...body.messages] },
      {
        ...body,
        tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      },
    ];
    const recording = use({ path, hosts, mode: 'record' });
    for (const variant of variants) {
      const response = await fetch(`${provider.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer a-key' },
        body: JSON.stringify(variant),
      });
      await response.text();
    }
    expect(recording.cache.stats().entries).toBe(4);
    await recording.close();
  }));

test('a Request as the only argument is recorded and replayed', () =>
  inFolder(async (path) => {
    const request = () =>
      new Request(`${provider.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer a-key', 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }),
      });
    const recording = use({ path, hosts, mode: 'record' });
    const first = await (await fetch(request())).text();
    const again = await (await fetch(request())).text();
    await (await ask('Hi')).text();
    await recording.close();
    expect(again).toBe(first);
    expect(await provider.calls()).toBe(1);
  }));

test('a response can be cloned, and read by a byte reader', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    for (const _ of ['recorded', 'replayed']) {
      const response = await ask('Hi', { stream: true });
      const copy = response.clone();
      expect(await copy.text()).toBe(await response.text());
      const reader = (await ask('Hi', { stream: true })).body!.getReader({ mode: 'byob' });
      const { value } = await reader.read(new Uint8Array(8));
      expect(value?.byteLength).toBe(8);
      await reader.cancel();
    }
    await recording.close();
  }));

test('a client that captured fetch while it was patched works after it', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const captured = globalThis.fetch;
    await recording.close();
    expect(globalThis.fetch).not.toBe(captured);
    const call = () =>
      captured(`${provider.url}/v1/models`, { headers: { authorization: 'Bearer a-key' } });
    expect((await call()).status).toBe(200);
  }));

test('the innermost use answers, and each asynchronous context has its own', () =>
  inFolder(async (path, folder) => {
    const outer = use({ path, hosts, mode: 'record' });
    const inner = async (name: string) => {
      const own = use({ path: `${folder}/${name}.redb`, hosts, mode: 'record' });
      await (await ask(name)).text();
      expect(own.cache.stats()).toMatchObject({ entries: 1, misses: 1 });
      await own.close();
    };
    await Promise.all([inner('a'), inner('b'), inner('c')]);
    await (await ask('outer')).text();
    expect(outer.cache.stats()).toMatchObject({ entries: 1, misses: 1 });
    await outer.close();
  }));

test('of uses side by side each has its own context, the first one too', () =>
  inFolder(async (_, folder) => {
    const begun: (() => void)[] = [];
    const all = new Promise<void>((resolve) => begun.push(resolve));
    const side = async (name: string, last: boolean) => {
      const own = use({ path: `${folder}/${name}.redb`, hosts, mode: 'record' });
      if (last) begun[0]!();
      await all;
      await (await ask(`${name} 1`)).text();
      const nested = use({ path: `${folder}/${name}-nested.redb`, hosts, mode: 'record' });
      await (await ask(`${name} nested`)).text();
      expect(nested.cache.stats()).toMatchObject({ entries: 1, misses: 1 });
      await nested.close();
      await (await ask(`${name} 2`)).text();
      expect(own.cache.stats()).toMatchObject({ entries: 2, misses: 2 });
      await own.close();
    };
    const first = side('a', false);
    await Promise.all([first, side('b', false), side('c', true)]);
    expect(await provider.calls()).toBe(9);
  }));

test('one use alone has no context, which would make every promise cost more', () =>
  inFolder(async (path) => {
    const entered = vi.spyOn(AsyncLocalStorage.prototype, 'enterWith');
    const alone = use({ path, hosts, mode: 'record' });
    expect(entered).not.toHaveBeenCalled();
    const other = use({ path, hosts, mode: 'record' });
    expect(entered).toHaveBeenCalledOnce();
    entered.mockRestore();
    await other.close();
    await alone.close();
  }));

test('headers that can be read only once arrive, at a provider and elsewhere', () =>
  inFolder(async (path) => {
    const server = http.createServer((request, response) => {
      response.end(JSON.stringify(request.headers['x-tenant'] ?? null));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const once = () => new Headers({ 'x-tenant': 'one' }).entries() as unknown as HeadersInit;
    for (const mine of [hosts, ['api.example.com']]) {
      const recording = use({ path, hosts: mine, mode: 'record' });
      const url = `http://127.0.0.1:${port}/v1/chat/completions`;
      const response = await fetch(url, { method: 'POST', headers: once(), body: '{}' });
      expect(await response.json()).toBe('one');
      await recording.close().catch(() => undefined);
    }
    server.close();
  }));

test('a URL in another spelling is the same request', () =>
  inFolder(async (path) => {
    const spelled = (url: string) =>
      fetch(url, {
        method: 'POST',
        headers: { authorization: 'Bearer a-key' },
        body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }),
      });
    const url = `${provider.url}/v1/chat/completions`;
    const recording = use({ path, hosts, mode: 'record' });
    for (const other of [
      url,
      ` ${url}`,
      `${url}#here`,
      url.replace('http', 'HTTP'),
      url.replace('/v1/', '/v1/./x/../'),
    ]) {
      const response = await spelled(other);
      expect(response.url).toBe(url);
      await response.text();
    }
    await recording.close();
    expect(await provider.calls()).toBe(1);
  }));

test('a copy of a response knows its URL, too', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    for (const _ of ['recorded', 'replayed']) {
      const response = await ask('Hi');
      const copy = response.clone().clone();
      expect(copy.url).toBe(`${provider.url}/v1/chat/completions`);
      expect(await copy.text()).toBe(await response.text());
    }
    await recording.close();
  }));

test('a call that is not answered yet is waited for at the end, and recorded', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const held = ask('Held? [[hold]]');
    await provider.arrived(1);
    const closed = recording.close();
    await provider.release();
    await closed;
    expect((await held).status).toBe(200);

    const replaying = use({ path, hosts, mode: 'replay' });
    expect((await ask('Held? [[hold]]')).status).toBe(200);
    await replaying.close();
  }));

test('many calls at once may share a signal', () =>
  inFolder(async (path) => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    const recording = use({ path, hosts, mode: 'record' });
    const { signal } = new AbortController();
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (await ask(`Hi ${n}`, { signal })).text()),
    );
    await recording.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  }));

test('an abort between two chunks of a timed replay is not kept waiting', () =>
  inFolder(async (path) => {
    const prompt = 'Hi [[words:1]] [[delay:ms=600]]';
    const recording = use({ path, hosts, mode: 'record' });
    await (await ask(prompt, { stream: true })).text();
    await recording.close();
    const replaying = use({ path, hosts, mode: 'replay', replayTiming: true });
    const controller = new AbortController();
    const { signal } = controller;
    const reader = (await ask(prompt, { stream: true, signal })).body!.getReader();
    await reader.read();
    controller.abort(new Error('enough'));
    const before = performance.now();
    await expect(reader.read()).rejects.toThrow('enough');
    expect(performance.now() - before).toBeLessThan(300);
    await replaying.close();
  }));

test('two copies of this package answer as one, and leave nothing behind', () =>
  inFolder(async (path, folder) => {
    const require = createRequire(import.meta.url);
    const copyOf = () => {
      for (const file of Object.keys(require.cache))
        if (file.includes('/bindings/node/dist/')) Reflect.deleteProperty(require.cache, file);
      return require('../dist/index.js') as { use: typeof use };
    };
    const [first, second] = [copyOf(), copyOf()];
    expect(first.use).not.toBe(second.use);
    const before = [fetch, http.request];
    const outer = first.use({ path, hosts, mode: 'record' });
    const captured = fetch;
    const inner = second.use({ path: `${folder}/inner.redb`, hosts, mode: 'record' });
    await outer.close();
    await inner.close();
    expect([fetch, http.request]).toEqual(before);

    const later = second.use({ path, hosts, mode: 'record', claimTimeoutMs: 1000 });
    const started = performance.now();
    const body = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] });
    const headers = { authorization: 'Bearer a-key' };
    const url = `${provider.url}/v1/chat/completions`;
    await (await captured(url, { method: 'POST', headers, body })).text();
    expect(performance.now() - started).toBeLessThan(800);
    expect(later.cache.summary()).toMatchObject({ misses: 1, recorded: 1 });
    await later.close();
  }));

test('what is sent is what was asked, whatever becomes of its buffer and its headers', () =>
  inFolder(async (path) => {
    const sent: string[] = [];
    const server = http.createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        sent.push(`${request.headers['openai-beta'] as string} ${text}`);
        response.end('{"choices":[{"finish_reason":"stop","message":{"content":"Hi"}}]}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/responses`);
    const recording = use({ path, hosts, mode: 'record' });
    const body = Buffer.from('{"input":"one"}');
    const headers = { 'openai-beta': 'one' };
    const asked = fetch(url, { method: 'POST', headers, body });
    body.write('{"input":"two"}');
    headers['openai-beta'] = 'two';
    url.pathname = '/v1/files';
    await (await asked).text();
    await recording.close();
    expect(sent).toEqual(['one {"input":"one"}']);
    server.closeAllConnections();
    server.close();
  }));

test('an abort is heard by a caller that lags behind the recording', () =>
  inFolder(async (path) => {
    const prompt = 'Long? [[words:20]] [[delay:ms=5]]';
    const recording = use({ path, hosts, mode: 'record' });
    const controller = new AbortController();
    const { signal } = controller;
    const reader = (await ask(prompt, { stream: true, signal })).body!.getReader();
    await reader.read();
    // It waits for the same answer, so all of that is read.
    await (await ask(prompt, { stream: true })).text();
    controller.abort(new Error('enough'));
    await expect(reader.read()).rejects.toThrow('enough');
    await recording.close();
  }));

test('a body in an encoding that fetch does not undo is passed on and not recorded', () =>
  inFolder(async (path) => {
    const server = http.createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'x-odd' });
      response.end('odd');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const recording = use({ path, hosts, mode: 'record' });
    const url = `http://127.0.0.1:${port}/v1/chat/completions`;
    const response = await fetch(url, { method: 'POST', body: '{"model":"m"}' });
    expect(await response.text()).toBe('odd');
    expect(recording.cache.summary()).toMatchObject({ recorded: 0, refused: 1 });
    await recording.close();
    server.close();
  }));
