/** `use`: code under which the calls of SDKs are recorded and replayed. */

import { Cache } from './cache.js';
import { CacheMissError } from './errors.js';
import { Active } from './intercept/active.js';
import type { TestOptions } from './options.js';

/** How to record and replay the calls of SDKs. */
export interface UseOptions extends TestOptions {
  /** Names the test, for `scope`, for meta and for messages. */
  test?: string | undefined;
  /** What records the test's misses, for explanations. */
  command?: string | undefined;
}

/** What `use` returns: calls are recorded and replayed until it is closed. */
export interface Use extends Disposable, AsyncDisposable {
  readonly cache: Cache;
  /**
   * Stops; what the caller left open is read to its end and recorded first.
   *
   * Rejects with what an SDK may have swallowed: the first miss (`CacheMissError`), or the
   * first failure to read or write the file (`CacheError`).
   */
  close(): Promise<void>;
}

/**
 * Records and replays the SDK calls made from here on, until it is closed.
 *
 *     await using recording = use({ mode: 'replay' });
 *     await client.chat.completions.create(…);
 *
 * Options are those of `Cache.forTests`. They may be nested: the innermost answers, and
 * each asynchronous context may have its own. Disposed synchronously (`using`), it stops at
 * once, and what was left open is recorded in the background.
 */
export function use(options: UseOptions = {}): Use {
  const { test, command, ...rest } = options;
  const cache = Cache.forTests(rest).session(test, command);
  const active = new Active(cache);
  active.enter(true);
  let closed: Promise<void> | undefined;
  const end = async () => {
    const drained = active.drain();
    active.leave();
    await drained;
    cache.close();
  };
  const close = async () => {
    await (closed ??= end());
    throwHidden(active);
  };
  return {
    cache,
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.dispose]() {
      closed ??= end();
      throwHidden(active);
    },
  };
}

/** Throws what went wrong and an SDK may have swallowed. */
export function throwHidden(active: Active): void {
  const [miss] = active.cache.refusedMisses();
  if (miss !== undefined) throw new CacheMissError(miss);
  const [error] = active.errors;
  if (error !== undefined) throw error;
}
