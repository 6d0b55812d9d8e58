/** Look up, record and inspect by hand. */

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import {
  Cache,
  CacheError,
  canonicalize,
  fingerprint,
  recover,
  verify,
  type Mode,
  type Options,
  type PutMeta,
  type Request,
} from '../dist/index.mjs';
import type { NativeCache, NativeExchange } from '../native/index.js';
import { bytesOf, inFolder } from './provider.js';

const REQUEST = { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] };
const RESPONSE = Buffer.from(
  '{"model":"gpt-4o-2024","usage":{"prompt_tokens":3,"completion_tokens":4}}',
);
const DIST = resolve(import.meta.dirname, '../dist/index.js');

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Calls `work` with a cache that records into a file of its own. */
function recording(work: (cache: Cache, path: string) => Promise<void>, options: Options = {}) {
  return inFolder(async (path) => {
    using cache = Cache.open(path, { mode: 'record', ...options });
    await work(cache, path);
  });
}

async function fileWith(path: string, requests: object[] = [REQUEST]): Promise<void> {
  using cache = Cache.open(path, { mode: 'record' });
  for (const request of requests) await cache.put(request, RESPONSE);
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

function expectCacheError(error: unknown, kind: string, message: string | RegExp = ''): void {
  expect(error).toBeInstanceOf(CacheError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'CacheError', kind });
  expect((error as Error).message).toMatch(message);
  expect((error as Error).stack).toContain('cache.test.ts');
}

const rejected = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('nothing was thrown');
    },
    (error: unknown) => error,
  );

/** Runs a script that sees `Cache`, `path` and `n` in a process of its own. */
function child(path: string, script: string, n = 0): Promise<string> {
  const code = `
    const { Cache, CacheError } = require(${JSON.stringify(DIST)});
    const [path, n] = [${JSON.stringify(path)}, ${n}];
    const done = (said) => process.send(said, () => process.exit());
    (async () => {${script}})().catch((error) => done('failed: ' + error.stack));
  `;
  const file = join(path, '..', `child-${Math.random()}.cjs`);
  writeFileSync(file, code);
  return once(fork(file, { execArgv: [] }), 'message').then(([said]) => String(said));
}

test('a miss is null, and a recording is a hit', () =>
  recording(async (cache) => {
    expect(cache.get(REQUEST)).toBeNull();
    expect(await cache.put(REQUEST, RESPONSE)).toBe(fingerprint(REQUEST));
    expect(cache.get(REQUEST)).toEqual(RESPONSE);
  }));

interface Expected {
  found: 'old' | 'new' | null;
  put: 'stored' | 'first' | 'skipped' | 'refused';
}

const modes: [Mode, { recorded: Expected; missing: Expected }][] = [
  [
    'replay',
    { recorded: { found: 'old', put: 'refused' }, missing: { found: null, put: 'refused' } },
  ],
  ['record', { recorded: { found: 'old', put: 'first' }, missing: { found: null, put: 'stored' } }],
  [
    'refresh',
    { recorded: { found: null, put: 'stored' }, missing: { found: null, put: 'stored' } },
  ],
  [
    'read_only',
    { recorded: { found: 'old', put: 'skipped' }, missing: { found: null, put: 'skipped' } },
  ],
  ['off', { recorded: { found: null, put: 'skipped' }, missing: { found: null, put: 'skipped' } }],
];

test.each(modes)('mode %s is what the table of modes says', (mode, { recorded, missing }) =>
  inFolder(async (path) => {
    // Refresh replays what its own run recorded.
    vi.stubEnv('F3DX_CACHE_RUN_ID', 'a run before');
    await fileWith(path);
    vi.stubEnv('F3DX_CACHE_RUN_ID', 'this run');
    const before = bytesOf(path);
    for (const [request, expected] of [
      [REQUEST, recorded],
      [{ n: 1 }, missing],
    ] as const) {
      using cache = Cache.open(path, { mode });
      expect(cache.mode).toBe(mode);
      expect(cache.modeReason).toContain('mode');
      const found = cache.get(request);
      expect(found).toEqual(expected.found === 'old' ? RESPONSE : null);
      const putting = cache.put(request, 'new');
      if (expected.put === 'refused')
        expectCacheError(await rejected(putting), 'read_only', 'mode="record"');
      else expect(await putting).toBe(fingerprint(request));
    }
    if (mode === 'record' || mode === 'refresh') {
      using cache = Cache.open(path, { mode: 'replay' });
      expect(cache.get(REQUEST)?.toString()).toBe(mode === 'record' ? `${RESPONSE}` : 'new');
      expect(cache.get({ n: 1 })?.toString()).toBe('new');
    } else {
      expect(bytesOf(path)).toEqual(before);
    }
  }),
);

