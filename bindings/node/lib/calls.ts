/** Work of core that calls the caller's code: messages from its threads, and the replies. */

import { AsyncResource } from 'node:async_hooks';
import timers from 'node:timers';
import { CacheError, fromNative } from './errors.js';
import { onAbort } from './intercept/signal.js';
import type { NativeWork } from './native.js';
import { describe, isWellFormed } from './request.js';

// A test may put fake timers in the place of the real ones.
const { setInterval, clearInterval } = timers;

/** What core wants of the caller's code, and the number and text of the message. */
export type Listener = (what: string, number: number, text: string) => void;

/** What answers the messages of core, by what they want. */
export type Callbacks = Record<string, (text: string) => string | Promise<string>>;

/** How work is followed and ended. */
export interface Watch {
  signal?: AbortSignal | undefined;
  /** Hears the news of a replay; a comparison has none. */
  progress?: ((text: string) => void) | undefined;
}

/**
 * Begins work and resolves to what it comes to, once core's threads have ended.
 *
 * Callbacks run in the caller's asynchronous context, so that its `use` answers their calls.
 */
export function work(
  begin: (listener: Listener) => NativeWork,
  callbacks: Callbacks,
  watch: Watch = {},
): Promise<string> {
  const { signal, progress } = watch;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const context = new AsyncResource('f3dx-cache');
    const alive = new KeptAlive(progress === undefined);
    let stopped: { reason: unknown } | undefined;
    const stop = (reason: unknown) => {
      stopped ??= { reason };
      native.stop();
    };
    const answer = async (what: string, number: number, text: string) => {
      alive.called();
      try {
        const reply = await callbacks[what]?.(text);
        if (reply === undefined) throw new Error(`nothing answers ${what}`);
        native.reply(number, reply);
      } catch (thrown) {
        native.fail(number, told(thrown));
      }
      alive.replied();
    };
    const follow = (underWay: number, text: string) => {
      alive.tick(underWay);
      try {
        if (stopped === undefined) progress?.(text);
      } catch (thrown) {
        stop(thrown);
      }
    };
    const listener: Listener = (what, number, text) => {
      if (what === 'progress') return context.runInAsyncScope(follow, undefined, number, text);
      if (what !== 'done' && what !== 'failed') {
        return void context.runInAsyncScope(answer, undefined, what, number, text);
      }
      alive.end();
      unlisten?.();
      if (stopped !== undefined) reject(stopped.reason);
      else if (what === 'done') resolve(text);
      else reject(fromNative({ message: text }));
    };
    let native: NativeWork;
    try {
      native = begin(listener);
    } catch (error) {
      alive.end();
      throw error;
    }
    const unlisten = signal && onAbort(signal, () => stop(signal.reason));
  });
}

/**
 * Keeps the process running while core works. While it does nothing but wait for callbacks,
 * what they wait for does that, or nothing does: one that never ends is no reason to stay.
 */
class KeptAlive {
  readonly #timer = setInterval(() => undefined, 2 ** 30);
  #waiting = 0;

  /** `isOne`: core waits for one callback at a time; else ticks show whether it waits. */
  constructor(private readonly isOne: boolean) {}

  called(): void {
    this.#waiting += 1;
    if (this.isOne) this.#timer.unref();
    else this.#timer.ref();
  }

  replied(): void {
    this.#waiting -= 1;
    this.#timer.ref();
  }

  /** Comes after 100 ms without news, with how many calls core waits for if it only waits. */
  tick(underWay: number): void {
    if (underWay > 0 && this.#waiting >= underWay) this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** Says what was thrown, for people: `TypeError: x is not a function`. */
export function told(thrown: unknown): string {
  try {
    const { name, message } = thrown as { name?: unknown; message?: unknown };
    if (typeof message !== 'string') return String(thrown);
    if (thrown instanceof CacheError) return message;
    const named = name === 'Error' ? (thrown as object).constructor.name : name;
    return typeof named === 'string' && named !== '' ? `${named}: ${message}` : message;
  } catch {
    return describe(thrown);
  }
}

/** Checks a text that becomes UTF-8. */
export function checkText(text: unknown, what: string): string {
  if (typeof text !== 'string') throw new TypeError(`${what} is ${describe(text)}, not a string`);
  if (isWellFormed(text)) return text;
  throw new TypeError(`${what} holds half a surrogate pair; no UTF-8 spells it`);
}
