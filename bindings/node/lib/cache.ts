/** `Cache`: an open cache file. */

import { setTimeout as pause } from 'node:timers/promises';
import { types } from 'node:util';
import { guarded, guardedAsync } from './errors.js';
import { explanationOf, type Explanation } from './explanation.js';
import { native, variables, type NativeCache, type NativeClaim } from './native.js';
import { optionsText, type Mode, type Options, type TestOptions } from './options.js';
import { describe, steady, textOf, type Request } from './request.js';
import type { Summary } from './summary.js';

/** The tokens that a provider charged. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
}

/** What is known about an entry, never part of its fingerprint. */
export interface Meta {
  /** When it was recorded, milliseconds since the Unix epoch. */
  created_at_ms: number;
  /** How often it was replayed, as far as it was written. */
  hit_count: number;
  model?: string;
  system_fingerprint?: string;
  /** How long the provider took, milliseconds. */
  response_duration_ms?: number;
  usage?: Usage;
  /** The test that recorded it. */
  source?: string;
  /** The run that recorded it. */
  run?: string;
  /** Members of a newer library. */
  [member: string]: unknown;
}

/** What a `put` may know beside the response. */
export interface PutMeta {
  model?: string;
  system_fingerprint?: string;
  response_duration_ms?: number;
  usage?: Usage;
}

/** One entry of a walk. */
export interface Entry {
  fingerprint: string;
  meta: Meta;
}

/** Counters of a cache. */
export interface Stats {
  entries: number;
  hits: number;
  misses: number;
  bytes_requests: number;
  bytes_responses: number;
  file_bytes: number;
  format_version: number;
}

/** The right to call the model for one request: the others wait until it is released. */
export interface Claim extends Disposable {
  release(): void;
}

/** What a claim came to. */
export type Claimed =
  /** Call the model, put its response, release the claim. */
  | { recorded: false; claim: Claim }
  /** Another call recorded the response meanwhile: get it. */
  | { recorded: true; claim?: undefined };

// A test may put fake timers in the place of the real ones.
const now = performance.now.bind(performance);

const FINGERPRINT = /^[0-9a-f]{64}$/i;

/**
 * An open cache file. A request is an object, JSON text or bytes of it.
 *
 * What answers in microseconds is synchronous; what may wait for another process is a
 * promise.
 *
 *     using cache = Cache.open('llm.redb');
 *     const request = { model: 'gpt-4o', messages: [] };
 *     let answer = cache.get(request);
 *     if (answer === null) await cache.put(request, (answer = await callTheModel(request)));
 */
export class Cache implements Disposable {
  /** @internal */
  readonly native: NativeCache;

  private constructor(of: NativeCache) {
    this.native = of;
  }

  /**
   * Opens a file by hand. The mode is the option's, else `F3DX_CACHE_MODE`'s, else
   * `record`; without a path, it is `F3DX_CACHE_PATH`, else `.f3dx-cache/cache.redb` at the
   * top of the repository.
   *
   * Throws a `CacheError`: `io` if there is no file and the mode makes none, `corrupt`,
   * `unsupported_format`, `config_mismatch`, `config`, `read_only`.
   */
  static open(path?: string, options: Options = {}): Cache {
    if (path !== undefined && typeof path !== 'string') throw new TypeError('a path is a string');
    const text = optionsText(options);
    return new Cache(guarded(() => native.NativeCache.open(path, text, variables())));
  }

  /**
   * Opens the cache that options, environment and `f3dx-cache.toml` name, as test hooks do:
   * `replay` if `CI` is set, and a missing file is an empty cache where the mode makes none.
   */
  static forTests(options: TestOptions = {}, modeReason?: string): Cache {
    const text = optionsText(options);
    const open = () => native.NativeCache.forTests(text, modeReason, variables());
    return new Cache(guarded(open));
  }

  /** Returns a handle on the same open file that counts for itself: one test's. */
  session(test?: string, command?: string): Cache {
    return new Cache(guarded(() => this.native.session(test, command)));
  }

  /** The cache file, absolute. */
  get path(): string {
    return this.native.path;
  }

  /** What the cache does on a hit, a miss and a put. */
  get mode(): Mode {
    return this.native.mode as Mode;
  }

  /** Where the mode comes from. */
  get modeReason(): string {
    return this.native.modeReason;
  }

  /** Whether the cache was closed. */
  get closed(): boolean {
    return this.native.closed;
  }

  /** Returns the recorded response of a request; `null` is a miss, `explain` says why. */
  get(request: Request): Buffer | null {
    const { bytes, length } = textOf(request);
    return guarded(() => this.native.get(bytes, length));
  }

  /** Returns what `get` would, and counts nothing. */
  peek(request: Request): Buffer | null {
    const { bytes, length } = textOf(request);
    return guarded(() => this.native.peek(bytes, length));
  }

  /**
   * Records a response; durable when the promise resolves, to the request's fingerprint.
   *
   * In `record` the first recording of a request stays, in `refresh` it is replaced, in
   * `replay` this rejects with `read_only`, in `read_only` and `off` it does nothing. A
   * response in a string is kept as UTF-8.
   */
  async put(request: Request, response: Uint8Array | string, meta: PutMeta = {}): Promise<string> {
    const body = bodyOf(response);
    const known = JSON.stringify(metaOf(meta));
    // Last: the text is valid until the next call, which a getter of the meta may make.
    const { bytes, length } = textOf(request);
    return guardedAsync(() => this.native.put(bytes, length, body, known));
  }

