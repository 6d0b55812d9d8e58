/** What `use` does to calls that clients of `node:http` make. */

import http, { request as named } from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import axios from 'axios';
import nodeFetch from 'node-fetch';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CacheMissError, use } from '../dist/index.mjs';
import { Provider, bytesOf, inFolder } from './provider.js';

let provider: Provider;

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

const url = () => `${provider.url}/v1/chat/completions`;

function bodyOf(prompt: string, { stream = false }: Ask = {}): string {
  return JSON.stringify({ model: 'gpt-4o', stream, messages: [{ role: 'user', content: prompt }] });
}

function bedrock(): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    endpoint: provider.url,
    region: 'us-east-1',
    requestHandler: new NodeHttpHandler(),
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}

function conversation(prompt: string) {
  return { modelId: 'a-model', messages: [{ role: 'user' as const, content: [{ text: prompt }] }] };
}

/** Sends by `http.request` itself. */
function send(prompt: string, ask: Ask = {}): Promise<http.IncomingMessage> {
  return new Promise((found, failed) => {
    const { signal } = ask;
    const options = {
      method: 'POST',
      headers: { ...headers, ...ask.headers },
      ...(signal && { signal }),
    };
    const request = http.request(url(), options, found);
    request.once('error', failed);
    request.end(bodyOf(prompt, ask));
  });
}

const CLIENTS: Record<string, (prompt: string, ask?: Ask) => Promise<unknown>> = {
  async 'http.request'(prompt, ask) {
    const message = await send(prompt, ask);
    return [message.statusCode, message.headers['x-request-id'], await text(message)];
  },
  async axios(prompt, ask) {
    const responseType = ask?.stream ? 'stream' : 'json';
    const {
      status,
      headers: got,
      data,
    } = await axios.post(url(), bodyOf(prompt, ask), { headers, responseType });
    return [status, got['x-request-id'], ask?.stream ? await text(data) : data];
  },
  async 'node-fetch'(prompt, ask) {
    const response = await nodeFetch(url(), { method: 'POST', headers, body: bodyOf(prompt, ask) });
    return [response.status, response.headers.get('x-request-id'), await response.text()];
  },
  async 'the AWS SDK'(prompt, ask) {
    const client = bedrock();
    try {
      if (!ask?.stream) {
        const { output, stopReason, usage } = await client.send(
          new ConverseCommand(conversation(prompt)),
        );
        return { output, stopReason, usage };
      }
      const { stream } = await client.send(new ConverseStreamCommand(conversation(prompt)));
      const events: unknown[] = [];
      for await (const event of stream!) events.push(event);
      return events;
    } finally {
      client.destroy();
    }
  },
};

test.each(Object.entries(CLIENTS))(
  '%s is recorded once and replayed with the provider stopped',
  (_, ask) =>
    inFolder(async (path) => {
      const own = await Provider.start();
      const shared = provider;
      provider = own;
      try {
        const recording = use({ path, hosts, mode: 'record' });
        const first = [await ask('Hi'), await ask('Hi', { stream: true })];
        expect([await ask('Hi'), await ask('Hi', { stream: true })]).toEqual(first);
        expect(recording.cache.summary()).toMatchObject({ recorded: 2, hits: 2 });
        expect(await own.calls()).toBe(2);
        await recording.close();
        const file = bytesOf(path);
        await own.stop();

        const replaying = use({ path, hosts, mode: 'replay' });
        expect([await ask('Hi'), await ask('Hi', { stream: true })]).toEqual(first);
        expect(replaying.cache.summary()).toMatchObject({ hits: 2, misses: 0 });
        await replaying.close();
        expect(bytesOf(path)).toEqual(file);
      } finally {
        provider = shared;
        await own.stop();
      }
    }),
);

test('what http recorded, fetch replays', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const [, , first] = (await CLIENTS['http.request']!('Hi')) as string[];
    const response = await fetch(url(), { method: 'POST', headers, body: bodyOf('Hi') });
    expect(await response.text()).toBe(first);
    expect(await provider.calls()).toBe(1);
    await recording.close();
  }));

test('the entry is in the file before the caller sees the end', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    for (const stream of [false, true]) {
      await text(await send('Hi', { stream }));
      expect(recording.cache.summary()).toMatchObject({ recorded: stream ? 2 : 1 });
    }
    await recording.close();
  }));

test('a stream arrives while it is recorded', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const message = await send('Slow? [[words:6]] [[delay:ms=50]]', { stream: true });
    const pieces: string[] = [];
    for await (const piece of message) {
      if (pieces.length === 0) expect(recording.cache.summary()).toMatchObject({ recorded: 0 });
      pieces.push(String(piece));
    }
    expect(pieces.length).toBeGreaterThan(1);
    await recording.close();
  }));

test('of many identical calls at once, one is sent', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const asked = Array.from({ length: 20 }, async () =>
      text(await send('Same?', { stream: true })),
    );
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(await provider.calls()).toBe(1);
    await recording.close();
  }));

test('a message that nobody reads does not keep another call waiting', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const unread = await send('Same?', { stream: true });
    const read = await text(await send('Same?', { stream: true }));
    expect(await text(unread)).toBe(read);
    expect(await provider.calls()).toBe(1);
    await recording.close();
  }));

test('a long message that nobody reads is recorded', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    await send('Long? [[words:2000]]', { stream: true });
    await recording.close();
    const replaying = use({ path, hosts, mode: 'replay' });
    expect(await text(await send('Long? [[words:2000]]', { stream: true }))).toContain('[DONE]');
    await replaying.close();
  }));

