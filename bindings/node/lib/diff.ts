/** Whether two outputs say the same. */

import { types } from 'node:util';
import { Cache } from './cache.js';
import { checkText, work } from './calls.js';
import { guarded } from './errors.js';
import { modelCallbacks, withApi, type Embed, type ModelCall } from './models.js';
import { native, type NativeCache } from './native.js';
import { inCamelCase, spelledOptions } from './options.js';
import { describe, spelled, steady } from './request.js';

/** How two outputs compare. */
export type Verdict =
  | 'same'
  /** They differ in wording or detail, but either answers as well. */
  | 'equivalent'
  | 'different'
  /** The modes that ran could not tell. */
  | 'inconclusive'
  /** They could not be compared, or there is no new output. */
  | 'error'
  /** It would have needed more model calls than `maxJudgeCalls`. */
  | 'skipped';

/** Who compares; `cascade` is each of the others in turn, until one decides. */
export type DiffMode = 'bytes' | 'structured' | 'embedding' | 'judge' | 'cascade';

/** What happened at a place. */
export type ChangeKind = 'added' | 'removed' | 'changed' | 'type_changed';

/** One place where two JSON values differ; what is absent on a side is not there. */
export interface Change {
  /** The JSON Pointer of the place. */
  path: string;
  kind: ChangeKind;
  before?: unknown;
  after?: unknown;
}

/** How two outputs compare, who says so, and where they differ. */
export interface Comparison {
  /** Whether the new output may stand in the place of the old one: `same` or `equivalent`. */
  ok: boolean;
  verdict: Verdict;
  /** How alike they are, from 0 to 1, where the deciding mode measures it. */
  score: number | null;
  /** The mode that decided, or the last one that ran. */
  mode: DiffMode;
  /** The reason, for people. */
  note: string;
  /** The first places where two JSON values differ. */
  differences: Change[];
  /** How many there are besides. */
  more: number;
  /** How long each mode that ran took, in milliseconds. */
  timings: Partial<Record<DiffMode, number>>;
}

/** How to compare. Every member may be absent, which means its default. */
export interface CompareOptions {
  /** Who compares; `cascade`, in which the modes that need a model run only if there is one. */
  mode?: DiffMode | undefined;
  /** JSON Pointers, `*` for any one segment, of what is left out of `structured`. */
  ignore?: string[] | undefined;
  /** How far two numbers may be apart and still be equal in `structured`. */
  epsilon?: number | undefined;
  /** JSON Pointers of arrays whose order does not matter; `''` is the whole document. */
  unordered?: string[] | undefined;
  /** Whether JSON in a Markdown fence counts as JSON in `structured`. */
  fencedJson?: boolean | undefined;
  /** Whether JSON inside strings, such as a tool call's arguments, is compared as JSON. */
  nestedJson?: boolean | undefined;
  /** The least cosine that is the same; 0.95. */
  sameAbove?: number | undefined;
  /** The cosine below which outputs are different; 0.7. */
  differentBelow?: number | undefined;
  /** The model of `embedding`. */
  embeddingModel?: string | undefined;
  /** How long its vectors shall be. */
  embeddingDimensions?: number | undefined;
  /** The folder of a local encoder, which takes the model's place, in builds that have it. */
  encoder?: string | undefined;
  /** The model of `judge`. */
  judgeModel?: string | undefined;
  /** Which requests the judge understands; `openai`. */
  judgeApi?: 'openai' | 'anthropic' | undefined;
  /** What the judge is told, in place of the built-in prompt. */
  judgePrompt?: string | undefined;
  /** How many votes are asked for, alternating the order; one more if they disagree; 2. */
  votes?: number | undefined;
  /** How many judge calls may be made that are not recorded yet; what needs more is skipped. */
  maxJudgeCalls?: number | undefined;
}

