/** A call that undici was asked to dispatch. */

import { STATUS_CODES } from 'node:http';
import { stringify } from 'node:querystring';
import type { NativeExchange, Replay } from '../native.js';
import { active, type Active } from './active.js';
import { answer } from './answer.js';
import { atHand, read, type Body } from './body.js';
import { concerns, decide, type Call, type Decision } from './decide.js';
import { Caller, rawOf, type Handler } from './handler.js';
import { finish } from './recording.js';
import { isStainless, refused } from './refused.js';
import { replayed } from './replayed.js';
import { turn } from './turn.js';

/** What undici is told of a call. */
export interface DispatchOptions {
  origin?: string | URL;
  path: string;
  method: string;
  headers?: unknown;
  body?: unknown;
  query?: Record<string, string | string[]>;
  upgrade?: unknown;
}

/** What undici sends with. */
export interface Dispatcher {
  /** Returns false if it is busy. */
  dispatch(options: DispatchOptions, handler: Handler): boolean;
}

/** Dispatches a call through `beneath`, or answers it. */
export function dispatch(beneath: Dispatcher, asked: DispatchOptions, handler: Handler): boolean {
  const found = active();
  const options = found === undefined ? asked : rereadable(asked);
  const call = found && callOf(options);
  if (found === undefined || call === undefined) return beneath.dispatch(options, handler);
  try {
    if (!concerns(found, call)) return beneath.dispatch(options, handler);
  } catch (error) {
    return failed(found, handler, error);
  }
  const body = atHand(options.body);
  if (body !== undefined) return decided(found, beneath, options, handler, call, body);
  void read(options.body).then(
    (whole) => {
      const sent = withBody(options, whole);
      // With the content type that the body decides.
      return decided(found, beneath, sent, handler, callOf(sent) ?? call, whole);
    },
    // As undici does where a body breaks.
    (error: unknown) => new Caller(handler).fail(error),
  );
  return true;
}

function decided(
  active: Active,
  beneath: Dispatcher,
  options: DispatchOptions,
  handler: Handler,
  call: Call,
  body: Body,
): boolean {
  let decision: Decision;
  try {
    decision = decide(active, call, body.bytes);
  } catch (error) {
    return failed(active, handler, error);
  }
  const sends = typeof decision === 'object' && decision !== null && !('status' in decision);
  if (decision === null || (sends && !(decision as NativeExchange).records)) {
    try {
      return beneath.dispatch(options, handler);
    } catch (error) {
      new Caller(handler).fail(error);
      return true;
    }
  }
  const caller = new Caller(handler);
  // A copy: a buffer may be changed before it is sent, which would be recorded as another's answer.
  const sent =
    sends && typeof body.bytes !== 'string'
      ? { ...options, body: Buffer.from(body.bytes) }
      : options;
  void answered(active, decision, call, caller, (answer) => beneath.dispatch(sent, answer));
  return true;
}

async function answered(
  active: Active,
  decision: string | Replay | NativeExchange,
  call: Call,
  caller: Caller,
  send: (answer: Handler) => void,
): Promise<void> {
  try {
    caller.begin();
    caller.signal.throwIfAborted();
    if (typeof decision === 'string') {
      await hand(refused(decision, isStainless(call)), caller);
    } else if ('status' in decision) {
      await hand(replayed(decision, call.url, caller.signal), caller);
    } else {
      const recorded = await turn(decision, active, caller.signal);
      if (recorded === undefined) await sent(active, decision, caller, send);
      else await hand(replayed(recorded, call.url, caller.signal), caller);
    }
  } catch (error) {
    caller.fail(error);
  }
}

/** Sends a call and records what comes back. */
async function sent(
  active: Active,
  exchange: NativeExchange,
  caller: Caller,
  send: (answer: Handler) => void,
): Promise<void> {
  try {
    send(answer(active, exchange, caller));
  } catch (error) {
    await finish(exchange, active, 'failed');
    throw error;
  }
}

/** Tells a response to its caller. */
async function hand(response: Response, caller: Caller): Promise<void> {
  const text = response.statusText || (STATUS_CODES[response.status] ?? '');
  await caller.take(response.status, rawOf(response.headers), text, response.body);
}

function failed(active: Active, handler: Handler, error: unknown): boolean {
  active.errors.push(error);
  new Caller(handler).fail(error);
  return true;
}

/** Returns the call; `undefined` if it is none that could be recorded. */
function callOf({
  origin,
  path,
  method,
  headers,
  query,
  upgrade,
}: DispatchOptions): Call | undefined {
  if (upgrade || method === 'CONNECT') return undefined;
  const queried = query ? `${path}${path.includes('?') ? '&' : '?'}${stringify(query)}` : path;
  if (!URL.canParse(queried, origin)) return undefined;
  return { method, url: new URL(queried, origin).href, headers: linesOf(headers) };
}

/** Returns options whose headers can be read more than once. */
function rereadable(options: DispatchOptions): DispatchOptions {
  const headers = options.headers as Iterable<unknown> | null | undefined;
  if (headers?.[Symbol.iterator] === undefined) return options;
  if ((headers[Symbol.iterator]() as unknown) !== headers) return options;
  return { ...options, headers: iterable([...headers]) };
}

/** An array would be names and values in turn. */
function iterable(pairs: unknown[]): Iterable<unknown> {
  return { [Symbol.iterator]: () => pairs.values() };
}

function linesOf(headers: unknown): string {
  const lines: string[] = [];
  const add = (name: unknown, values: unknown) => {
    for (const value of [values].flat()) {
      const line = String(value);
      // A value with a line break is an error of undici's to tell.
      if (value !== undefined && !line.includes('\n')) lines.push(String(name), line);
    }
  };
  if (Array.isArray(headers)) {
    for (let at = 0; at + 1 < headers.length; at += 2) add(headers[at], headers[at + 1]);
  } else if (headers !== null && typeof headers === 'object') {
    const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
    for (const [name, value] of pairs as Iterable<[unknown, unknown]>) add(name, value);
  }
  return lines.join('\n');
}

/** Returns options that send what was read. */
function withBody(options: DispatchOptions, { bytes, type }: Body): DispatchOptions {
  const { headers } = options;
  if (type === undefined || /^content-type$/im.test(linesOf(headers)))
    return { ...options, body: bytes };
  let added: unknown;
  if (Array.isArray(headers)) added = [...(headers as unknown[]), 'content-type', type];
  else if (headers && Symbol.iterator in (headers as object))
    added = iterable([...(headers as Iterable<unknown>), ['content-type', type]]);
  else added = { ...(headers as object | undefined), 'content-type': type };
  return { ...options, headers: added, body: bytes };
}
