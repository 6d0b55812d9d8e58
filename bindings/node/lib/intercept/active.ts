/**
 * Which cache answers a call.
 *
 * A call asks the cache that is active where it is made: the innermost `use` of its own
 * asynchronous context, if there is one; otherwise the one that was entered last. A `use`
 * that has ended is passed over in favour of the one around it.
 *
 * Before Node 24, a context in use makes every promise of the process cost more. So a `use`
 * that is the only one gets none; those that come while it is open do, and whatever is in no
 * context of theirs is its own.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Cache } from '../cache.js';
import { install, uninstall } from './patches.js';
import * as placeholders from './placeholders.js';

/** A response that is being recorded while the caller reads it. */
export interface Recorded {
  /** Reads on without the caller, for whom it is kept. */
  readAhead(): void;
  /** Settles when the recording is over; never rejects. */
  readonly over: Promise<void>;
}

/** One cache that answers calls, from `enter` to `leave`. */
export class Active {
  readonly cache: Cache;
  /** What went wrong while looking up or recording: told when the `use` ends. */
  readonly errors: unknown[] = [];
  /** The calls that are under way, and the responses that are being recorded. */
  readonly streams = new Set<Recorded>();
  /** The end has begun: nobody may read what is still to come. */
  draining = false;
  open = false;
  outer: Active | undefined;
  /** How it is told from others: it has a context of its own, or was there first. */
  bound: 'context' | 'first' | undefined;

  constructor(cache: Cache) {
    this.cache = cache;
  }

  /** Makes this the innermost cache of the process; with `bound`, of the caller's context too. */
  enter(bound = false): void {
    const shared = state();
    const { entered, context } = shared;
    if (entered.length === 0) {
      install();
      shared.uninstall = uninstall;
    }
    if (this.cache.mode === 'replay') placeholders.setUnset();
    entered.push(this);
    this.open = true;
    this.outer = innermost(context.getStore());
    if (!bound) return;
    this.bound = entered.length === 1 ? 'first' : 'context';
    if (this.bound === 'context') context.enterWith(this);
  }

  /** Calls `run` with this as the innermost cache of its context. */
  run<T>(run: () => T): T {
    return state().context.run(this, run);
  }

  /** Has all that is being recorded read to its end, as if the caller had left it. */
  async drain(): Promise<void> {
    this.draining = true;
    this.readAhead();
    await Promise.all([...this.streams].map((stream) => stream.over));
  }

  /** Has what is being recorded read on, for callers that may have left it. */
  readAhead(): void {
    for (const stream of this.streams) stream.readAhead();
  }

  /** Stops answering; the last one to leave takes the patches off. */
  leave(): void {
    if (!this.open) return;
    this.open = false;
    const shared = state();
    const { entered } = shared;
    entered.splice(entered.indexOf(this), 1);
    // Only the copy that put the patches on can take them off.
    if (entered.length === 0) shared.uninstall?.();
    if (this.cache.mode === 'replay') placeholders.remove();
  }
}

/** Returns what answers a call made here and now, if anything does. */
export function active(): Active | undefined {
  const { entered, context } = state();
  return innermost(context.getStore()) ?? outside(entered);
}

/** Returns which of those that are open answers outside of their contexts. */
function outside(entered: readonly Active[]): Active | undefined {
  const [first, ...others] = entered;
  const isFirst = first?.bound === 'first' && others.every(({ bound }) => bound === 'context');
  return isFirst ? first : entered.at(-1);
}

/** A context still names a `use` that has ended. */
function innermost(found: Active | undefined): Active | undefined {
  while (found !== undefined && !found.open) found = found.outer;
  return found;
}

interface State {
  entered: Active[];
  context: AsyncLocalStorage<Active | undefined>;
  uninstall?: () => void;
}

const STATE = Symbol.for('f3dx-cache.active');

/** Two copies of this package in one realm answer as one. */
function state(): State {
  const global = globalThis as { [STATE]?: State };
  return (global[STATE] ??= { entered: [], context: new AsyncLocalStorage() });
}
