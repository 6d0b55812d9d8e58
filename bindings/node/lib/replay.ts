/** Running recorded traces again, and saying what changed. */

import { checkText, work } from './calls.js';
import {
  cacheOf,
  optionsOf,
  type CompareOptions,
  type ModelOptions,
  type Verdict,
} from './diff.js';
import { guarded } from './errors.js';
import { modelCallbacks, withApi } from './models.js';
import { native } from './native.js';
import { inCamelCase, spelledOptions } from './options.js';
import { ProgressBar } from './progress-bar.js';
import { Report } from './report.js';
import { describe, spelled } from './request.js';
import { readTraces, Traces, type Row } from './traces.js';

/** How far a replay is. */
export interface Progress {
  /** The rows that are done. */
  done: number;
  /** The rows that could not be read. */
  bad: number;
  /** How many rows there are, where that is known. */
  total: number | null;
  /** What the row came to that was done just now; `null` if there is no news. */
  verdict: Verdict | null;
}

/** Returns the new output of a row. What it throws is that row's error. */
export type ReplayAgainst = (row: Row) => string | PromiseLike<string>;

/** How to replay. */
export interface ReplayOptions extends CompareOptions, ModelOptions {
  /** How many rows are under way at once, from 1 to 256; 4. */
  concurrency?: number | undefined;
  /** How many rows are replayed at most. */
  limit?: number | undefined;
  /**
   * A name for what is replayed against. With a `cache`, its outputs are kept under this name,
   * so that a second replay calls nothing: change the name whenever the outputs would change.
   */
  target?: string | undefined;
  /** Hears how far it is; without it, a terminal shows a bar on standard error, unless `false`. */
  progress?: ((progress: Progress) => void) | false | undefined;
  /** Ends it; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Obtains a new output for each row of a trace file, or of rows of one, compares it with the recorded one, and
 * reports what changed.
 *
 *     const report = await replay('runs.jsonl', (row) => ask('gpt-5', row.messages));
 *     await report.save('report.html');
 *
 * A callback that fails, or a row that cannot be read, is in the report. Rejects with a
 * `CacheError` if a file cannot be read, an option is wrong, or the cache fails.
 */
export async function replay(
  traces: string | Traces | Iterable<Row>,
  replayAgainst: ReplayAgainst,
  options: ReplayOptions = {},
): Promise<Report> {
  const { call, embed, cache, concurrency, limit, target, progress, signal, ...compare } =
    optionsOf(options);
  if (typeof replayAgainst !== 'function') {
    throw new TypeError(`replayAgainst is ${describe(replayAgainst)}, not a function`);
  }
  if (progress !== undefined && progress !== false && typeof progress !== 'function') {
    throw new TypeError(`progress is ${describe(progress)}, not a function`);
  }
  const replaying = spelledOptions({ concurrency, limit, target }, 'invalid_argument');
  const diff = spelledOptions(withApi(compare, call), 'invalid_argument');
  const text = `${replaying.slice(0, -1)}${replaying === '{}' ? '' : ','}"diff":${diff}}`;
  const asked = { calls: call !== undefined, embeds: embed !== undefined };
  const opened = cacheOf(cache);
  const callbacks = {
    ...modelCallbacks({ call, embed }),
    target: async (row: string) => {
      const output: unknown = await replayAgainst(JSON.parse(row) as Row);
      return checkText(output, 'what replayAgainst returned');
    },
  };
  signal?.throwIfAborted();
  const own = typeof traces === 'string' ? readTraces(traces) : undefined;
  const read = own ?? (traces instanceof Traces ? traces : undefined);
  const rows = read === undefined ? rowsText(traces as Iterable<Row>) : undefined;
  const bar = progress === undefined && process.stderr.isTTY ? new ProgressBar() : undefined;
  const follow = progress || bar?.show;
  try {
    const report = await inCamelCase(() =>
      work(
        (listener) =>
          guarded(() => native.replay(read?.native, rows, text, asked, opened, listener)),
        callbacks,
        { signal, progress: (news) => follow?.(JSON.parse(news) as Progress) },
      ),
    );
    return Report.parse(report);
  } finally {
    bar?.end();
    own?.close();
  }
}

function rowsText(rows: Iterable<Row>): string {
  if (typeof (rows as Partial<Iterable<Row>> | null)?.[Symbol.iterator] !== 'function') {
    throw new TypeError(
      `traces are a path, what readTraces returned, or rows, not ${describe(rows)}`,
    );
  }
  try {
    return spelled([...rows]) as string;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(error.message.replace(/^the request\b/, 'the row'));
  }
}
