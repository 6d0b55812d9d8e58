/** What a run did, for the lines that end it. */

import { guarded } from './errors.js';
import { native } from './native.js';

/** What a session did. */
export interface Summary {
  hits: number;
  misses: number;
  recorded: number;
  refused: number;
  without_claim: number;
  tokens_saved_input: number;
  tokens_saved_output: number;
  time_saved_ms: number;
  refusals: { call: string; why: string; times: number }[];
}

/** Adds up what several workers or sessions did. */
export function mergeSummaries(summaries: Summary[]): Summary {
  return JSON.parse(guarded(() => native.mergeSummaries(JSON.stringify(summaries)))) as Summary;
}

/** Returns the lines that end a run: what it did, then what was not recorded. */
export function summaryLines(summary: Summary, mode: string, path: string): string[] {
  return guarded(() => native.summaryLines(JSON.stringify(summary), mode, path));
}
