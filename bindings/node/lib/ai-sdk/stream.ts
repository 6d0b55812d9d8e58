/** The stream of a language model: recorded while it passes, or replayed. */

import type { Part } from './answer.js';
import { spelled } from './values.js';

// A test may put fake timers in the place of the real ones.
const { setTimeout, clearTimeout } = globalThis;

/** How long a stream that the caller left is read on. */
const DRAIN_MS = 10_000;

/**
 * Returns a stream of the same parts; `end` is told all of them, and as JSON text, before
 * the reader sees the end, or what there is of a stream that failed.
 *
 * The source is read as fast as it comes, whether or not anybody reads here: a caller that
 * stops in the middle keeps no other one waiting for the answer.
 */
export function recorded(
  source: ReadableStream<Part>,
  end: (parts: Part[], answer: string) => Promise<void>,
): ReadableStream<Part> {
  const reader = source.getReader();
  const parts: Part[] = [];
  const texts: string[] = [];
  let left = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const pump = async (controller: ReadableStreamDefaultController<Part>): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parts.push(value);
      // The caller may change what it is given.
      texts.push(JSON.stringify(spelled(value)));
      if (!left) controller.enqueue(value);
    }
  };

  return new ReadableStream({
    start(controller) {
      const run = async (): Promise<void> => {
        let failure: { reason: unknown } | undefined;
        await pump(controller).catch((reason: unknown) => (failure = { reason }));
        clearTimeout(timer);
        if (failure !== undefined) parts.push({ type: 'error' });
        await end(parts, `[${texts.join(',')}]`);
        if (failure !== undefined) throw failure.reason;
        if (!left) controller.close();
      };
      // Nobody is there to be told what fails after the caller left.
      void run().catch((reason: unknown) => (left ? undefined : controller.error(reason)));
    },
    cancel() {
      left = true;
      timer = setTimeout(() => void reader.cancel().catch(() => undefined), DRAIN_MS);
      timer.unref();
    },
  });
}

/** Returns a stream of recorded parts; an aborted signal ends it at the next one. */
export function replayed(parts: Part[], signal?: AbortSignal): ReadableStream<Part> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      signal?.throwIfAborted();
      if (next < parts.length) controller.enqueue(parts[next++] as Part);
      else controller.close();
    },
  });
}
