/** A caller's signal, which many calls may share. */

import { EventEmitter, getMaxListeners, setMaxListeners } from 'node:events';

/** What Node's own `fetch` raises it to: that many calls share a signal is no leak. */
const MANY = 1500;

/** Calls `end` when the signal is aborted; returns what stops listening. */
export function onAbort(signal: AbortSignal, end: () => void): () => void {
  try {
    if (getMaxListeners(signal) === EventEmitter.defaultMaxListeners) setMaxListeners(MANY, signal);
  } catch {
    // Of jsdom, say: it warns of nothing.
  }
  signal.addEventListener('abort', end, { once: true });
  return () => signal.removeEventListener('abort', end);
}
