/** The native module, with the variables for what opens a file where they are a copy. */

import { isMainThread } from 'node:worker_threads';
import type * as Native from '../native/index.js';

// It stands beside `dist`, where the compiler does not look.
// eslint-disable-next-line @typescript-eslint/no-require-imports
export const native = require('../native/index.js') as typeof Native;

export type {
  NativeCache,
  NativeClaim,
  NativeEntries,
  NativeExchange,
  NativeTraces,
  NativeWork,
  Replay,
} from '../native/index.js';

/** Whether `process.env` is a copy of the process's own: in a worker thread, in a test of Jest. */
export const hasCopy = !isMainThread || process.env.JEST_WORKER_ID !== undefined;

/**
 * Returns the environment as names and values; `undefined` where it is the process's own,
 * which core reads by itself.
 */
export function variables(): string[] | undefined {
  if (!hasCopy) return undefined;
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined) pairs.push(name, value);
  }
  return pairs;
}
