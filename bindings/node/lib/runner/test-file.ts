/** A test file in a worker: the caches it opened, its own session and those of its tests. */

import { resolve } from 'node:path';
import { Cache } from '../cache.js';
import { native } from '../native.js';
import type { TestOptions } from '../options.js';
import { leaveReport, merged, type Did } from '../run.js';
import { Session } from './session.js';

/** What a runner knows of a test file. */
export interface About {
  /** The file's name, for the `source` of what is recorded. */
  name: string;
  /** What `path` is relative to. */
  root: string;
  options: TestOptions;
  /** Where the options come from, for messages. */
  from: string;
  /** Returns what records a test of the file, or all of them. */
  command(test?: string): string;
}

/** Answers the calls of a test file, inside its tests and outside, until `close`. */
export class TestFile {
  readonly #about: About;
  readonly #caches = new Map<string, Cache>();
  readonly #sessions = new Set<Session>();
  readonly #did: Did[] = [];
  readonly #warnings: string[] = [];

  /** Begins a file, and ends one whose end was not told: it could not be imported. */
  static begin(about: About): TestFile {
    shared[CURRENT]?.close().catch(() => undefined);
    return (shared[CURRENT] = new TestFile(about));
  }

  private constructor(about: About) {
    this.#about = about;
    this.#begin(about.name, about.command());
  }

  /** Begins a test; `names` are those of its suites, then its own. */
  begin(names: string[], pattern: string): Session {
    return this.#begin([this.#about.name, ...names].join(' > '), this.#about.command(pattern));
  }

  /** Ends a test; returns what it should fail with beside what it failed with already. */
  async end(session: Session, surfaced: readonly unknown[] = []): Promise<Error | undefined> {
    const hidden = await session.end(surfaced);
    this.#sessions.delete(session);
    this.#did.push(...session.did);
    this.#warnings.push(...session.warnings);
    return hidden;
  }

  /** Ends the file and closes its caches; returns what it should fail with. */
  async close(): Promise<Error | undefined> {
    if (shared[CURRENT] === this) delete shared[CURRENT];
    // A test that timed out may be left beside the file's own.
    const ends = [...this.#sessions].reverse().map((session) => this.end(session));
    const hidden = (await Promise.all(ends)).at(-1);
    for (const cache of this.#caches.values()) cache.close();
    this.#caches.clear();
    leaveReport({ did: merged(this.#did.splice(0)), warnings: this.#warnings.splice(0) });
    return hidden;
  }

  #begin(name: string, command: string): Session {
    const session = new Session((override) => this.#cache(override).session(name, command));
    this.#sessions.add(session);
    return session;
  }

  /** Opens the cache for a test; tests with the same options share it. */
  #cache(override: TestOptions = {}): Cache {
    const options = this.#options(override);
    const key = JSON.stringify([
      options,
      VARIABLES.map((name) => process.env[name]),
      process.cwd(),
    ]);
    let cache = this.#caches.get(key);
    if (cache === undefined) {
      const from = override.mode === undefined ? this.#about.from : 'the override of the test';
      cache = Cache.forTests(options, options.mode === undefined ? undefined : from);
      this.#caches.set(key, cache);
    }
    return cache;
  }

  /** Options of the runner are weaker than the environment, those of a test stronger. */
  #options(override: TestOptions): TestOptions {
    const { mode, path, ...rest } = this.#about.options;
    const { F3DX_CACHE_MODE, F3DX_CACHE_PATH, F3DX_CACHE_DIR } = process.env;
    return {
      ...rest,
      ...(mode && !F3DX_CACHE_MODE && { mode }),
      ...(path && !F3DX_CACHE_PATH && !F3DX_CACHE_DIR && { path: resolve(this.#about.root, path) }),
      ...override,
      ...(override.path && { path: resolve(this.#about.root, override.path) }),
    };
  }
}

const CURRENT = Symbol.for('f3dx-cache.test-file');
// Of all that a process or thread holds, the one object that Jest and the pools of Vitest
// do not make anew for each test file.
const shared = native as { [CURRENT]?: TestFile };

/** What a test may change before it overrides options. */
const VARIABLES = [
  'CI',
  'F3DX_CACHE_MODE',
  'F3DX_CACHE_PATH',
  'F3DX_CACHE_DIR',
  'F3DX_CACHE_HOSTS',
];

/** Returns text as a shell reads it back. */
export function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Returns the regular expression that matches a text. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
