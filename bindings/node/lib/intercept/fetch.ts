/**
 * `globalThis.fetch`.
 *
 * Only Node's own is patched. Whoever has put something else there before (MSW, a mock, a
 * tracer) answers first, and what they let through is met again further down, by the
 * dispatcher that Node's `fetch` sends with.
 */

import type { NativeExchange } from '../native.js';
import { active, type Active } from './active.js';
import { concerns, decide, type Call } from './decide.js';
import { Recording, finish } from './recording.js';
import { isStainless, refused } from './refused.js';
import { described, replayed } from './replayed.js';
import { onAbort } from './signal.js';
import { turn } from './turn.js';
import { beneath, isMock, past } from './undici.js';

type Fetch = typeof globalThis.fetch;
type Input = Parameters<Fetch>[0];
/** What undici reads beside the standard. */
type Init = RequestInit & { dispatcher?: object; duplex?: string };

let patch: { original: Fetch; replacement: Fetch } | undefined;

/** Puts ours in the place of Node's. */
export function install(): void {
  const original = globalThis.fetch as Fetch | undefined;
  if (original === undefined || !isNative(original)) return;
  const replacement: Fetch = function fetch(input, init) {
    const found = active();
    if (found === undefined || mocks((init as Init | undefined)?.dispatcher ?? beneath())) {
      return original(input, init);
    }
    return intercepted(found, original, input, init as Init | undefined);
  };
  patch = { original, replacement };
  globalThis.fetch = replacement;
}

/** Takes it off, unless somebody else has patched over it: it passes everything then. */
export function uninstall(): void {
  if (patch !== undefined && globalThis.fetch === patch.replacement)
    globalThis.fetch = patch.original;
  patch = undefined;
}

let seen: { dispatcher: object | undefined; isMock: boolean } | undefined;

/** As `isMock`, which takes a while, for what is nearly always the same dispatcher. */
function mocks(dispatcher: object | undefined): boolean {
  if (seen === undefined || seen.dispatcher !== dispatcher) {
    seen = { dispatcher, isMock: isMock(dispatcher) };
  }
  return seen.isMock;
}

function isNative(fetch: Fetch): boolean {
  const source = Function.prototype.toString.call(fetch);
  return (
    /^(async )?(function )?fetch\(input, init = undefined\)/.test(source) && /undici/i.test(source)
  );
}

/** A call that may be the cache's business. */
interface Prepared extends Call {
  body: string | Uint8Array;
  signal: AbortSignal | null | undefined;
  /** What Node's `fetch` is called with. */
  input: Input;
  init: Init | undefined;
}

async function intercepted(
  active: Active,
  original: Fetch,
  input: Input,
  init: Init | undefined,
): Promise<Response> {
  const call = quickly(input, init) ?? (await slowly(active, input, init));
  if (call === null) return original(input, init);
  call.signal?.throwIfAborted();
  let decision;
  try {
    decision = decide(active, call, call.body);
  } catch (error) {
    active.errors.push(error);
    throw error;
  }
  // Further down it is asked about once more, and passes again.
  if (decision === null) return original(call.input, call.init);
  if (typeof decision === 'string') return refused(decision, isStainless(call));
  if ('status' in decision) return replayed(decision, call.url, call.signal);
  if (!decision.records) return past(() => original(call.input, call.init));
  const sent = unchanging(call);
  const recorded = await turn(decision, active, call.signal);
  if (recorded !== undefined) return replayed(recorded, call.url, call.signal);
  return send(active, decision, original, sent);
}

/**
 * Copies what the caller may change before the call is sent: it would be recorded as the
 * answer to what was asked.
 */
function unchanging(call: Prepared): Prepared {
  const { input, init, body, url } = call;
  if (typeof input !== 'string' && !(input instanceof URL)) return call;
  const copy: Init = { ...init };
  if (typeof body !== 'string') copy.body = new Uint8Array(body);
  if (init?.headers !== undefined) copy.headers = new Headers(init.headers);
  return { ...call, input: url, init: copy };
}

/** Reads a call without a promise, as SDKs make it; `undefined` if that takes more. */
function quickly(input: Input, init: Init | undefined): Prepared | undefined {
  const url = hrefOf(input);
  const body = init?.body ?? '';
  if (url === undefined || !(typeof body === 'string' || body instanceof Uint8Array))
    return undefined;
  const headers = linesOf(init?.headers);
  if (headers === undefined) return undefined;
  const method = init?.method?.toUpperCase() ?? 'GET';
  return { method, url, headers, body, signal: init?.signal, input, init };
}

