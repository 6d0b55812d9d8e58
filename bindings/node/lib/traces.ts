/** Recorded traces: the rows of files that other programs wrote. */

import { guarded } from './errors.js';
import { native, type NativeTraces } from './native.js';
import { spelledOptions } from './options.js';

/** What a trace file holds. */
export type TraceFormat =
  'f3dx' | 'f3dx_parquet' | 'otel' | 'otlp' | 'openai_batch' | 'anthropic_batch' | 'plain';

/** How to read a trace file. */
export interface TraceOptions {
  /** Whether a row that cannot be read is an error; else it is counted, and reading goes on. */
  strict?: boolean | undefined;
  /** The format; told from the content if it is not given. */
  format?: TraceFormat | undefined;
  /** The input file of an OpenAI batch, whose requests are joined to the responses. */
  input?: string | undefined;
}

/** Where a row stands. */
export interface Source {
  file: string;
  /** The line at which the row starts, from 1; of a parquet file, the row. */
  line: number;
}

/** A row that could not be read. */
export interface BadRow {
  source: Source;
  /** The byte of the line at which reading stopped, from 1; 0 if that is not known. */
  column: number;
  /** Why, without the row's content. */
  reason: string;
}

/** One tool call of an output. */
export interface ToolCall {
  id: string | null;
  name: string;
  /** Parsed where they are JSON, else the text. */
  arguments: unknown;
}

/** A message: `role`, `content`, and what else the request had. */
export interface Message {
  role?: string;
  content?: unknown;
  [member: string]: unknown;
}

/** One recorded call of a trace file. What a format does not tell is `null` or empty. */
export interface Row {
  source: Source;
  trace_id: string | null;
  /** The row's own name, such as the `custom_id` of a batch. */
  case_id: string | null;
  /** The model that answered; if that is not known, the one that was asked. */
  model: string | null;
  provider: string | null;
  /** The system prompt; an empty one is `''`. */
  system: string | null;
  /** The messages without the system prompt. */
  messages: Message[];
  /** The tools that were offered, as the request had them. */
  tools: unknown[];
  /** The other members of the request, such as `temperature`. */
  params: Record<string, unknown>;
  /** The text of the output. */
  output: string | null;
  /** The output's parts, where it has more than text. */
  parts: unknown[];
  tool_calls: ToolCall[];
  usage: { input_tokens: number | null; output_tokens: number | null };
  latency_ms: number | null;
  finish_reason: string | null;
  /** What went wrong, if there is no output. */
  error: string | null;
  /** The fields of the row that no member above holds. */
  extra: Record<string, unknown>;
  /** The text of the user's last message. */
  prompt: string | null;
}

interface Told {
  format: TraceFormat | null;
  bad: number;
  bad_rows: BadRow[];
}

/**
 * The rows of a trace file, read one at a time, in memory that does not grow with the file.
 *
 * A row that cannot be read is counted and passed over; if the options are strict, it is a
 * `CacheError` of kind `invalid_row` that says `file:line:column: reason`, and the end. A loop
 * that is left may be taken up by another one.
 */
export class Traces implements Iterable<Row>, Disposable {
  /** @internal */
  readonly native: NativeTraces;

  /** @internal */
  constructor(of: NativeTraces) {
    this.native = of;
  }

  /** Reads on. */
  [Symbol.iterator](): Iterator<Row, undefined> {
    return {
      next: () => {
        const text = guarded(() => this.native.next());
        if (text === null) return { done: true, value: undefined };
        return { done: false, value: JSON.parse(text) as Row };
      },
    };
  }

  /** The format, once it was told or the first rows showed it. */
  get format(): TraceFormat | null {
    return this.#told().format;
  }

  /** How many rows could not be read so far. */
  get bad(): number {
    return this.#told().bad;
  }

  /** The first 1,000 rows that could not be read so far. */
  get badRows(): BadRow[] {
    return this.#told().bad_rows;
  }

  /** Closes the file; what was counted can still be asked for. */
  close(): void {
    guarded(() => this.native.close());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #told(): Told {
    return JSON.parse(guarded(() => this.native.told())) as Told;
  }
}

/**
 * Opens a trace file, compressed with gzip or not: rows of f3dx (JSON lines, parquet),
 * OpenTelemetry `gen_ai` spans (JSON lines, OTLP), results of batches of OpenAI and Anthropic,
 * or rows with `prompt` or `messages` and `output`.
 *
 *     for (const row of readTraces('runs.jsonl')) console.log(row.prompt, row.output);
 */
export function readTraces(path: string, options: TraceOptions = {}): Traces {
  if (typeof path !== 'string') throw new TypeError('a path is a string');
  const text = spelledOptions(options, 'invalid_argument');
  return new Traces(guarded(() => native.NativeTraces.open(path, text)));
}