test('every spelling of a request is the same entry', () =>
  recording(async (cache) => {
    await cache.put(REQUEST, RESPONSE);
    const text = '{ "messages": [{"content": "\\u0068i", "role": "user"}], "model": "gpt-4o" }';
    const spellings: Request[] = [
      text,
      Buffer.from(text),
      new Uint8Array(Buffer.from(text)),
      { messages: [{ content: 'hi', role: 'user' }], model: 'gpt-4o' },
      { ...REQUEST, user: undefined },
      { toJSON: () => REQUEST },
    ];
    for (const spelling of spellings) {
      expect(cache.get(spelling)).toEqual(RESPONSE);
      expect(cache.has(spelling)).toBe(true);
      expect(cache.fingerprint(spelling)).toBe(fingerprint(REQUEST));
    }
    expect(cache.get({ ...REQUEST, user: null })).toBeNull();
  }));

test('a response is bytes or text', () =>
  recording(async (cache) => {
    const responses = [
      'é',
      Buffer.from('é'),
      new Uint8Array(Buffer.from('é')),
      '',
      new Uint8Array(),
    ];
    for (const [n, response] of responses.entries()) {
      await cache.put({ n }, response);
      expect(cache.get({ n })?.toString()).toBe(response.length === 0 ? '' : 'é');
    }
    const large = Buffer.alloc(1 << 20, 'x');
    await cache.put({ large: true }, large);
    expect(cache.get({ large: true })?.equals(large)).toBe(true);
    for (const wrong of [{}, 1, null, undefined, new Uint16Array(1), new ArrayBuffer(1), ['x']]) {
      const error = await rejected(cache.put(REQUEST, wrong as unknown as string));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toBe('a response is a Uint8Array or a string');
    }
    const gone = new Uint8Array(3);
    structuredClone(gone, { transfer: [gone.buffer] });
    expect(await rejected(cache.put(REQUEST, gone))).toBeInstanceOf(TypeError);
    expect(cache.get(REQUEST)).toBeNull();
  }));

test('a response is what it was when put was called', () =>
  recording(async (cache) => {
    const response = Buffer.from('as it was');
    const putting = cache.put(REQUEST, response);
    response.fill('!');
    await putting;
    const found = cache.get(REQUEST)!;
    expect(found.toString()).toBe('as it was');
    found.fill('!');
    expect(cache.get(REQUEST)?.toString()).toBe('as it was');
  }));

test('a getter of the meta may use the cache while it is put', () =>
  recording(async (cache) => {
    const other = { other: 'x'.repeat(200) };
    const meta: PutMeta = {
      get model() {
        cache.get(other);
        return 'a model';
      },
    };
    expect(await cache.put(REQUEST, RESPONSE, meta)).toBe(fingerprint(REQUEST));
    expect(cache.has(other)).toBe(false);
    expect(cache.meta(REQUEST)?.model).toBe('a model');
  }));

test('a peek counts nothing', () =>
  recording(async (cache) => {
    await cache.put(REQUEST, RESPONSE);
    expect(cache.peek(REQUEST)).toEqual(RESPONSE);
    expect(cache.peek({})).toBeNull();
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 0 });
    cache.get(REQUEST);
    cache.get({});
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1 });
  }));

test('has, meta and delete take a request or a fingerprint', () =>
  recording(async (cache) => {
    const address = await cache.put(REQUEST, RESPONSE);
    for (const named of [REQUEST, address, address.toUpperCase()]) {
      expect(cache.has(named)).toBe(true);
      expect(cache.meta(named)?.model).toBe('gpt-4o-2024');
    }
    for (const named of [{}, '0'.repeat(64)]) {
      expect(cache.has(named)).toBe(false);
      expect(cache.meta(named)).toBeNull();
      expect(await cache.delete(named)).toBe(false);
    }
    expect(await cache.delete(REQUEST)).toBe(true);
    expect(await cache.delete(REQUEST)).toBe(false);
    expect(await cache.delete(await cache.put({}, RESPONSE))).toBe(true);
    expect(cache.stats().entries).toBe(0);
  }));

