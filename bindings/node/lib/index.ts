/** Records the LLM calls of tests once and replays them by content. */

import { native } from './native.js';

export { Cache } from './cache.js';
export type { Claim, Claimed, Entry, Meta, PutMeta, Stats, Usage } from './cache.js';
export { CacheError, CacheMissError } from './errors.js';
export type { ErrorKind, JsonRule } from './errors.js';
export type { Difference, Explanation, Nearest } from './explanation.js';
export { recover, verify } from './file.js';
export type { Flaw, Recovery, Verification } from './file.js';
export { canonicalize, fingerprint } from './fingerprint.js';
export type { Mode, NormalizePreset, NormalizeRule, Options, TestOptions } from './options.js';
export { override } from './override.js';
export type { Request } from './request.js';
export type { Summary } from './summary.js';
export { use } from './use.js';
export type { Use, UseOptions } from './use.js';

/** The version of the library. */
export const version: string = native.VERSION;