/** Spells a URL as a `Request` would; `undefined` if there is one, or no URL. */
function hrefOf(input: Input): string | undefined {
  if (typeof input !== 'string') return input instanceof URL ? input.href : undefined;
  try {
    return new URL(input).href;
  } catch {
    return undefined;
  }
}

function linesOf(headers: HeadersInit | undefined): string | undefined {
  let lines = '';
  let pairs = 0;
  const add = (name: string, value: string) => {
    lines += pairs++ === 0 ? `${name}\n${value}` : `\n${name}\n${value}`;
  };
  if (headers === undefined) return lines;
  // Node's to tell.
  if (headers === null) return undefined;
  if (typeof (headers as Headers).forEach === 'function' && !Array.isArray(headers)) {
    (headers as Headers).forEach((value, name) => add(name, value));
  } else if (Array.isArray(headers)) {
    for (const [name, value] of headers) add(name as string, String(value));
  } else if (Symbol.iterator in headers) {
    // It may be that they can be read only once.
    return undefined;
  } else {
    for (const name of Object.keys(headers)) {
      const value: unknown = (headers as Record<string, unknown>)[name];
      add(name, String(value));
    }
  }
  // A value with a line break is an error of Node's to tell.
  return pairs === 0 || breaksOf(lines) === pairs * 2 - 1 ? lines : undefined;
}

function breaksOf(lines: string): number {
  let breaks = 0;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) breaks += 1;
  return breaks;
}

/** Reads a call through a `Request`; `null` if it is none of the cache's business. */
async function slowly(
  active: Active,
  input: Input,
  init: Init | undefined,
): Promise<Prepared | null> {
  const seen = input instanceof Request && init === undefined ? input : undefined;
  const head = { url: urlOf(input), method: methodOf(input, init), headers: '' };
  if (head.url === undefined || !concerns(active, head as Call)) return null;
  // A body that is a stream is read once: what is sent is the request, not the body.
  const request = seen ?? new Request(input, init);
  const copy = request.clone();
  const body = new Uint8Array(await copy.arrayBuffer());
  const dispatcher = init?.dispatcher;
  return {
    method: request.method,
    url: request.url,
    headers: linesOf(request.headers) ?? '',
    body,
    signal: request.signal,
    input: request,
    init: dispatcher === undefined ? undefined : { dispatcher },
  };
}

function urlOf(input: Input): string | undefined {
  if (typeof input === 'string') return input;
  return input instanceof URL ? input.href : (input as Request).url;
}

function methodOf(input: Input, init: Init | undefined): string {
  return (init?.method ?? (input as { method?: string }).method ?? 'GET').toUpperCase();
}

/** Returns whether Node's `fetch` has undone the content-encoding; others it hands on. */
function isDecoded(response: Response): boolean {
  const encodings = response.headers.get('content-encoding') ?? '';
  return encodings
    .split(',')
    .every((name) => /^\s*(|identity|(x-)?gzip|deflate|br)\s*$/i.test(name));
}

/** Sends a call and records what comes back. */
async function send(
  active: Active,
  exchange: NativeExchange,
  original: Fetch,
  call: Prepared,
): Promise<Response> {
  // The caller's signal ends what the caller sees; what it leaves is read to its end.
  const own = new AbortController();
  const { signal } = call;
  const ignore = signal && onAbort(signal, () => own.abort(signal.reason));
  let response: Response;
  try {
    response = await past(() => original(call.input, { ...call.init, signal: own.signal }));
  } catch (error) {
    await finish(exchange, active, 'failed');
    throw error;
  } finally {
    ignore?.();
  }
  exchange.head(response.status, linesOf(response.headers) ?? '');
  if (response.body === null) {
    await finish(exchange, active, 'eof');
    return response;
  }
  if (!isDecoded(response)) {
    await finish(exchange, active, 'failed');
    return response;
  }
  const recording = new Recording(response.body, exchange, active, undefined, signal);
  const passed = new Response(recording.body(), {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
  if (signal) void recording.over.then(onAbort(signal, () => recording.abort(signal.reason)));
  return described(passed, response);
}
