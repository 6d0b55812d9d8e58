/** A recorded response as a `Response`. */

import type { Replay } from '../native.js';

// A test may put fake timers in the place of the real ones.
const { setTimeout } = globalThis;

/** Makes the response; an aborted signal ends its stream at the next chunk. */
export function replayed(replay: Replay, url: string, signal?: AbortSignal | null): Response {
  const headers = headersOf(replay.headers);
  const init = { status: replay.status, headers };
  const response = new Response(bodyOf(replay, signal), init);
  return Object.defineProperty(response, 'url', { value: url, configurable: true });
}

/** Reads names and values from lines. */
export function headersOf(lines: string): [string, string][] {
  if (lines === '') return [];
  const parts = lines.split('\n');
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) pairs.push([parts[at] as string, parts[at + 1] as string]);
  return pairs;
}

/** These statuses have no body, and `Response` takes none. */
const BODILESS = new Set([101, 204, 205, 304]);

function bodyOf(replay: Replay, signal?: AbortSignal | null): BodyInit | null {
  if (BODILESS.has(replay.status)) return null;
  if (replay.ends === undefined) return replay.body as Uint8Array<ArrayBuffer>;
  return streamOf(replay.body, replay.ends, replay.delays, signal);
}

function streamOf(
  body: Uint8Array,
  ends: number[],
  delays?: number[],
  signal?: AbortSignal | null,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0;
  let start = 0;
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const delay = delays?.[next] ?? 0;
      if (delay > 0) await passed(delay, signal);
      if (signal?.aborted) throw signal.reason;
      const end = ends[next++];
      if (end === undefined) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      // A byte stream takes the memory of what it is given.
      if (end > start) controller.enqueue(new Uint8Array(body.subarray(start, end)));
      start = end;
      if (next === ends.length) controller.close();
    },
  });
}

async function passed(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
