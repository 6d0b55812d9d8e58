/** Why a request missed. */

/** One JSON Pointer where two requests disagree; what is absent on a side is not there. */
export interface Difference {
  path: string;
  recorded?: unknown;
  requested?: unknown;
}

/** The recorded request that is nearest to one that missed. */
export interface Nearest {
  fingerprint: string;
  /** The test that recorded it. */
  source?: string | null;
  differences: Difference[];
  /** How many differences are not listed. */
  more: number;
}

/** Why a request missed, and the way out; as a string, it is for people. */
export interface Explanation {
  /** What happened, in one line. */
  reason: string;
  /** Method and URL of an HTTP call. */
  call?: string | null;
  model?: string | null;
  mode: string;
  /** Why that mode. */
  mode_reason: string;
  /** The cache file. */
  path: string;
  /** How many entries it holds. */
  entries: number;
  /** The address that was looked up. */
  fingerprint: string;
  nearest?: Nearest | null;
  /** What would make it a hit, if something simple would. */
  suggestion?: string | null;
  /** The command that records it. */
  command: string;
  toString(): string;
}

/** Makes an explanation of its JSON text and its text for people. */
export function explanationOf([json = '{}', text = '']: string[]): Explanation {
  const explanation = JSON.parse(json) as Explanation;
  return Object.defineProperty(explanation, 'toString', { value: () => text });
}
