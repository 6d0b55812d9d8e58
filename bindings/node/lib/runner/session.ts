/** What one test has of the cache, or what of a test file is outside its tests. */

import type { Cache } from '../cache.js';
import { CacheError, CacheMissError } from '../errors.js';
import { active, Active } from '../intercept/active.js';
import * as placeholders from '../intercept/placeholders.js';
import type { TestOptions } from '../options.js';
import type { Did } from '../run.js';

/** Opens the cache for options over those of the runner, for one test. */
export type Open = (override?: TestOptions) => Cache;

/** Answers the calls of one test, from its making to `end`. */
export class Session {
  readonly #open: Open;
  readonly #active: SessionActive;
  /** That of the runner's options, then those of `override`. */
  readonly #caches: Cache[] = [];
  /** What the session did, once it has ended. */
  readonly did: Did[] = [];
  readonly warnings: string[] = [];

  constructor(open: Open) {
    this.#open = open;
    const cache = open();
    this.#caches.push(cache);
    this.#active = new SessionActive(cache, this);
    this.#active.enter();
  }

  /** Has the calls made under `run` answered by this session, whatever else is going on. */
  run<T>(run: () => T): T {
    return this.#active.run(run);
  }

  /** Answers with other options from here to the end of the test. */
  override(options: TestOptions): void {
    const cache = this.#open(options);
    this.#caches.push(cache);
    if (cache.mode === 'replay') placeholders.setUnset();
    this.#active.answerWith(cache);
  }

  /**
   * Ends it, what is being recorded first. Returns what the test should fail with: what went
   * wrong and is not told by the errors that it failed with already.
   */
  async end(surfaced: readonly unknown[]): Promise<Error | undefined> {
    const [first, ...overrides] = this.#caches;
    const drained = this.#active.drain();
    // At once: nobody may wait for the end, and the next test begins.
    this.#active.answerWith(first!);
    this.#active.leave();
    for (const { mode } of overrides) if (mode === 'replay') placeholders.remove();
    await drained;
    for (const cache of this.#caches) {
      this.did.push({ mode: cache.mode, path: cache.path, summary: cache.summary() });
      this.warnings.push(...cache.warnings());
      cache.release();
    }
    const misses = this.#caches.flatMap((cache) => cache.refusedMisses());
    const texts = surfaced.flatMap((error) => textsOf(error));
    const hidden = [...new Set(misses)]
      .map((explanation): Error => new CacheMissError(explanation))
      .concat(
        this.#active.errors.map((error) =>
          error instanceof Error ? error : new Error(String(error)),
        ),
      )
      .filter(({ message }) => !texts.some((text) => text.includes(message)));
    return told(hidden);
  }
}

/** Tells `override` which session answers; its cache may be changed for another. */
class SessionActive extends Active {
  readonly session: Session;

  constructor(cache: Cache, session: Session) {
    super(cache);
    this.session = session;
  }

  answerWith(cache: Cache): void {
    (this as { cache: Cache }).cache = cache;
  }
}

/** Returns the session that answers a call made here and now. */
export function currentSession(): Session | undefined {
  for (let found = active(); found !== undefined; found = found.outer) {
    // Not `instanceof`: there may be two copies of this package.
    if (found.open && 'session' in found) return (found as SessionActive).session;
  }
  return undefined;
}

/** Makes one error of those that the code under test hid. */
function told(hidden: Error[]): Error | undefined {
  const [first] = hidden;
  if (first === undefined) return undefined;
  const texts = hidden.map((failure) =>
    failure instanceof CacheMissError
      ? `a call failed and the code under test hid it: ${failure.message}`
      : `a call could not be looked up or recorded: ${failure.message}`,
  );
  const text = texts.join('\n\n');
  const error =
    first instanceof CacheMissError
      ? new CacheMissError(first.explanation)
      : new CacheError(text, first instanceof CacheError ? first.kind : 'panic');
  error.message = text;
  // Where it is thrown says nothing.
  error.stack = `${error.name}: ${text}`;
  return error;
}

/** Returns the messages of an error and of all that it holds, an SDK's wrapping included. */
function textsOf(error: unknown, depth = 0): string[] {
  if (typeof error === 'string') return [error];
  if (typeof error !== 'object' || error === null || depth > 8) return [];
  if (Array.isArray(error)) return error.flatMap((one) => textsOf(one, depth + 1));
  const { message, explanation, cause, errors } = error as Record<string, unknown>;
  return [message, explanation, cause, errors].flatMap((one) => textsOf(one, depth + 1));
}