test('what comes encoded is recorded decoded', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const message = await send('Hi [[gzip]]', { headers: { 'accept-encoding': 'gzip' } });
    expect(message.headers['content-encoding']).toBe('gzip');
    message.resume();
    await new Promise((resolve) => message.once('end', resolve));
    const again = await send('Hi [[gzip]]');
    expect(again.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(await text(again))).toHaveProperty('choices');
    expect(await provider.calls()).toBe(1);
    await recording.close();
  }));

test('a miss in replay is the error of the request, and explains itself', () =>
  inFolder(async (path) => {
    await use({ path, hosts, mode: 'record' }).close();
    const replaying = use({ path, hosts, mode: 'replay' });
    await expect(send('Spain?')).rejects.toThrow(CacheMissError);
    await expect(CLIENTS['axios']!('Spain?')).rejects.toThrow('not recorded');
    await expect(CLIENTS['node-fetch']!('Spain?')).rejects.toThrow('not recorded');
    await expect(CLIENTS['the AWS SDK']!('Spain?')).rejects.toThrow('not recorded');
    const told = await send('Spain?', { headers: { 'x-stainless-lang': 'js' } });
    expect(told.statusCode).toBe(400);
    expect(JSON.parse(await text(told))).toMatchObject({ error: { type: 'f3dx_cache_miss' } });
    await expect(replaying.close()).rejects.toThrow(CacheMissError);
    expect(await provider.calls()).toBe(0);
  }));

test('an abort ends a request before its answer, while it is recorded and while it is replayed', () =>
  inFolder(async (path) => {
    const recording = use({ path, hosts, mode: 'record' });
    const first = new AbortController();
    const held = send('Held? [[hold]]', { signal: first.signal });
    await provider.arrived(1);
    first.abort();
    await expect(held).rejects.toThrow('aborted');
    await provider.release();

    const second = new AbortController();
    const left = await send('Left? [[words:50]] [[delay:ms=20]]', {
      stream: true,
      signal: second.signal,
    });
    await left[Symbol.asyncIterator]().next();
    second.abort();
    await recording.close();
    // Its connection is gone with the caller, so there is no rest to read.
    expect(recording.cache.summary()).toMatchObject({ recorded: 0 });

    const again = use({ path, hosts, mode: 'record' });
    await text(await send('Long? [[words:50]]', { stream: true }));
    const third = new AbortController();
    const replayed = await send('Long? [[words:50]]', { stream: true, signal: third.signal });
    third.abort();
    await expect(text(replayed)).rejects.toThrow('aborted');
    await again.close();
  }));

test.each(['[[status:429 retry-after=0]]', '[[cut:2]]', '[[eof:2]]', '[[error-event]]'])(
  'what is no complete answer is not recorded: %s',
  (directive) =>
    inFolder(async (path) => {
      const recording = use({ path, hosts, mode: 'record' });
      const message = await send(`Hi ${directive}`, { stream: true });
      await text(message).catch(() => undefined);
      await recording.close();
      expect(recording.cache.summary()).toMatchObject({ recorded: 0, refused: 1 });
    }),
);

test('a failed connection is the error that it was, and the next call is sent', () =>
  inFolder(async (path) => {
    const port = provider.port;
    const shared = provider;
    provider = await Provider.start();
    await provider.stop();
    const recording = use({ path, hosts, mode: 'record' });
    try {
      await expect(send('Hi')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await expect(send('Hi')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    } finally {
      provider = shared;
    }
    expect(provider.port).toBe(port);
    expect((await send('Hi')).resume().statusCode).toBe(200);
    await recording.close();
  }));

test('every way to make a request is intercepted', () =>
  inFolder(async (path) => {
    const target = new URL(url());
    const { hostname: host, port, pathname } = target;
    const options = { method: 'POST', headers };
    const made = [
      () => http.request(target, options),
      () => http.request({ host, port, path: pathname, ...options }),
      () =>
        http.request({
          hostname: host,
          port: Number(port),
          path: pathname,
          protocol: 'http:',
          ...options,
        }),
      () => named(target, options),
      // @ts-expect-error: the declarations do not know its third argument
      () => new http.ClientRequest(url(), options),
      () => http.request(url(), { ...options, agent: new http.Agent({ keepAlive: true }) }),
      () => http.request(url(), { ...options, agent: false }),
    ];
    const recording = use({ path, hosts, mode: 'record' });
    for (const make of made) {
      const message = await new Promise<http.IncomingMessage>((found, failed) => {
        make().once('response', found).once('error', failed).end(bodyOf('Hi'));
      });
      expect(message.statusCode).toBe(200);
      await text(message);
    }
    expect(await provider.calls()).toBe(1);
    await recording.close();
  }));

test('what was patched is as it was', () =>
  inFolder(async (path) => {
    const places = () => [
      http.request,
      http.get,
      http.ClientRequest,
      https.request,
      https.get,
      Headers,
      Response,
      Request,
    ];
    const before = places();
    const outer = use({ path, hosts, mode: 'record' });
    const inner = use({ path, hosts, mode: 'record' });
    await CLIENTS['http.request']!('Hi');
    expect(http.request).not.toBe(before[0]);
    expect(places().slice(5)).toEqual(before.slice(5));
    await inner.close();
    expect(http.request).not.toBe(before[0]);
    await outer.close();
    expect(places()).toEqual(before);

    const over = use({ path, hosts, mode: 'record' });
    const gate = http.request;
    const tracer = ((...args: Parameters<typeof gate>) => gate(...args)) as typeof gate;
    http.request = tracer;
    await over.close();
    expect(http.request).toBe(tracer);
    expect((await send('Hi')).resume().statusCode).toBe(200);
    http.request = before[0] as typeof gate;
  }));