test('meta is what was told and what the response says', () =>
  recording(async (cache) => {
    await cache.put(REQUEST, RESPONSE, { system_fingerprint: 'fp_1', response_duration_ms: 12.6 });
    expect(cache.meta(REQUEST)).toMatchObject({
      model: 'gpt-4o-2024',
      system_fingerprint: 'fp_1',
      response_duration_ms: 13,
      usage: { input_tokens: 3, output_tokens: 4 },
      hit_count: 0,
    });
    expect(cache.meta(REQUEST)?.created_at_ms).toBeGreaterThan(1.7e12);
    for (const response_duration_ms of [-1, NaN, Infinity]) {
      const error = await rejected(cache.put({}, '', { response_duration_ms }));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain('response_duration_ms');
    }
    const wrong = { model: 1 } as unknown as PutMeta;
    const error = await rejected(cache.put({}, '', wrong));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe('model: a number is no string');
    expect(cache.has({})).toBe(false);
  }));

test('entries come in the order of their fingerprints, as they were when the walk began', () =>
  recording(async (cache) => {
    const requests = Array.from({ length: 150 }, (_, n) => ({ n }));
    const addresses = await Promise.all(requests.map((request) => cache.put(request, RESPONSE)));
    const walk = cache.entries();
    const first = walk.next().value!;
    await cache.put({ later: true }, RESPONSE);
    const found = [first, ...walk].map((entry) => entry.fingerprint);
    expect(found).toEqual(addresses.sort());
    expect(first.meta).toMatchObject({ model: 'gpt-4o-2024', hit_count: 0 });
    expect([...cache.entries()]).toHaveLength(151);
    for (const _ of cache.entries()) break;
    expect(JSON.parse(cache.request(fingerprint(REQUEST))?.toString() ?? 'null')).toBeNull();
    expect(cache.request(fingerprint({ n: 7 }))?.toString()).toBe('{"n":7}');
  }));

test('stats tell sizes and format', () =>
  recording(async (cache, path) => {
    await cache.put(REQUEST, RESPONSE);
    const stats = cache.stats();
    expect(stats).toMatchObject({
      entries: 1,
      bytes_requests: canonicalize(REQUEST).length,
      bytes_responses: RESPONSE.length,
      file_bytes: bytesOf(path).length,
    });
    expect(stats.format_version).toBeGreaterThanOrEqual(1);
  }));

test('an explanation names the difference and the command', () =>
  recording(async (cache, path) => {
    await cache.put(REQUEST, RESPONSE);
    const session = cache.session('a test', 'the command that records');
    const explanation = session.explain({ ...REQUEST, model: 'gpt-4o-mini' });
    expect(explanation).toMatchObject({
      mode: 'record',
      path,
      entries: 1,
      fingerprint: fingerprint({ ...REQUEST, model: 'gpt-4o-mini' }),
      command: 'the command that records',
      nearest: { fingerprint: fingerprint(REQUEST), more: 0 },
    });
    expect(explanation.nearest?.differences).toEqual([
      { path: '/model', recorded: '"gpt-4o"', requested: '"gpt-4o-mini"' },
    ]);
    expect(`${explanation}`).toContain('at /model');
    expect(`${explanation}`).toContain('the command that records');
    expect(Object.keys(explanation)).not.toContain('toString');
  }));

test('a session counts for itself and names the test', () =>
  recording(async (cache) => {
    const session = cache.session('tests/a.test.ts > b', 'a command');
    await session.put(REQUEST, RESPONSE);
    session.get(REQUEST);
    session.get({});
    expect(session.summary()).toMatchObject({
      hits: 1,
      misses: 1,
      recorded: 1,
      tokens_saved_output: 4,
    });
    expect(cache.summary()).toMatchObject({ hits: 0, misses: 0, recorded: 0 });
    expect(cache.meta(REQUEST)?.source).toBe('tests/a.test.ts > b');
    session.close();
    expect(cache.closed).toBe(true);
  }));

