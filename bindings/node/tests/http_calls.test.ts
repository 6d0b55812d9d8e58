/** The tables of HTTP calls and responses that every language runs, from one file. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Cache, use, type TestOptions } from '../dist/index.mjs';
import type { NativeCache, NativeExchange } from '../native/index.js';
import { inFolder } from './provider.js';

const FIXTURES = resolve(import.meta.dirname, '../../../tests/fixtures');

interface Case {
  id: string;
  url: string;
  headers?: [string, string][];
  options?: Record<string, unknown>;
}

interface CallCase extends Case {
  method: string;
  body?: string;
  body_hex?: string;
  env?: Record<string, string>;
  expect: 'pass' | 'unrecorded' | 'inference';
  document?: string;
  fingerprint?: string;
}

interface ResponseCase extends Case {
  request_body: string;
  status: number;
  chunks: string[];
  eof: boolean;
  expect: 'record' | 'refuse';
  reason?: string;
}

function cases<T>(name: string): T[] {
  const lines = readFileSync(`${FIXTURES}/${name}`, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

/** The options of `f3dx-cache.toml`, as they are called in Node. */
function optionsOf({ options = {} }: Case): TestOptions {
  const camel = (name: string) => name.replace(/_./g, ([, letter]) => letter!.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [camel(name), value]));
}

function open(of: Case, path: string, mode: TestOptions['mode']): Cache {
  return Cache.forTests({ ...optionsOf(of), path, mode });
}

/** What the interceptors use. */
const nativeOf = (cache: Cache) => (cache as unknown as { native: NativeCache }).native;

const bodyOf = (call: CallCase) =>
  call.body_hex === undefined ? Buffer.from(call.body ?? '') : Buffer.from(call.body_hex, 'hex');

function intercept(cache: Cache, call: CallCase) {
  const [body, headers] = [bodyOf(call), (call.headers ?? []).flat().join('\n')];
  return nativeOf(cache).intercept(call.method, call.url, headers, body, body.length);
}

async function record(exchange: NativeExchange): Promise<boolean> {
  exchange.head(200, 'content-type\napplication/json');
  exchange.chunk(Buffer.from('{"an":"answer"}'));
  return exchange.finish('eof');
}

const calls = cases<CallCase>('http_calls.jsonl');
const responses = cases<ResponseCase>('http_responses.jsonl');

afterEach(() => {
  vi.unstubAllEnvs();
});

test('the tables are there', () => {
  expect(calls.length).toBeGreaterThan(160);
  expect(responses.length).toBeGreaterThan(75);
});

test.each(calls)('a call is what the table says: $id', (call) =>
  inFolder(async (path, folder) => {
    for (const [name, value] of Object.entries(call.env ?? {})) vi.stubEnv(name, value);

    using cache = open(call, path, 'record');
    const exchange = intercept(cache, call);
    if (call.expect === 'inference') {
      expect(await record(exchange as NativeExchange)).toBe(true);
      const [entry, ...others] = cache.entries();
      expect(others).toEqual([]);
      expect(entry?.fingerprint).toBe(call.fingerprint);
      expect(cache.request(entry!.fingerprint)?.toString()).toBe(call.document);
      const replay = intercept(cache, call);
      expect(replay).toMatchObject({ status: 200, body: Buffer.from('{"an":"answer"}') });
    } else {
      expect(exchange).toBeNull();
    }

    using empty = open(call, `${folder}/empty.redb`, 'replay');
    const decision = intercept(empty, call);
    if (call.expect === 'pass') expect(decision).toBeNull();
    else expect(decision).toEqual(expect.any(String));
  }),
);

/** Whether `fetch` sends a call as the table has it: it resolves `%2e%2e`, for example. */
function fetchable({ method, url, headers = [], body }: CallCase): boolean {
  try {
    return new Request(url, { method, headers, body: body ?? null }).url === url;
  } catch {
    return false;
  }
}

const inferences = calls.filter((call) => call.expect === 'inference');
const fetched = inferences.filter(fetchable);

test('fetch can send nearly all of the inference calls', () => {
  expect(fetched.length).toBeGreaterThan(inferences.length * 0.9);
});

test.each(fetched)('fetch replays the call that the table describes: $id', (call) =>
  inFolder(async (path) => {
    for (const [name, value] of Object.entries(call.env ?? {})) vi.stubEnv(name, value);
    {
      using cache = open(call, path, 'record');
      await record(intercept(cache, call) as NativeExchange);
    }
    const replaying = use({ ...optionsOf(call), path, mode: 'replay' });
    const headers = call.headers ?? [];
    const body = call.body_hex === undefined ? call.body : bodyOf(call);
    const init: RequestInit = { method: call.method, headers, ...(body !== undefined && { body }) };
    expect(await (await fetch(call.url, init)).text()).toBe('{"an":"answer"}');
    const request = new Request(call.url, init);
    expect(await (await fetch(request)).text()).toBe('{"an":"answer"}');
    await replaying.close();
  }),
);

test.each(responses)('a response is recorded or refused as the table says: $id', (response) =>
  inFolder(async (path) => {
    using cache = open(response, path, 'record');
    const sent = Buffer.from(response.request_body);
    const call = ['POST', response.url, ''] as const;
    const exchange = nativeOf(cache).intercept(...call, sent, sent.length) as NativeExchange;
    exchange.head(response.status, (response.headers ?? []).flat().join('\n'));
    for (const chunk of response.chunks) exchange.chunk(Buffer.from(chunk));
    const recorded = await exchange.finish(response.eof ? 'eof' : 'left');
    expect(recorded).toBe(response.expect === 'record');
    expect(cache.summary().refusals.map(({ why }) => why)).toEqual(
      recorded ? [] : [response.reason],
    );

    const again = nativeOf(cache).intercept(...call, sent, sent.length);
    if (recorded) expect(again).toHaveProperty('status', response.status);
    else expect(again).not.toHaveProperty('status');
  }),
);
