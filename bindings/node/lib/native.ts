/** The native module, with the variables of a worker thread for what opens a file. */

import { isMainThread } from 'node:worker_threads';
import type * as Native from '../native/index.js';

// It stands beside `dist`, where the compiler does not look.
// eslint-disable-next-line @typescript-eslint/no-require-imports
export const native = require('../native/index.js') as typeof Native;

export type { NativeCache, NativeClaim, NativeEntries, NativeExchange, Replay } from '../native/index.js';

/**
 * Returns the environment of a worker thread as names and values; `undefined` on the
 * main thread, whose `process.env` is the process's own environment.
 */
export function variables(): string[] | undefined {
  if (isMainThread) return undefined;
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined) pairs.push(name, value);
  }
  return pairs;
}
