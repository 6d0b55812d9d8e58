/**
 * The dispatcher that undici and Node's `fetch` send with, where no other is named.
 *
 * It catches what does not pass the patch of `globalThis.fetch`: undici's own `fetch`,
 * `request`, `stream` and `pipeline`, a `fetch` that was captured before, and what MSW or
 * a tracer hands on to Node's. Mocks pass untouched. So does what is sent with a dispatcher
 * of its own, or with one that was put in the place of ours: a replay is guarded against it.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import http from 'node:http';
import { dispatch, type Dispatcher } from './dispatch.js';

/** Where undici keeps it: up to version 7, and from version 8 on. */
const SLOTS = [
  Symbol.for('undici.globalDispatcher.1'),
  Symbol.for('undici.globalDispatcher.2'),
] as const;

type Realm = Record<symbol, Dispatcher | undefined> & { Headers?: unknown };

let patches: { realm: Realm; slot: symbol; original: Dispatcher; replacement: Dispatcher }[] = [];

/** Ours, installed or not: a test may have kept one and put it back. */
const ours = new WeakMap<object, Dispatcher>();

const SENDING = Symbol.for('f3dx-cache.sending');

/** Within it, calls are on their way already: what meets them must not ask again. */
const sending = sharedSending();

/** One for all copies of this package in a realm: a call may pass the patches of two. */
function sharedSending(): AsyncLocalStorage<boolean> {
  const global = globalThis as { [SENDING]?: AsyncLocalStorage<boolean> };
  return (global[SENDING] ??= new AsyncLocalStorage());
}

/** Puts ours over what is there. */
export function install(): void {
  for (const realm of realms()) {
    for (const slot of SLOTS) {
      const original = realm[slot] ?? (slot === SLOTS[0] ? main[slot] : undefined);
      if (original === undefined || ours.has(original) || isMock(original)) continue;
      const replacement = over(original);
      put(realm, slot, replacement);
      patches.push({ realm, slot, original, replacement });
    }
  }
}

/** Takes it off, unless somebody else has put another there: ours passes everything then. */
export function uninstall(): void {
  for (const { realm, slot, original, replacement } of patches) {
    // Where nothing was, Node's stays: undici relies on one by now.
    if (realm[slot] === replacement) realm[slot] = original;
  }
  patches = [];
}

/** Returns the dispatcher beneath ours, or the one that was put in its place. */
export function beneath(): object | undefined {
  const found = main[SLOTS[0]];
  return found && (ours.get(found) ?? found);
}

/** Calls `send` so that what it sends is not intercepted again on its way. */
export function past<T>(send: () => T): T {
  return sending.run(true, send);
}

/** Returns whether a dispatcher answers in the place of a network. */
export function isMock(dispatcher: object | undefined): boolean {
  for (let kind = dispatcher; kind; kind = Object.getPrototypeOf(kind) as object | undefined) {
    const name = (kind.constructor as { name?: string } | undefined)?.name ?? '';
    if (/^(Mock|Snapshot)(Agent|Pool|Client)$/.test(name)) return true;
  }
  return false;
}

function over(original: Dispatcher): Dispatcher {
  const dispatching: Dispatcher['dispatch'] = (options, handler) =>
    sending.getStore() ? original.dispatch(options, handler) : dispatch(original, options, handler);
  // `request` and its like send through ours; what ends it acts on the one beneath itself.
  const replacement = new Proxy(original, {
    get(target, key) {
      if (key === 'dispatch') return dispatching;
      const value: unknown = Reflect.get(target, key);
      const ends = typeof value === 'function' && (key === 'close' || key === 'destroy');
      return ends ? (value.bind(target) as unknown) : value;
    },
  });
  ours.set(replacement, original);
  return replacement;
}

/**
 * The global object of Node's own `fetch`. In Jest and in Vitest's vmThreads a test file has
 * another; what is built in, such as `http`, comes from the main one, and so does its `Function`.
 */
const main = mainRealm();

function mainRealm(): Realm {
  try {
    return (http.Agent.constructor as FunctionConstructor)('return globalThis')() as Realm;
  } catch {
    // Node may be told to make no code from strings.
    return globalThis as unknown as Realm;
  }
}

function realms(): Set<Realm> {
  // Node sets the dispatcher when it loads its undici, which one of its classes makes it do.
  if (main[SLOTS[0]] === undefined) void main.Headers;
  return new Set([main, globalThis as unknown as Realm]);
}

function put(realm: Realm, slot: symbol, dispatcher: Dispatcher): void {
  // Not a plain assignment where nothing is yet: it must not be enumerable.
  if (slot in realm) realm[slot] = dispatcher;
  else
    Object.defineProperty(realm, slot, { value: dispatcher, writable: true, configurable: true });
}
