/** What a replay came to. */

import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Change, DiffMode, Verdict } from './diff.js';
import { CacheError, guarded } from './errors.js';
import { native } from './native.js';
import type { BadRow, Source } from './traces.js';

/** How many rows came to which verdict. */
export interface Totals {
  /** The rows that could be read. */
  rows: number;
  same: number;
  equivalent: number;
  different: number;
  inconclusive: number;
  error: number;
  skipped: number;
  /** The rows that could not be read. */
  bad: number;
}

/** One row, its two outputs, and how they compare. */
export interface ReportRow {
  source: Source;
  trace_id: string | null;
  case_id: string | null;
  model: string | null;
  /** What was asked, as text. */
  prompt: string | null;
  /** The recorded output. */
  before: string | null;
  /** The new output; `null` if the target failed. */
  after: string | null;
  verdict: Verdict;
  score: number | null;
  /** The mode that decided; `null` where nothing was compared. */
  mode: DiffMode | null;
  /** The reason, for people. */
  note: string;
  differences: Change[];
  /** How many there are besides. */
  more: number;
}

/** The options that outputs were compared by, as every language spells them. */
export interface ReportOptions {
  mode: DiffMode;
  ignore: string[];
  epsilon: number;
  unordered: string[];
  fenced_json: boolean;
  nested_json: boolean;
  same_above: number;
  different_below: number;
  embedding_model: string | null;
  embedding_dimensions: number | null;
  encoder: string | null;
  judge_model: string | null;
  judge_api: 'openai' | 'anthropic';
  judge_prompt: string | null;
  votes: number;
  max_judge_calls: number | null;
}

const FORMATS: Record<string, string> = {
  '.json': 'json',
  '.md': 'markdown',
  '.xml': 'junit',
  '.html': 'html',
};

/**
 * What a replay came to. Its members are those of its JSON form, which is the same in every
 * language.
 */
export class Report {
  /** The version of the form. */
  declare readonly version: number;
  /** When it was made: RFC 3339, UTC, in whole seconds. */
  declare readonly created_at: string;
  /** What the new outputs came from, as the caller named it. */
  declare readonly target: string | null;
  /** How outputs were compared. */
  declare readonly options: ReportOptions;
  /** All rows. */
  declare readonly totals: Totals;
  /** The rows of each model; those that name none are under `''`. */
  declare readonly models: Record<string, Totals>;
  /** The rows, in the order of the file. */
  declare readonly rows: ReportRow[];
  /** The first rows that could not be read. */
  declare readonly bad_rows: BadRow[];

  /** Its text is kept: numbers that JavaScript would round are in it. */
  readonly #text: string;
  readonly #ok: boolean;

  private constructor(text: string) {
    this.#ok = guarded(() => native.reportIsOk(text));
    this.#text = text;
    Object.assign(this, JSON.parse(text));
  }

  /** Reads what `json` returned; `unsupported_format` if it is of a newer library. */
  static parse(text: string): Report {
    return new Report(text);
  }

  /** Reads a report that was saved as JSON. */
  static async load(path: string): Promise<Report> {
    return new Report(await readFile(path, 'utf8'));
  }

  /**
   * Whether nothing needs a look: every row could be read and is `same` or `equivalent`.
   */
  get ok(): boolean {
    return this.#ok;
  }

  /** Returns it as JSON text, for programs. */
  json(): string {
    return this.#text;
  }

  /** Returns it as Markdown, for a pull request. */
  markdown(): string {
    return this.#render('markdown');
  }

  /** Returns it as JUnit XML, for CI. */
  junit(): string {
    return this.#render('junit');
  }

  /** Returns it as one page of HTML, which needs no network. */
  html(): string {
    return this.#render('html');
  }

  /** Writes it: as JSON, Markdown, JUnit or HTML, by `.json`, `.md`, `.xml` or `.html`. */
  async save(path: string): Promise<void> {
    const format = FORMATS[extname(path)];
    if (format === undefined) {
      const known = Object.keys(FORMATS).join(', ');
      throw new CacheError(`${path}: a report is saved as one of ${known}`, 'invalid_argument');
    }
    await writeFile(path, this.#render(format));
  }

  #render(format: string): string {
    return format === 'json' ? this.#text : guarded(() => native.renderReport(this.#text, format));
  }
}
