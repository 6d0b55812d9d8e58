/** A request of `node:http`, as the interceptor tells of it before it is sent. */

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { NativeExchange, Replay } from '../native.js';
import { active, type Active } from './active.js';
import { concerns, decide, type Call } from './decide.js';
import { decoderOf } from './decoded.js';
import { Recording, finish } from './recording.js';
import { isStainless, refused } from './refused.js';
import { replayed } from './replayed.js';
import { turn } from './turn.js';

/** What the interceptor tells. */
export interface RequestEvent {
  request: Request;
  controller: {
    /** Zero until somebody has answered. */
    readonly readyState?: number;
    respondWith(response: Response): void;
    errorWith(reason: unknown): void;
  };
}

/** Answers a request, or has its response recorded; what it does not answer is sent. */
export async function onRequest({ request, controller }: RequestEvent): Promise<void> {
  const found = active();
  if (found === undefined || (controller.readyState ?? 0) !== 0) return;
  const raw = rawOf(request);
  const leaving = new AbortController();
  raw?.once('close', () => leaving.abort());
  try {
    const response = await answerTo(found, request, raw, leaving.signal);
    if (response !== undefined) controller.respondWith(response);
  } catch (error) {
    // Of a caller that has left, nobody hears.
    if (!leaving.signal.aborted) controller.errorWith(error);
  }
}

/** Returns the answer; `undefined`: send it. */
async function answerTo(
  active: Active,
  request: Request,
  raw: ClientRequest | undefined,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const { method, url } = request;
  const call: Call = { method, url, headers: linesOf([...request.headers].flat()) };
  let decision;
  try {
    if (!concerns(active, call)) return undefined;
    decision = decide(active, call, new Uint8Array(await request.clone().arrayBuffer()));
  } catch (error) {
    if (!signal.aborted) active.errors.push(error);
    throw error;
  }
  if (decision === null) return undefined;
  if (typeof decision === 'string') return refused(decision, isStainless(call));
  if ('status' in decision) return framed(decision, url, signal);
  // Without the request itself there is no response to record.
  if (!decision.records || raw === undefined) return undefined;
  const recorded = await turn(decision, active, signal);
  if (recorded !== undefined) return framed(recorded, url, signal);
  if (signal.aborted) await finish(decision, active, 'failed');
  else record(raw, decision, active);
  return undefined;
}

/** Returns a response that tells where it ends: cut by an abort, it must not look whole. */
function framed(replay: Replay, url: string, signal: AbortSignal): Response {
  const response = replayed(replay, url, signal);
  if (response.body === null) return response;
  if (replay.ends !== undefined) response.headers.set('transfer-encoding', 'chunked');
  else response.headers.set('content-length', String(replay.body.byteLength));
  return response;
}

/** Records the response to a request that is about to be sent. */
function record(raw: ClientRequest, exchange: NativeExchange, active: Active): void {
  let isAnswered = false;
  raw.prependOnceListener('response', (message) => {
    isAnswered = true;
    pass(message, exchange, active);
    // As Node does where nobody listens.
    if (raw.listenerCount('response') === 0) message.resume();
  });
  raw.once('close', () => {
    if (!isAnswered) void finish(exchange, active, 'failed');
  });
}

/** Records a message as it arrives; its end waits until the entry is in the file. */
function pass(message: IncomingMessage, exchange: NativeExchange, active: Active): void {
  exchange.head(message.statusCode ?? 0, linesOf(message.rawHeaders));
  let source: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      source = controller;
    },
  });
  const decode = decoderOf(message.headers['content-encoding'] ?? '');
  const recording = new Recording(body, exchange, active, decode);
  // The caller reads the message; this reads what was recorded of it, at once.
  void recording
    .body()
    .pipeTo(new WritableStream())
    .catch(() => undefined);

  let isOver = false;
  const push = message.push.bind(message);
  message.push = (chunk: Uint8Array | null, encoding) => {
    if (chunk !== null) {
      // The memory is the socket's.
      if (!isOver) source?.enqueue(new Uint8Array(chunk));
      push(chunk, encoding);
      // No reader holds the network back: what nobody reads is recorded too.
      return true;
    }
    if (!isOver) {
      isOver = true;
      source?.close();
      void recording.over.then(() => push(null));
    }
    return false;
  };
  message.once('close', () => {
    if (isOver) return;
    isOver = true;
    source?.error(new Error('the response was not read to its end'));
  });
}

/** Returns the request of Node's: the interceptor keeps it, whichever copy of it that is. */
function rawOf(request: Request): ClientRequest | undefined {
  const symbol = Object.getOwnPropertySymbols(request).find(
    ({ description }) => description === 'kRawRequest',
  );
  return symbol && (request as unknown as Record<symbol, ClientRequest | undefined>)[symbol];
}

function linesOf(parts: string[]): string {
  return parts.join('\n');
}
