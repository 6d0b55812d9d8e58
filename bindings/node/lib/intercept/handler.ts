/**
 * Who hears of a response that undici was asked for.
 *
 * There are two generations of handlers: undici 6, which Node 20 has built in, calls
 * `onConnect`, `onHeaders`, …; undici 7 calls `onRequestStart`, `onResponseStart`, … too.
 */

/** A handler of either generation, or of both. */
export interface Handler {
  onConnect?(abort: (reason?: unknown) => void, context?: unknown): void;
  onResponseStarted?(): void;
  /** Returns false to pause, until `resume` is called. */
  onHeaders?(status: number, headers: Buffer[], resume: () => void, statusText?: string): unknown;
  /** Returns false to pause. */
  onData?(chunk: Buffer): unknown;
  onComplete?(trailers: Buffer[]): void;
  onError?(error: unknown): void;

  onRequestStart?(controller: Controller, context?: unknown): void;
  onResponseStart?(
    controller: Controller,
    status: number,
    headers: Headers,
    statusText?: string,
  ): void;
  onResponseData?(controller: Controller, chunk: Buffer): void;
  onResponseEnd?(controller: Controller, trailers: Headers): void;
  onResponseError?(controller: Controller, error: unknown): void;
}

/** With which a handler of undici 7 steers its call. */
export interface Controller {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: unknown;
  readonly rawHeaders?: unknown;
  abort(reason?: unknown): void;
  pause(): void;
  resume(): void;
}

type Headers = Record<string, string | string[]>;

/** The handler of one call, of whichever generation, told of a response by us. */
export class Caller implements Controller {
  rawHeaders: Buffer[] = [];
  paused = false;
  readonly #handler: Handler;
  readonly #modern: boolean;
  readonly #leaving = new AbortController();
  #wake: (() => void) | undefined;
  #over = false;

  constructor(handler: Handler) {
    this.#handler = handler;
    this.#modern = handler.onRequestStart !== undefined;
  }

  /** Aborted when the caller leaves. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  get aborted(): boolean {
    return this.signal.aborted;
  }

  get reason(): unknown {
    return this.signal.reason ?? null;
  }

  abort(reason?: unknown): void {
    if (this.#over) return;
    this.#leaving.abort(reason ?? undefined);
    this.resume();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#wake?.();
  }

  /** Tells that the call has begun; may abort it at once. */
  begin(): void {
    if (this.#modern) this.#handler.onRequestStart?.(this, null);
    else this.#handler.onConnect?.((reason) => this.abort(reason), null);
  }

  /** Tells the head of a response, interim ones (1xx) too. */
  head(status: number, headers: Buffer[], statusText: string): void {
    this.rawHeaders = headers;
    if (this.#modern) {
      this.#handler.onResponseStart?.(this, status, parsed(headers), statusText);
      return;
    }
    this.#handler.onResponseStarted?.();
    if (this.#handler.onHeaders?.(status, headers, () => this.resume(), statusText) === false)
      this.pause();
  }

  /** Tells a whole response, as fast as the caller takes it, until the caller leaves. */
  async take(
    status: number,
    headers: Buffer[],
    statusText: string,
    body: ReadableStream<Uint8Array> | null,
  ): Promise<void> {
    const reader = body?.getReader();
    try {
      this.head(status, headers, statusText);
      for (;;) {
        await this.#ready();
        const read = await reader?.read();
        if (read === undefined || read.done) break;
        this.#data(read.value);
      }
      this.#end();
    } catch (error) {
      this.fail(error);
      await reader?.cancel(error).catch(() => undefined);
    }
  }

  /** Tells that there will be no response, or no more of it. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#modern) this.#handler.onResponseError?.(this, error);
    else this.#handler.onError?.(error);
  }

  #data(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#modern) this.#handler.onResponseData?.(this, buffer);
    else if (this.#handler.onData?.(buffer) === false) this.pause();
  }

  async #ready(): Promise<void> {
    while (this.paused && !this.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.signal.throwIfAborted();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#modern) this.#handler.onResponseEnd?.(this, {});
    else this.#handler.onComplete?.([]);
  }
}

/** Returns headers as they come off the wire. */
export function rawOf(pairs: Iterable<[string, string | string[]]>): Buffer[] {
  const raw: Buffer[] = [];
  for (const [name, values] of pairs) {
    for (const value of [values].flat())
      raw.push(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
  }
  return raw;
}

/** Returns names and values, a line each. */
export function linesOf(raw: Buffer[]): string {
  const lines: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    // undici 7 gives an array where a header came more than once.
    for (const value of [raw[at + 1] as Buffer].flat())
      lines.push(text(raw[at] as Buffer), text(value));
  }
  return lines.join('\n');
}

function text(part: Buffer): string {
  return part.toString('latin1');
}

function parsed(raw: Buffer[]): Headers {
  const headers: Headers = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = text(raw[at] as Buffer).toLowerCase();
    const values = [raw[at + 1] as Buffer].flat().map(text);
    const before = headers[name];
    const all = before === undefined ? values : [before, values].flat();
    headers[name] = all.length === 1 ? (all[0] as string) : all;
  }
  return headers;
}
