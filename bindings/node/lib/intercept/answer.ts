/** What comes back from the network through a dispatcher: recorded, and told to the caller. */

import type { NativeExchange } from '../native.js';
import type { Active } from './active.js';
import { decoderOf } from './decoded.js';
import { linesOf, rawOf, type Caller, type Controller, type Handler } from './handler.js';
import { Recording, finish } from './recording.js';

/** How many bytes may wait for the caller before the network is paused. */
const WAITING = 64 << 10;

/** Returns a handler, of both generations, to send a call with. */
export function answer(active: Active, exchange: NativeExchange, caller: Caller): Handler {
  let abort: (reason: unknown) => void = () => {};
  let resume = () => {};
  let recording: Recording | undefined;
  let source: ReadableStreamDefaultController<Uint8Array> | undefined;
  const leave = () => {
    const { reason } = caller.signal;
    // Once it is answered, the rest is read without the caller.
    if (recording === undefined) abort(reason);
    else recording.abort(reason);
  };
  const isFull = () => (source?.desiredSize ?? 1) <= 0;

  const begun = (aborting: (reason: unknown) => void) => {
    abort = aborting;
    if (caller.aborted) leave();
    else caller.signal.addEventListener('abort', leave, { once: true });
  };
  const head = (status: number, raw: Buffer[], statusText: string) => {
    if (status < 200) {
      caller.head(status, raw, statusText);
      return;
    }
    const lines = linesOf(raw);
    exchange.head(status, lines);
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          source = controller;
        },
        pull: () => resume(),
        cancel: (reason) => abort(reason),
      },
      { highWaterMark: WAITING, size: (piece) => piece.byteLength },
    );
    recording = new Recording(body, exchange, active, decoderOf(encodingOf(lines)));
    void caller.take(status, raw, statusText, recording.body());
  };
  const data = (chunk: Buffer) => {
    // The memory is the socket's.
    source?.enqueue(new Uint8Array(chunk));
  };
  const end = () => source?.close();
  const fail = (error: unknown) => {
    if (source === undefined)
      void finish(exchange, active, 'failed').then(() => caller.fail(error));
    else source.error(error);
  };

  return {
    onConnect: begun,
    onHeaders(status, raw, resuming, statusText = '') {
      resume = resuming;
      head(status, raw, statusText);
      return !isFull();
    },
    onData(chunk) {
      data(chunk);
      return !isFull();
    },
    onComplete: end,
    onError: fail,

    onRequestStart: (controller) => begun((reason) => controller.abort(reason)),
    onResponseStart(controller, status, headers, statusText = '') {
      resume = () => controller.resume();
      head(status, rawHeaders(controller) ?? rawOf(Object.entries(headers)), statusText);
    },
    onResponseData(controller, chunk) {
      data(chunk);
      if (isFull()) controller.pause();
    },
    onResponseEnd: end,
    onResponseError: (_, error) => fail(error),
  };
}

function rawHeaders({ rawHeaders }: Controller): Buffer[] | undefined {
  return Array.isArray(rawHeaders) ? (rawHeaders as Buffer[]) : undefined;
}

function encodingOf(lines: string): string {
  const parts = lines.split('\n');
  const encodings: string[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    if (parts[at]?.toLowerCase() === 'content-encoding') encodings.push(parts[at + 1] as string);
  }
  return encodings.join(',');
}
