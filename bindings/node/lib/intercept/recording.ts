/**
 * A response on its way from the network to the caller, recorded as it passes.
 *
 * The entry is in the file before the caller sees the end of the response. What the caller
 * leaves is read to its end, within the bounds of the exchange.
 */

import { guardedAsync } from '../errors.js';
import type { NativeExchange } from '../native.js';
import type { Active, Recorded } from './active.js';
import type { Decode } from './decoded.js';

// A test may put fake timers in the place of the real ones.
const { setTimeout, clearTimeout } = globalThis;

/** How a response ended. */
export type End = 'eof' | 'left' | 'failed';

/** Ends an exchange; a failure to record is told when the `use` ends. */
export async function finish(exchange: NativeExchange, active: Active, end: End): Promise<void> {
  try {
    await guardedAsync(() => exchange.finish(end));
  } catch (error) {
    active.errors.push(error);
  }
  underway.get(exchange)?.end();
}

const underway = new WeakMap<NativeExchange, Underway>();

/**
 * A call that is about to be sent, until its response is being recorded: it is waited for at
 * the end for as long as a response is, so that what was paid for is not lost.
 */
export class Underway implements Recorded {
  readonly over: Promise<void>;
  #settle: (over?: Promise<void>) => void = () => {};
  readonly #active: Active;
  readonly #exchange: NativeExchange;
  #timer: NodeJS.Timeout | undefined;

  constructor(exchange: NativeExchange, active: Active) {
    this.#exchange = exchange;
    this.#active = active;
    this.over = new Promise((resolve) => {
      this.#settle = resolve;
    });
    active.streams.add(this);
    underway.set(exchange, this);
    this.readAhead();
  }

  readAhead(): void {
    if (!this.#active.draining || this.#timer !== undefined) return;
    const [milliseconds] = this.#exchange.drainBounds();
    this.#timer = setTimeout(() => this.end(), milliseconds);
  }

  /** Ends it; with `rest`, it is over when that is. */
  end(rest?: Promise<void>): void {
    clearTimeout(this.#timer);
    this.#active.streams.delete(this);
    this.#settle(rest);
  }
}

/** The pieces of one body: from its source to its exchange, then to the caller. */
export class Recording implements Recorded {
  readonly over: Promise<void>;
  #settle: () => void = () => {};
  readonly #exchange: NativeExchange;
  readonly #active: Active;
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decode: Decode | undefined;
  readonly #signal: AbortSignal | null | undefined;
  /** What was read and the caller has not got. */
  readonly #queue: (Uint8Array | Failure)[] = [];
  #filling: Promise<void> | undefined;
  #bytes = 0;
  /** The source has no more. */
  #done = false;
  /** The exchange is finished. */
  #ended = false;
  /** The caller is gone. */
  #left = false;
  #readingAhead = false;
  #controller: ReadableByteStreamController | undefined;

  /** With `decode`, the source is encoded: so the caller gets it, but it is recorded decoded. */
  constructor(
    source: ReadableStream<Uint8Array>,
    exchange: NativeExchange,
    active: Active,
    decode?: Decode,
    signal?: AbortSignal | null,
  ) {
    this.#signal = signal;
    this.#decode = decode;
    this.#exchange = exchange;
    this.#active = active;
    this.#source = source.getReader();
    this.over = new Promise((resolve) => {
      this.#settle = resolve;
    });
    active.streams.add(this);
    underway.get(exchange)?.end(this.over);
    if (active.draining) this.readAhead();
  }

  /** Returns the body as the caller reads it. */
  body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      type: 'bytes',
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#leave(),
    });
  }

  /** Ends the caller's part, as an aborted signal does; the rest is read without it. */
  abort(reason: unknown): void {
    if (this.#done && this.#queue.length === 0) return;
    this.#controller?.error(reason);
    this.#leave();
  }

  readAhead(): void {
    if (this.#readingAhead || this.#ended) return;
    this.#readingAhead = true;
    void this.#readRest();
  }

  #leave(): void {
    this.#left = true;
    this.#queue.length = 0;
    if (this.#ended) void this.#stop();
    else this.readAhead();
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    while (this.#queue.length === 0 && !this.#done) await this.#fill();
    if (this.#left) return;
    // Nobody listens to it any more once all is recorded.
    if (this.#signal?.aborted && this.#queue.length > 0) {
      this.#leave();
      throw this.#signal.reason;
    }
    const piece = this.#queue.shift();
    if (piece instanceof Failure) throw piece.reason;
    if (piece !== undefined) {
      controller.enqueue(piece as Uint8Array<ArrayBuffer>);
      return;
    }
    controller.close();
    controller.byobRequest?.respond(0);
  }

  /** Reads one piece; the caller and who reads ahead of it wait for the same one. */
  #fill(): Promise<void> {
    this.#filling ??= this.#read().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#source.read();
      if (done) {
        await this.#end('eof');
        this.#done = true;
        return;
      }
      this.#bytes += value.byteLength;
      // At the terminal event, not at the end of file: the caller may never read so far.
      if (!this.#ended && (await this.#passes(value))) await this.#end('eof');
      if (!this.#left) this.#queue.push(value);
    } catch (reason) {
      await this.#end('failed');
      if (!this.#left) this.#queue.push(new Failure(reason));
      this.#done = true;
    }
  }

  /** Records a piece; returns whether the response is complete with it. */
  async #passes(piece: Uint8Array): Promise<boolean> {
    if (this.#decode === undefined) return this.#exchange.chunk(piece);
    let complete = false;
    try {
      for (const part of await this.#decode(piece))
        complete = this.#exchange.chunk(part) || complete;
    } catch {
      // What cannot be decoded is not recorded; the caller may know better.
      await this.#end('failed');
    }
    return complete;
  }

  async #readRest(): Promise<void> {
    const [milliseconds = 0, bytes = 0] = this.#exchange.drainBounds();
    const most = this.#bytes + bytes;
    const timer = setTimeout(() => void this.#giveUp(), milliseconds);
    while (!this.#ended && !this.#done && this.#bytes <= most) await this.#fill();
    clearTimeout(timer);
    await this.#giveUp();
  }

  /** Ends the recording with what is there; a caller that is still there may go on. */
  async #giveUp(): Promise<void> {
    await this.#end('left');
    if (this.#left) await this.#stop();
  }

  async #stop(): Promise<void> {
    // The source may have failed; then there is nothing to cancel.
    await this.#source.cancel().catch(() => undefined);
  }

  async #end(end: End): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await finish(this.#exchange, this.#active, end);
    this.#active.streams.delete(this);
    this.#settle();
  }
}

class Failure {
  constructor(readonly reason: unknown) {}
}