test('a put is in the file when its promise resolves', () =>
  recording(async (cache, path) => {
    await cache.put(REQUEST, RESPONSE);
    const read = `
      const cache = Cache.open(path, { mode: 'replay' });
      done(String(cache.get(${JSON.stringify(REQUEST)})));
    `;
    expect(await child(path, read)).toBe(RESPONSE.toString());
  }));

test('a closed cache says so, and closing twice does nothing', () =>
  inFolder(async (path) => {
    const cache = Cache.open(path, { mode: 'record' });
    await cache.put(REQUEST, RESPONSE);
    const walk = cache.entries();
    walk.next();
    const session = cache.session();
    expect(cache.closed).toBe(false);
    cache.close();
    cache.close();
    cache[Symbol.dispose]();
    expect([cache.closed, session.closed]).toEqual([true, true]);
    const address = fingerprint(REQUEST);
    for (const use of [
      () => cache.get(REQUEST),
      () => cache.peek(REQUEST),
      () => cache.has(REQUEST),
      () => cache.has(address),
      () => cache.meta(address),
      () => cache.request(address),
      () => cache.explain(REQUEST),
      () => cache.stats(),
      () => cache.entries().next(),
      () => session.get(REQUEST),
    ]) {
      expectCacheError(thrownBy(use), 'invalid_argument', 'is closed');
    }
    for (const use of [
      () => cache.put(REQUEST, RESPONSE),
      () => cache.delete(address),
      () => cache.claim({ n: 1 }),
      () => cache.compact(),
    ]) {
      expectCacheError(await rejected(use()), 'invalid_argument', 'is closed');
    }
    using again = Cache.open(path, { mode: 'replay' });
    expect(again.get(REQUEST)).toEqual(RESPONSE);
  }));

test('using closes', () =>
  inFolder(async (path) => {
    let kept: Cache;
    expect(() => {
      using cache = Cache.open(path, { mode: 'record' });
      kept = cache;
      throw new RangeError('mine');
    }).toThrow('mine');
    expect(kept!.closed).toBe(true);
  }));

test('mode and path come from options, then from the environment', () =>
  inFolder(async (path) => {
    vi.stubEnv('F3DX_CACHE_MODE', undefined);
    Cache.open(path).close();
    {
      using cache = Cache.open(path);
      expect([cache.mode, cache.modeReason, cache.path]).toEqual(['record', 'default', path]);
    }
    vi.stubEnv('F3DX_CACHE_MODE', 'replay');
    vi.stubEnv('F3DX_CACHE_PATH', path);
    {
      using cache = Cache.open();
      expect([cache.mode, cache.modeReason, cache.path]).toEqual([
        'replay',
        'F3DX_CACHE_MODE',
        path,
      ]);
    }
    vi.stubEnv('F3DX_CACHE_MODE', 'once');
    expectCacheError(
      thrownBy(() => Cache.open(path)),
      'config',
      'F3DX_CACHE_MODE: unknown mode "once"',
    );
    using cache = Cache.open(path, { mode: 'read_only' });
    expect(cache.mode).toBe('read_only');
  }));

test('a cache for tests replays where CI is set, and needs no file for it', () =>
  inFolder(async (path) => {
    vi.stubEnv('CI', 'true');
    using cache = Cache.forTests({ path });
    expect([cache.mode, cache.modeReason]).toEqual(['replay', 'CI is set']);
    expect(cache.get(REQUEST)).toBeNull();
    expect(existsSync(path)).toBe(false);
  }));

test.each(['replay', 'read_only'] as const)(
  'a missing file in %s is an error that says how to record it',
  (mode) =>
    inFolder(async (path) => {
      const error = thrownBy(() => Cache.open(path, { mode }));
      expectCacheError(error, 'io', 'mode="record" where the cache is opened');
      expect((error as Error).message).toContain(path);
      expect(existsSync(path)).toBe(false);
    }),
);

test('what is no cache is named', () =>
  inFolder(async (path, folder) => {
    writeFileSync(path, 'this is something else '.repeat(500));
    for (const mode of ['record', 'replay'] as const) {
      const error = thrownBy(() => Cache.open(path, { mode }));
      expectCacheError(error, 'corrupt', 'give another path');
      expect((error as Error).message).toContain(path);
    }
    expectCacheError(await rejected(verify(path)), 'corrupt');
    writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n');
    expectCacheError(
      thrownBy(() => Cache.open(path)),
      'corrupt',
      'git lfs pull',
    );
    expectCacheError(
      thrownBy(() => Cache.open(folder)),
      'io',
      'is a directory',
    );
    expectCacheError(
      thrownBy(() => Cache.open('\0')),
      'io',
    );
  }));