  /**
   * Returns the address of a request in this file, 64 hexadecimal digits: the fingerprint
   * after the file's identity policy (secrets, normalize, ignore).
   */
  fingerprint(request: Request): string {
    const { bytes, length } = textOf(request);
    return guarded(() => this.native.fingerprint(bytes, length));
  }

  /** Returns whether a response is recorded for a request or a fingerprint. */
  has(request: Request): boolean {
    const fingerprint = this.#address(request);
    return guarded(() => this.native.has(fingerprint));
  }

  /** Removes the entry of a request or fingerprint; resolves to whether there was one. */
  async delete(request: Request): Promise<boolean> {
    const fingerprint = this.#address(request);
    return guardedAsync(() => this.native.delete(fingerprint));
  }

  /** Walks over the entries in fingerprint order, as they are when it begins. */
  *entries(): Generator<Entry, void, undefined> {
    const walk = guarded(() => this.native.entries());
    try {
      for (;;) {
        const text = guarded(() => walk.next());
        if (text === null) return;
        yield JSON.parse(text) as Entry;
      }
    } finally {
      walk.close();
    }
  }

  /** Returns what is known about the entry of a request or fingerprint. */
  meta(request: Request): Meta | null {
    const fingerprint = this.#address(request);
    const text = guarded(() => this.native.meta(fingerprint));
    return text === null ? null : (JSON.parse(text) as Meta);
  }

  /** Returns the canonical request of the entry at a fingerprint, secrets as placeholders. */
  request(fingerprint: string): Buffer | null {
    return guarded(() => this.native.request(fingerprint));
  }

  /** Returns the counters. */
  stats(): Stats {
    return JSON.parse(guarded(() => this.native.stats())) as Stats;
  }

  /** Says why a request misses: the nearest recorded one, what differs, and the way out. */
  explain(request: Request): Explanation {
    const { bytes, length } = textOf(request);
    return explanationOf(guarded(() => this.native.explain(bytes, length)));
  }

  /**
   * Waits until this call may ask the model for a request that missed, or another one, of
   * any process, has recorded its response: of many that miss at once, one calls.
   *
   * After `claimTimeoutMs` the claim is an empty one, as in modes that record nothing. An
   * aborted `signal` ends the wait: it rejects with the signal's reason.
   */
  async claim(
    request: Request,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Claimed> {
    const fingerprint = this.fingerprint(request);
    const deadline = now() + this.native.claimTimeoutMs;
    for (let wait = 1; ; wait = Math.min(wait * 1.5, 25)) {
      options.signal?.throwIfAborted();
      const claimed = guarded(() => this.native.claim(fingerprint));
      if (claimed === true) return { recorded: true };
      if (claimed !== false) return { recorded: false, claim: claimOf(claimed) };
      if (now() >= deadline) return { recorded: false, claim: claimOf() };
      await pause(wait);
    }
  }

  /** Writes the hit counts, if something was recorded or `persistHits` is on. */
  async flush(): Promise<void> {
    return guardedAsync(() => this.native.flush());
  }

  /**
   * Gives back the space that recording left behind, if that saves a third of the file;
   * for the owner of a run, at its end. Resolves to whether it did.
   */
  async compact(): Promise<boolean> {
    return guardedAsync(() => this.native.compact());
  }

  /** Flushes and closes, with every session of this opening. Closing twice does nothing. */
  close(): void {
    guarded(() => this.native.close());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Drops the snapshot that lookups hold: the end of a test. */
  release(): void {
    guarded(() => this.native.release());
  }

  /** Returns what this session did. */
  summary(): Summary {
    return JSON.parse(guarded(() => this.native.summary())) as Summary;
  }

  /** Returns the explanations of the intercepted calls that this session refused. */
  refusedMisses(): string[] {
    return this.native.refusedMisses();
  }

  /** Returns what the session's owner should hear, such as a secret in a response. */
  warnings(): string[] {
    return this.native.warnings();
  }

  #address(request: Request): string {
    return typeof request === 'string' && FINGERPRINT.test(request)
      ? request
      : this.fingerprint(request);
  }
}

function bodyOf(response: Uint8Array | string): Uint8Array {
  if (typeof response === 'string') return Buffer.from(response);
  if (types.isUint8Array(response)) return steady(response);
  throw new TypeError('a response is a Uint8Array or a string');
}

function claimOf(claim?: NativeClaim): Claim {
  const release = () => claim?.release();
  return { release, [Symbol.dispose]: release };
}

function metaOf(meta: PutMeta): PutMeta {
  for (const name of ['model', 'system_fingerprint'] as const) {
    const value: unknown = meta[name];
    if (value !== undefined && typeof value !== 'string') {
      throw new TypeError(`${name}: ${describe(value)} is no string`);
    }
  }
  const took = meta.response_duration_ms;
  if (took === undefined) return meta;
  if (!Number.isFinite(took) || took < 0)
    throw new TypeError(`response_duration_ms: ${took} is no duration`);
  return { ...meta, response_duration_ms: Math.round(took) };
}
