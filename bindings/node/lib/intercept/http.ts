/**
 * The clients of `node:http` and `node:https`: the AWS SDK, axios, node-fetch, got.
 *
 * `ClientRequestInterceptor` of @mswjs/interceptors does it, for provider calls only: what
 * it intercepts has another socket and another agent than was asked for, so every other
 * request goes past it, untouched.
 *
 * MSW and nock use the same interceptor, one for all of them. Where theirs is in place, this
 * listens to it as the last, so that what they mock is theirs. Where it is not, this has
 * one of its own, which nobody else sees.
 */

import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import type { ClientRequestInterceptor } from '@mswjs/interceptors/ClientRequest';
import { active } from './active.js';
import { concerns, type Call } from './decide.js';
import { onRequest, type RequestEvent } from './outgoing.js';

type Callable = (...args: unknown[]) => unknown;
type Module = Record<string, Callable>;
type Listener = (event: RequestEvent) => Promise<void>;

/** What makes a request. */
const PLACES = [
  [http, 'request'],
  [http, 'get'],
  [http, 'ClientRequest'],
  [https, 'request'],
  [https, 'get'],
] as unknown as [Module, string][];

/** Where the interceptor that is in place is kept. */
const SHARED = Symbol.for('client-request-interceptor');

interface Emitter {
  addListener(event: 'request', listener: Listener): void;
  removeListener(event: 'request', listener: Listener): void;
}

/** One place: what was there, what is there now, and what intercepts there. */
interface Gate {
  module: Module;
  name: string;
  original: Callable;
  replacement: Callable;
  /** Whose interceptor was there before. */
  beneath: Emitter | undefined;
  /** What our own interceptor put there. */
  intercepting: Callable | undefined;
}

let gates: Gate[] = [];
const ours = new WeakSet<Callable>();
/** Those of MSW or nock that this has listened to. */
const emitters = new Set<Emitter>();

/** Puts a gate at every place. */
export function install(): void {
  // A gate that another patch has kept lets pass what it should, and no more.
  gates = PLACES.filter(([module, name]) => !ours.has(module[name] as Callable)).map(gateAt);
  syncBuiltinESMExports();
}

/** Takes the gates off, but leaves what somebody else has patched over them. */
export function uninstall(): void {
  for (const { module, name, original, replacement } of gates) {
    if (module[name] === replacement) module[name] = original;
  }
  gates = [];
  for (const emitter of emitters) emitter.removeListener('request', onRequest);
  emitters.clear();
  syncBuiltinESMExports();
}

function gateAt([module, name]: [Module, string]): Gate {
  const original = module[name] as Callable;
  const protocol = (module as unknown) === https ? 'https:' : 'http:';
  const through = (args: unknown[]) =>
    isConcerned(protocol, args) ? intercepting(gate, args) : original;
  const replacement: Callable = new Proxy(original, {
    apply: (_, self, args: unknown[]) => Reflect.apply(through(args), self, args) as unknown,
    construct: (_, args: unknown[], target) =>
      Reflect.construct(through(args), args, target === replacement ? original : target) as object,
  });
  const gate: Gate = {
    module,
    name,
    original,
    replacement,
    beneath: sharedEmitter(),
    intercepting: undefined,
  };
  ours.add(replacement);
  module[name] = replacement;
  return gate;
}

/** Returns whether a request may be the cache's business. */
function isConcerned(protocol: string, args: unknown[]): boolean {
  const found = active();
  const call = found && callOf(protocol, args);
  if (found === undefined || call === undefined) return false;
  try {
    return concerns(found, call);
  } catch (error) {
    found.errors.push(error);
    return false;
  }
}

/** Returns what makes a request at a gate so that this hears of it. */
function intercepting(gate: Gate, args: unknown[]): Callable {
  const shared = sharedEmitter();
  // A caller that kept our gate, or one that was there before, comes past theirs.
  if (shared === undefined || !(shared === gate.beneath || isTheirs(args))) {
    if (gate.intercepting === undefined) interceptAll(gates.includes(gate) ? gates : [gate]);
    return gate.intercepting ?? gate.original;
  }
  // Again for each request: whoever has come since is asked before.
  shared.removeListener('request', onRequest);
  shared.addListener('request', onRequest);
  emitters.add(shared);
  return gate.original;
}

function sharedEmitter(): Emitter | undefined {
  return (globalThis as { [SHARED]?: { emitter?: Emitter } })[SHARED]?.emitter;
}

/** Returns whether a request comes from the interceptor of MSW or nock, over our gate. */
function isTheirs(args: unknown[]): boolean {
  return args.some((arg) => {
    const agent = (arg as { agent?: object } | null | undefined)?.agent;
    return /^Mock(Https)?Agent$/.test(agent?.constructor?.name ?? '');
  });
}

/** Makes an interceptor that nobody else sees. */
function interceptAll(gates: Gate[]): void {
  // Only now: most suites never need it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { ClientRequestInterceptor: Interceptor } =
    require('@mswjs/interceptors/ClientRequest') as {
      ClientRequestInterceptor: typeof ClientRequestInterceptor;
    };
  const own = Symbol('f3dx-cache.client-request-interceptor');
  Interceptor.symbol = own;
  const interceptor = new Interceptor();
  Interceptor.symbol = SHARED;

  const inPlace = PLACES.map(([module, name]) => module[name] as Callable);
  const restoreHeaders = headersPatch() === undefined;
  for (const { module, name, original } of gates) module[name] = original;
  // It patches every place at once, and what makes headers: keep the former, leave no trace.
  interceptor.apply();
  for (const gate of gates) gate.intercepting = gate.module[gate.name];
  PLACES.forEach(([module, name], at) => (module[name] = inPlace[at] as Callable));
  // It would have headers keep their upper case, at a cost for every `fetch`.
  if (restoreHeaders) headersPatch()?.();
  Reflect.deleteProperty(globalThis, own);
  interceptor.on('request', onRequest as never);
}

/** Returns what takes the interceptors' patch off `Headers`, if there is one. */
function headersPatch(): (() => void) | undefined {
  const symbol = Object.getOwnPropertySymbols(Headers).find(
    ({ description }) => description === 'kRestorePatches',
  );
  return symbol && (Headers as unknown as Record<symbol, () => void>)[symbol];
}

/** Reads what `http.request` is called with; `undefined` if it is no address on a network. */
function callOf(protocol: string, [first, second]: unknown[]): Call | undefined {
  const isUrl =
    typeof first === 'string' || (first as { href?: unknown } | null)?.href !== undefined;
  const given = (isUrl ? second : first) as http.RequestOptions | undefined;
  const options = typeof given === 'object' && given !== null ? given : {};
  if (options.socketPath) return undefined;
  try {
    const url = new URL(
      isUrl ? String((first as { href?: string }).href ?? first) : `${protocol}//localhost`,
    );
    url.protocol = options.protocol ?? url.protocol;
    const host = options.hostname ?? options.host;
    if (host) url.hostname = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    if (options.port) url.port = String(options.port);
    // Through a proxy, the path is the whole URL.
    const { href } = options.path ? new URL(options.path, url.origin) : url;
    return { method: options.method?.toUpperCase() ?? 'GET', url: href, headers: '' };
  } catch {
    // What is no URL is an error of Node's to tell.
    return undefined;
  }
}