test.each([
  [{ host: ['a'] }, 'option host: '],
  [{ hostAlias: {} }, 'option hostAlias: '],
  [{ hosts: 'a' }, 'option hosts: '],
  [{ ignoreHosts: [1] }, 'option ignoreHosts: '],
  [{ repeats: 'never' }, '`same` or `sequence`'],
  [{ lockTimeoutMs: -1 }, 'option lockTimeoutMs: '],
  [{ lockTimeoutMs: NaN }, 'option lockTimeoutMs: '],
  [{ claimTimeoutMs: '1s' }, 'option claimTimeoutMs: '],
  [{ maxBytes: 1n }, 'option maxBytes: '],
  [{ maxBytes: 0.5 }, 'option maxBytes: '],
  [{ recordStatus: [70_000] }, 'option recordStatus: '],
  [{ redact: [/a/] }, 'option redact: at "/0": a RegExp'],
  [{ hostAliases: new Map() }, 'option hostAliases: a Map'],
  [{ ignoreHost: ['a'] }, '`ignoreHosts`'],
  [{ normalize: [{ at: '/a' }] }, 'option normalize: '],
  [{ ignore: [''] }, 'ignore'],
  [{ mode: 'once' }, 'replay, record, refresh, read_only, off'],
  [{ mode: 1 }, 'option mode: '],
  [{ persistHits: 'yes' }, 'option persistHits: '],
])('a wrong option is named: %# $1', (options: object, named) =>
  inFolder(async (path) => {
    for (const open of [
      () => Cache.open(path, options as Options),
      () => Cache.forTests({ ...options, path } as Options),
    ]) {
      const error = thrownBy(open);
      expectCacheError(error, 'config');
      expect((error as Error).message).toContain(named);
    }
    expect(existsSync(path)).toBe(false);
  }),
);

test('a pattern that is none is named', () =>
  inFolder(async (path) => {
    const error = thrownBy(() => Cache.open(path, { mode: 'record', redact: ['('] }));
    expectCacheError(error, 'config', 'redact');
  }));

test('options may be undefined, or absent', () =>
  inFolder(async (path) => {
    using cache = Cache.open(path, { mode: undefined, hosts: undefined, maxBytes: undefined });
    expect(cache.mode).toBe('record');
  }));

test.each([1, {}, null, Symbol('s')])('a path is a string', (path) => {
  const error = thrownBy(() => Cache.open(path as unknown as string));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toBe('a path is a string');
});

test.each([null, 'replay', ['replay'], new Map([['mode', 'off']])])(
  'options are an object',
  (options) =>
    inFolder(async (path) => {
      const error = thrownBy(() => Cache.open(path, options as unknown as Options));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain('options are an object');
      expect(existsSync(path)).toBe(false);
    }),
);

test('another identity policy than the file has is an error', () =>
  inFolder(async (path) => {
    {
      using cache = Cache.open(path, { mode: 'record', ignore: ['/user'] });
      await cache.put({ user: 'a', n: 1 }, RESPONSE);
      expect(cache.get({ user: 'b', n: 1 })).toEqual(RESPONSE);
      expect(cache.fingerprint({ user: 'b', n: 1 })).toBe(fingerprint({ n: 1 }));
    }
    const error = thrownBy(() => Cache.open(path, { mode: 'record', ignore: ['/n'] }));
    expectCacheError(error, 'config_mismatch', 'another identity policy');
  }));

/** Stands in for a process that keeps its turn: locks the byte that redb's writers lock. */
const LOCKER = `
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX, 1, 1 << 62)
    print("locked", flush=True)
    sys.stdin.read()
`;

