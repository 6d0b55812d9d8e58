/** Records the LLM calls of tests once and replays them by content. */

import { native } from './native.js';

export { Cache } from './cache.js';
export type { Claim, Claimed, Entry, Meta, PutMeta, Stats, Usage } from './cache.js';
export { diff } from './diff.js';
export type {
  Change,
  ChangeKind,
  CompareOptions,
  Comparison,
  DiffMode,
  DiffOptions,
  ModelOptions,
  Output,
  Verdict,
} from './diff.js';
export { CacheError, CacheMissError } from './errors.js';
export type { ErrorKind, JsonRule } from './errors.js';
export type { Difference, Explanation, Nearest } from './explanation.js';
export { recover, verify } from './file.js';
export type { Flaw, Recovery, Verification } from './file.js';
export { canonicalize, fingerprint } from './fingerprint.js';
export { modelCall } from './models.js';
export type { Embed, Endpoint, ModelCall, ModelClient } from './models.js';
export type { Mode, NormalizePreset, NormalizeRule, Options, TestOptions } from './options.js';
export { override } from './override.js';
export { replay } from './replay.js';
export type { Progress, ReplayAgainst, ReplayOptions } from './replay.js';
export { Report } from './report.js';
export type { ReportOptions, ReportRow, Totals } from './report.js';
export type { Request } from './request.js';
export type { Summary } from './summary.js';
export { readTraces, Traces } from './traces.js';
export type {
  BadRow,
  Message,
  Row,
  Source,
  ToolCall,
  TraceFormat,
  TraceOptions,
} from './traces.js';
export { use } from './use.js';
export type { Use, UseOptions } from './use.js';

/** The version of the library. */
export const version: string = native.VERSION;