/** How models are asked, and where their answers are kept. */
export interface ModelOptions {
  /** Calls a model, for `judge` and, without `embed`, for `embedding`; see `modelCall`. */
  call?: ModelCall | undefined;
  /** Embeds, for `embedding`. */
  embed?: Embed | undefined;
  /** Keeps what models answered, so that the same comparison calls none a second time. */
  cache?: Cache | undefined;
}

/** How to compare two outputs. */
export interface DiffOptions extends CompareOptions, ModelOptions {
  /** What was asked, for the judge. */
  prompt?: string | undefined;
  /** The system prompt under which it was asked. */
  system?: string | undefined;
  /** Ends a comparison that asks models; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** An output: text, its bytes, or a value that is compared as JSON. */
export type Output = string | Uint8Array | object | number | boolean | null;

type Asking = { call: ModelCall } | { embed: Embed };

/**
 * Compares two outputs of a model, the recorded one first.
 *
 *     const { ok, note } = diff('{"n": 1}', '{"n": 1.0}', { mode: 'structured' });
 *
 * With `call` or `embed` it returns a promise, as models are asked, and otherwise the
 * comparison.
 */
export function diff(
  before: Output,
  after: Output,
  options: DiffOptions & Asking,
): Promise<Comparison>;
export function diff(
  before: Output,
  after: Output,
  options?: DiffOptions & { call?: undefined; embed?: undefined },
): Comparison;
export function diff(
  before: Output,
  after: Output,
  options?: DiffOptions,
): Comparison | Promise<Comparison>;
export function diff(
  before: Output,
  after: Output,
  options: DiffOptions = {},
): Comparison | Promise<Comparison> {
  const { call, embed, cache, prompt, system, signal, ...rest } = optionsOf(options);
  const text = spelledOptions(withApi(rest, call), 'invalid_argument');
  const question = questionText(prompt, system);
  const opened = cacheOf(cache);
  // What models are asked is known, and each member was read once.
  const callbacks = modelCallbacks({ call, embed });
  const [one, other] = [bytesOf(before, 'before'), bytesOf(after, 'after')];
  if (call === undefined && embed === undefined) {
    return comparisonOf(inCamelCase(() => guarded(() => native.diff(one, other, text))));
  }
  const asked = { calls: call !== undefined, embeds: embed !== undefined };
  const comparing = inCamelCase(() =>
    work(
      (listener) =>
        guarded(() => native.diffWith(one, other, text, question, asked, opened, listener)),
      callbacks,
      { signal },
    ),
  );
  return comparing.then(comparisonOf);
}

/** Checks that options are an object. */
export function optionsOf<T>(options: T): T {
  if (typeof options === 'object' && options !== null) return options;
  throw new TypeError(`options are an object, not ${describe(options)}`);
}

/** Returns the native handle of a cache. */
export function cacheOf(cache: Cache | undefined): NativeCache | undefined {
  if (cache === undefined || cache instanceof Cache) return cache?.native;
  throw new TypeError(`cache is ${describe(cache)}, not an open Cache`);
}

function questionText(prompt: string | undefined, system: string | undefined): string {
  if (prompt !== undefined) checkText(prompt, 'prompt');
  if (system !== undefined) checkText(system, 'system');
  return JSON.stringify({ prompt: prompt ?? null, system: system ?? null });
}

function comparisonOf(text: string): Comparison {
  const comparison = JSON.parse(text) as Omit<Comparison, 'ok'>;
  const { verdict } = comparison;
  return { ok: verdict === 'same' || verdict === 'equivalent', ...comparison };
}

function bytesOf(output: unknown, what: string): Uint8Array {
  if (typeof output === 'string') return Buffer.from(checkText(output, what));
  if (types.isUint8Array(output)) return steady(output);
  if (ArrayBuffer.isView(output)) throw new TypeError(`${what}: bytes are a Uint8Array`);
  let text: string | undefined;
  try {
    text = spelled(output);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(error.message.replace(/^the request( at "")?/, what));
  }
  if (text !== undefined) return Buffer.from(text);
  throw new TypeError(`${what} is ${describe(output)}: an output is text, bytes or a JSON value`);
}
