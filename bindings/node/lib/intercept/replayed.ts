/** A recorded response as a `Response`. */

import type { Replay } from '../native.js';
import { onAbort } from './signal.js';

// A test may put fake timers in the place of the real ones.
const { setTimeout, clearTimeout } = globalThis;

/** Makes the response; an aborted signal ends its stream at the next chunk. */
export function replayed(replay: Replay, url: string, signal?: AbortSignal | null): Response {
  const init = { status: replay.status, headers: headersOf(replay.headers) };
  if (BODILESS.has(replay.status)) return new (responseClass())(null, init, url);
  const { body, ends, delays } = replay;
  if (ends === undefined)
    return new (responseClass())(body as Uint8Array<ArrayBuffer>, init, url, body);
  return new (responseClass())(streamOf(body, ends, delays, signal), init, url);
}

/** Gives a response, and copies of it, what one that is constructed lacks. */
export function described(
  response: Response,
  { url, redirected, type }: Pick<Response, 'url' | 'redirected' | 'type'>,
): Response {
  const about = { url, redirected, type };
  const copy = response.clone.bind(response);
  const clone = () => described(copy(), about);
  for (const [name, value] of Object.entries({ ...about, clone }))
    Object.defineProperty(response, name, { value, configurable: true });
  return response;
}

/** Reads names and values from lines. */
export function headersOf(lines: string): [string, string][] {
  if (lines === '') return [];
  const parts = lines.split('\n');
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < parts.length; at += 2)
    pairs.push([parts[at] as string, inBytes(parts[at + 1] as string)]);
  return pairs;
}

/** A header is bytes to `Headers`; other languages may have read text in them. */
function inBytes(value: string): string {
  // eslint-disable-next-line no-control-regex
  return /[^\u0000-\u00ff]/.test(value) ? Buffer.from(value).toString('latin1') : value;
}

/** These statuses have no body, and `Response` takes none. */
const BODILESS = new Set([101, 204, 205, 304]);

type ResponseClass = new (
  body: BodyInit | null,
  init: ResponseInit,
  url: string,
  whole?: Buffer,
) => Response;

let made: { base: typeof Response; made: ResponseClass } | undefined;

/** Returns a subclass of the `Response` that is in place, which a test environment may change. */
function responseClass(): ResponseClass {
  const base = globalThis.Response;
  if (made?.base !== base) made = { base, made: subclass(base) };
  return made.made;
}

/** A `Response` that has a URL, and gives its text without reading its stream for it. */
function subclass(base: typeof Response): ResponseClass {
  return class Response extends base {
    readonly #url: string;
    readonly #whole: Buffer | undefined;

    constructor(body: BodyInit | null, init: ResponseInit, url: string, whole?: Buffer) {
      super(body, init);
      this.#url = url;
      this.#whole = whole;
    }

    override get url() {
      return this.#url.replace(/#.*/, '');
    }

    override clone() {
      return described(super.clone(), this);
    }

    override async text() {
      return this.#taken() ?? super.text();
    }

    override async json() {
      const text = this.#taken();
      return text === undefined ? super.json() : (JSON.parse(text) as unknown);
    }

    /** Takes the body, as if it had been read; `undefined` if that is left to `Response`. */
    #taken(): string | undefined {
      const { body } = this;
      if (this.#whole === undefined || this.bodyUsed || body === null || body.locked) {
        return undefined;
      }
      void body.cancel();
      const text = this.#whole.toString();
      return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
  };
}

/**
 * Gives the chunks one by one, as they are asked for.
 *
 * It is no byte stream, of which each chunk would cost three times as much, but has the reader
 * of one for those who ask for it.
 */
function streamOf(
  body: Uint8Array,
  ends: number[],
  delays?: number[],
  signal?: AbortSignal | null,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0;
  let start = 0;
  const give = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    if (signal?.aborted) throw signal.reason;
    // An empty chunk would leave whoever reads waiting.
    while (next < ends.length && (ends[next] as number) <= start) next += 1;
    const end = ends[next++];
    if (end !== undefined) {
      // Whoever is given a chunk may transfer its memory.
      controller.enqueue(new Uint8Array(body.subarray(start, end)));
      start = end;
    }
    if (next >= ends.length) controller.close();
  };
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      // Not async where nothing is waited for: a promise for every chunk costs more than the chunk.
      pull(controller) {
        const delay = delays?.[next] ?? 0;
        if (delay <= 0) return give(controller);
        return passed(delay, signal).then(() => give(controller));
      },
    },
    { highWaterMark: 0 },
  );
  const plainReader = stream.getReader.bind(stream);
  const value = (options?: ReadableStreamGetReaderOptions) =>
    options?.mode === 'byob'
      ? byteStreamOf(plainReader()).getReader({ mode: 'byob' })
      : plainReader(options as undefined);
  return Object.defineProperty(stream, 'getReader', { value });
}

function byteStreamOf(
  source: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): ReadableStream {
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await source.read();
      if (!done) return controller.enqueue(value);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => source.cancel(reason),
  });
}

async function passed(milliseconds: number, signal?: AbortSignal | null): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      ignore?.();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const ignore = signal && onAbort(signal, end);
  });
}
