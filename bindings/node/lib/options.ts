/** How to open a cache. */

import { CacheError, type ErrorKind } from './errors.js';
import { isPlain, spelled } from './request.js';

/** What happens on a hit, a miss and a put. */
export type Mode = 'replay' | 'record' | 'refresh' | 'read_only' | 'off';

/** A rule that rewrites volatile text before a request is fingerprinted. */
export interface NormalizeRule {
  /** A JSON Pointer, `*` for any one segment; absent: every string of the request. */
  at?: string;
  /** A regular expression in the syntax of Rust's `regex` crate, or a preset's name. */
  pattern: string;
  /** What replaces each match, `$1` for a group. */
  replace?: string;
}

/** What `normalize` knows by name. */
export type NormalizePreset = 'uuid' | 'iso-date' | 'timestamp' | 'tmp-path' | 'tool-call-id';

/**
 * How to open a cache; every member may be absent, which means its default. In
 * `f3dx-cache.toml` they have the same names in snake_case.
 */
export interface Options {
  /** The mode; weaker are `F3DX_CACHE_MODE` and, for tests, the configuration file and `CI`. */
  mode?: Mode | undefined;
  /** Hosts whose calls are provider calls: `host`, `host:port` or `host:*`. */
  hosts?: string[] | undefined;
  /** Hosts that are never touched, in the same form. */
  ignoreHosts?: string[] | undefined;
  /** What is read as another host: `{ '127.0.0.1:*': 'api.openai.com' }`. */
  hostAliases?: Record<string, string> | undefined;
  /** Request headers that take part in the fingerprint. */
  matchHeaders?: string[] | undefined;
  /** Statuses that are recorded besides 2xx. */
  recordStatus?: number[] | undefined;
  /** Paths of provider calls that are recorded though they are no inference. */
  recordPaths?: string[] | undefined;
  /** Regular expressions of what becomes `[secret]` in a request. */
  redact?: string[] | undefined;
  /** Whether a secret in a response is replaced, too. */
  redactResponses?: boolean | undefined;
  /** Rules that rewrite volatile text before a request is fingerprinted. */
  normalize?: (NormalizePreset | NormalizeRule)[] | undefined;
  /** JSON Pointers, `*` for any one segment, left out of the fingerprint. */
  ignore?: string[] | undefined;
  /** `sequence`: the n-th identical call of a test gets the n-th recorded answer. */
  repeats?: 'same' | 'sequence' | undefined;
  /** `test`: a test's recordings are its own. */
  scope?: 'shared' | 'test' | undefined;
  /** How long a put waits for another writer that keeps its turn; 10 000 ms. */
  lockTimeoutMs?: number | undefined;
  /** How long a call waits for another one of the same request; 60 000 ms. */
  claimTimeoutMs?: number | undefined;
  /** Refuses puts that would grow the file beyond this size; 0 is no limit. */
  maxBytes?: number | undefined;
  /** Writes hit counts at close even if nothing was recorded. */
  persistHits?: boolean | undefined;
  /** Replays a stream with the recorded times between its chunks. */
  replayTiming?: boolean | undefined;
}

/** How to open the cache of a test run. */
export interface TestOptions extends Options {
  /** The cache file; weaker are `F3DX_CACHE_PATH`, `F3DX_CACHE_DIR` and the configuration. */
  path?: string | undefined;
}

/** Returns options as core reads them: JSON with names in snake_case. */
export function optionsText(options: TestOptions): string {
  return spelledOptions(options, 'config');
}

/** Returns any options as core reads them; `kind` is that of an error. */
export function spelledOptions(options: object, kind: ErrorKind): string {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new TypeError('options are an object with the names of options');
  }
  const members: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const text = textOfOption(name, value, kind);
    if (text !== undefined) members.push(`${JSON.stringify(snakeCase(name))}:${text}`);
  }
  return `{${members.join()}}`;
}

/** Strictly: what JSON.stringify makes `null` or `{}` of would be no option at all. */
function textOfOption(name: string, value: unknown, kind: ErrorKind): string | undefined {
  try {
    return spelled(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const why = error.message.replace(/^the request (at "": )?/, '');
    throw new CacheError(`option ${name}: ${why}`, kind);
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The options of comparisons that core spells in another way. */
const DIFFERENT =
  /\b(fenced_json|nested_json|same_above|different_below|embedding_model|embedding_dimensions|judge_model|judge_api|judge_prompt|max_judge_calls)\b/g;

/** Calls core, whose errors name options of comparisons as JSON does. */
export function inCamelCase<T>(call: () => T): T {
  try {
    const result = call();
    return result instanceof Promise ? (result.catch(rename) as T) : result;
  } catch (error) {
    return rename(error);
  }
}

function rename(error: unknown): never {
  if (error instanceof CacheError && error.kind === 'invalid_argument') {
    const camelCase = (name: string) =>
      name.replace(/_[a-z]/g, (pair) => pair.charAt(1).toUpperCase());
    error.message = error.message.replace(DIFFERENT, camelCase);
  }
  throw error;
}