test('a put that waits too long for another writer is an error', () =>
  recording(
    async (cache, path) => {
      await cache.put(REQUEST, RESPONSE);
      const locker = spawn('python3', ['-c', LOCKER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(locker.stdout, 'data');
      const late = [cache.put({ n: 1 }, RESPONSE), cache.delete(REQUEST)];
      for (const waiting of late) expectCacheError(await rejected(waiting), 'locked', path);
      expect(cache.get(REQUEST)).toEqual(RESPONSE);
      locker.stdin.end();
      await once(locker, 'exit');
      await cache.put({ n: 1 }, RESPONSE);
      expect(cache.get({ n: 1 })).toEqual(RESPONSE);
    },
    { lockTimeoutMs: 20 },
  ));

test('a request that breaks a rule is refused by whatever takes one, and counts nothing', () =>
  recording(async (cache) => {
    const uses: ((request: Request) => unknown)[] = [
      (request) => cache.get(request),
      (request) => cache.peek(request),
      (request) => cache.fingerprint(request),
      (request) => cache.explain(request),
      (request) => cache.has(request),
      (request) => cache.meta(request),
      (request) => cache.delete(request),
      (request) => cache.put(request, ''),
      (request) => cache.claim(request),
    ];
    for (const use of uses) {
      const outcome = async (request: unknown) => rejected((async () => use(request as Request))());
      const error = await outcome('{"a":1,"a":2}');
      expectCacheError(error, 'invalid_json', 'duplicate key "a"');
      expect(error).toMatchObject({ rule: 'duplicate_key', at: 7 });
      expect(await outcome({ a: [NaN] })).toBeInstanceOf(TypeError);
      expect(await outcome(1)).toBeInstanceOf(TypeError);
    }
    expect(cache.stats()).toMatchObject({ entries: 0, hits: 0, misses: 0 });
  }));

test('what is no fingerprint is refused', () =>
  recording(async (cache) => {
    expectCacheError(
      thrownBy(() => cache.request('abc')),
      'invalid_argument',
      '64 hexadecimal',
    );
  }));

test('of 40 claims of one request at once, one calls', () =>
  recording(async (cache) => {
    let calls = 0;
    const ask = async () => {
      const { recorded, claim } = await cache.claim(REQUEST);
      if (!recorded) {
        calls += 1;
        await cache.put(REQUEST, RESPONSE);
        claim.release();
      }
      return cache.get(REQUEST);
    };
    const answers = await Promise.all(Array.from({ length: 40 }, ask));
    expect(calls).toBe(1);
    expect(answers.every((answer) => answer?.equals(RESPONSE))).toBe(true);
    expect(await cache.claim(REQUEST)).toEqual({ recorded: true });
  }));

test('a claim that is released without a recording goes to the next one', () =>
  recording(async (cache) => {
    const first = await cache.claim(REQUEST);
    const waiting = [cache.claim(REQUEST), cache.claim(REQUEST)];
    first.claim!.release();
    first.claim!.release();
    const second = await Promise.race(waiting);
    expect(second.recorded).toBe(false);
    second.claim![Symbol.dispose]();
    const both = await Promise.all(waiting);
    expect(both.map(({ recorded }) => recorded)).toEqual([false, false]);
    for (const { claim } of both) claim!.release();
  }));

test('an aborted signal ends the wait for a claim', () =>
  recording(async (cache) => {
    const held = await cache.claim(REQUEST);
    const controller = new AbortController();
    const waiting = cache.claim(REQUEST, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    held.claim!.release();
    const next = await cache.claim(REQUEST);
    expect(next.recorded).toBe(false);
    next.claim!.release();
  }));

test('a claim whose holder never releases it keeps the others no longer than the timeout', () =>
  recording(
    async (cache) => {
      const held = await cache.claim(REQUEST);
      const others = await Promise.all(Array.from({ length: 10 }, () => cache.claim(REQUEST)));
      for (const { recorded, claim } of others) {
        expect(recorded).toBe(false);
        claim!.release();
      }
      held.claim!.release();
      expect((await cache.claim(REQUEST)).recorded).toBe(false);
    },
    { claimTimeoutMs: 30 },
  ));

test.each(['replay', 'read_only', 'off'] as const)('mode %s claims nothing', (mode) =>
  inFolder(async (path) => {
    await fileWith(path);
    using cache = Cache.open(path, { mode });
    const claims = await Promise.all([cache.claim({ n: 1 }), cache.claim({ n: 1 })]);
    expect(claims.map(({ recorded }) => recorded)).toEqual([false, false]);
  }),
);

test('more puts at once than there are threads', () =>
  inFolder(async (path, folder) => {
    const caches = [path, `${folder}/other.redb`].map((at) => Cache.open(at, { mode: 'record' }));
    // Larger than the buffer that texts share.
    const pad = 'x'.repeat(70_000);
    const puts = caches.flatMap((cache) =>
      Array.from({ length: 64 }, (_, n) => cache.put({ n, pad: n % 2 ? pad : '' }, `answer ${n}`)),
    );
    const addresses = await Promise.all(puts);
    expect(new Set(addresses).size).toBe(64);
    for (const cache of caches) {
      expect(cache.stats().entries).toBe(64);
      for (let n = 0; n < 64; n++) {
        expect(cache.get({ n, pad: n % 2 ? pad : '' })?.toString()).toBe(`answer ${n}`);
      }
      cache.close();
    }
  }));

test('what is underway when a cache is closed is done or fails', () =>
  inFolder(async (path) => {
    const cache = Cache.open(path, { mode: 'record' });
    const puts = Array.from({ length: 32 }, (_, n) => cache.put({ n }, RESPONSE));
    cache.close();
    const outcomes = await Promise.allSettled(puts);
    using again = Cache.open(path, { mode: 'record' });
    for (const [n, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') expectCacheErrorOf(outcome.reason);
      expect(again.has({ n })).toBe(outcome.status === 'fulfilled');
    }
  }));

function expectCacheErrorOf(error: unknown): void {
  expect(error).toBeInstanceOf(CacheError);
  expect((error as CacheError).message).toContain('is closed');
}

test('a flush keeps the hits', () =>
  recording(
    async (cache) => {
      await cache.put(REQUEST, RESPONSE);
      cache.get(REQUEST);
      cache.get(REQUEST);
      await cache.flush();
      expect(cache.meta(REQUEST)?.hit_count).toBe(2);
    },
    { persistHits: true },
  ));

test('a compaction gives back space and loses nothing', () =>
  recording(async (cache, path) => {
    for (let n = 0; n < 50; n++) await cache.put({ n }, 'x'.repeat(20_000));
    for (let n = 1; n < 50; n++) await cache.delete({ n });
    const before = bytesOf(path).length;
    expect(await cache.compact()).toBe(true);
    expect(bytesOf(path).length).toBeLessThan(before / 2);
    expect(cache.get({ n: 0 })?.length).toBe(20_000);
    expect(cache.stats().entries).toBe(1);
    expect(await cache.compact()).toBe(false);
  }));

test('a file is verified, and what is intact is recovered from a damaged one', () =>
  inFolder(async (path, folder) => {
    const requests = Array.from({ length: 20 }, (_, n) => ({ n, pad: 'y'.repeat(3000) }));
    await fileWith(path, requests);
    expect(await verify(path)).toEqual({ entries: 20, intact: 20, flaws: [] });

    const bytes = bytesOf(path);
    const at = bytes.indexOf('yyyyyyyy');
    bytes[at] = 'z'.charCodeAt(0);
    writeFileSync(path, bytes);
    const found = await verify(path);
    expect(found.flaws.length).toBeGreaterThan(0);
    expect(found.intact).toBeLessThan(20);

    const target = `${folder}/recovered.redb`;
    const recovery = await recover(path, target);
    expect(recovery.recovered).toBeGreaterThan(0);
    expect(recovery.recovered + recovery.lost.length).toBe(20);
    expect((await verify(target)).flaws).toEqual([]);
    expect(bytesOf(path)).toEqual(bytes);
    expectCacheError(await rejected(recover(path, target)), 'io', target);
    expectCacheError(await rejected(verify(`${folder}/none.redb`)), 'io', 'none.redb');
  }));

test('worker threads share a file, and each has its own environment', () =>
  inFolder(async (path) => {
    const code = `
      const { parentPort, workerData: { dist, path, n } } = require('node:worker_threads');
      const { Cache } = require(dist);
      (async () => {
        const cache = Cache.open(path);
        for (let i = 0; i < 20; i++) {
          if (cache.mode === 'record') await cache.put({ n, i }, 'answer ' + n + ' ' + i);
          await cache.put({ shared: i }, 'shared').catch(() => undefined);
        }
        const found = cache.mode === 'record' && String(cache.get({ n, i: 19 }));
        const said = [cache.mode, cache.modeReason, found];
        cache.close();
        parentPort.postMessage(said);
      })();
    `;
    const run = async (n: number, env: NodeJS.ProcessEnv) => {
      const worker = new Worker(code, { eval: true, env, workerData: { dist: DIST, path, n } });
      const ended = once(worker, 'exit');
      const [said] = (await once(worker, 'message')) as [unknown];
      await ended;
      return said;
    };
    const record = { ...process.env, F3DX_CACHE_MODE: 'record' };
    const said = await Promise.all([0, 1, 2, 3].map((n) => run(n, record)));
    expect(said).toEqual([0, 1, 2, 3].map((n) => ['record', 'F3DX_CACHE_MODE', `answer ${n} 19`]));
    using cache = Cache.open(path, { mode: 'replay' });
    expect(cache.stats().entries).toBe(100);
    expect(await run(0, { ...process.env, F3DX_CACHE_MODE: 'replay' })).toEqual([
      'replay',
      'F3DX_CACHE_MODE',
      false,
    ]);
    expect(process.env['F3DX_CACHE_MODE']).toBe('');
  }));

test(
  'eight processes record into one file, and nothing is lost',
  () =>
    inFolder(async (path) => {
      const script = `
      const cache = Cache.open(path, { mode: 'record' });
      let calls = 0;
      for (let i = 0; i < 40; i++) {
        await cache.put({ n, i }, 'answer ' + n + ' ' + i);
        const { recorded, claim } = await cache.claim({ shared: i });
        if (!recorded) {
          calls += 1;
          await cache.put({ shared: i }, 'by ' + n);
          claim.release();
        }
      }
      cache.close();
      done(calls);
    `;
      const calls = await Promise.all(Array.from({ length: 8 }, (_, n) => child(path, script, n)));
      expect(calls.reduce((sum, count) => sum + Number(count), 0)).toBe(40);
      using cache = Cache.open(path, { mode: 'replay' });
      expect(cache.stats().entries).toBe(8 * 40 + 40);
      for (let n = 0; n < 8; n++) {
        for (let i = 0; i < 40; i++) {
          expect(cache.peek({ n, i })?.toString()).toBe(`answer ${n} ${i}`);
        }
      }
      expect((await verify(path)).flaws).toEqual([]);
    }),
  120_000,
);

test(
  '100,000 lookups and interceptions leave nothing behind',
  () =>
    inFolder(async (path) => {
      const url = 'https://api.openai.com/v1/chat/completions';
      const body = Buffer.from(JSON.stringify(REQUEST));
      const answer = Buffer.from(
        JSON.stringify({ choices: [{ finish_reason: 'stop' }], pad: 'x'.repeat(20_000) }),
      );
      setFlagsFromString('--expose-gc');
      const collect = vm.runInNewContext('gc') as () => void;
      using cache = Cache.open(path, { mode: 'record' });
      const native = (cache as unknown as { native: NativeCache }).native;
      await cache.put(REQUEST, answer);
      const exchange = native.intercept('POST', url, '', body, body.length) as NativeExchange;
      exchange.head(200, 'content-type\napplication/json');
      exchange.chunk(answer);
      expect(await exchange.finish('eof')).toBe(true);

      const used = async () => {
        // What is freed by finalizers is freed in a later turn of the loop.
        for (let turn = 0; turn < 3; turn++) {
          collect();
          await new Promise((resolve) => setImmediate(resolve));
        }
        const { rss, heapUsed, external } = process.memoryUsage();
        return { rss, heap: heapUsed + external };
      };
      const look = async (times: number) => {
        for (let n = 0; n < times; n++) {
          if (cache.get(REQUEST)?.length !== answer.length) throw new Error('a miss');
          if (cache.get({ n: n % 10 }) !== null) throw new Error('a hit');
          native.intercept('POST', url, '', body, body.length);
          // A loop that is never left frees no buffer.
          if (n % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await look(5000);
      const before = await used();
      await look(100_000);
      const after = await used();
      // A leak of the answers would be 4 GB, of 100 bytes a call 30 MB.
      expect(after.heap - before.heap).toBeLessThan(8 << 20);
      expect(after.rss - before.rss).toBeLessThan(100 << 20);
    }),
  120_000,
);
