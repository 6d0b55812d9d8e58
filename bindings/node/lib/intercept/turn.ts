/** Waits until a call may be sent, or somebody else has recorded its answer. */

import { guarded } from '../errors.js';
import type { NativeExchange, Replay } from '../native.js';
import type { Active } from './active.js';
import { Underway } from './recording.js';

/** Milliseconds between two questions, at most. */
const LONGEST = 25;

// A test may put fake timers in the place of the real ones.
const { setTimeout } = globalThis;

/**
 * Resolves to `undefined` when it is this call's turn to send, else to what to replay.
 * Rejects with the signal's reason when it is aborted.
 *
 * The claim may belong to a response that its caller has left open and reads no more, so
 * a wait that gets long has such responses read.
 */
export async function turn(
  exchange: NativeExchange,
  active: Active,
  signal?: AbortSignal | null,
): Promise<Replay | undefined> {
  const call = new Underway(exchange, active);
  let sends = false;
  try {
    for (let wait = 1; ; wait = Math.min(wait * 1.5, LONGEST)) {
      signal?.throwIfAborted();
      const claimed = guarded(() => exchange.claim());
      sends = claimed === true;
      if (claimed === true) return undefined;
      if (claimed !== false) return claimed;
      if (wait === LONGEST) active.readAhead();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  } finally {
    if (!sends) call.end();
  }
}
