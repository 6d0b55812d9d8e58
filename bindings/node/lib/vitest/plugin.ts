/** What `plugins: [f3dxCache()]` does: a setup file for the workers, a reporter for the end. */

import { join, sep } from 'node:path';
import { guarded } from '../errors.js';
import { native } from '../native.js';
import { optionsText, type TestOptions } from '../options.js';
import { RunReporter, type VitestOfRun } from './reporter.js';

/** Options for every test; `F3DX_CACHE_MODE`, `F3DX_CACHE_PATH` and `_DIR` win over them. */
export type F3dxCacheOptions = TestOptions;

/** A plugin of Vite, spelled without the types of one of its versions. */
export interface F3dxCachePlugin {
  name: 'f3dx-cache';
  enforce: 'pre';
  config(config: object): void;
  configureVitest(context: object): void;
}

/** What the plugin adds to, of a Vitest configuration. */
interface UserConfig {
  resolve?: { dedupe?: string[] };
  test?: {
    browser?: { enabled?: boolean };
    provide?: Record<string, unknown>;
    sequence?: { setupFiles?: 'list' | 'parallel' };
    setupFiles?: string | string[];
    server?: { deps?: { external?: (string | RegExp)[] } };
  };
}

interface Context {
  vitest: VitestOfRun & { config: { reporters: unknown[] } };
}

const DIST = join(__dirname, '..');
const SETUP = join(DIST, 'vitest/setup.mjs');

/**
 * Records the LLM calls of every test once, and replays them from then on.
 *
 *     // vitest.config.ts
 *     import f3dxCache from 'f3dx-cache/vitest';
 *     export default defineConfig({ plugins: [f3dxCache()] });
 *
 * With projects, each has the plugin, or `extends: true`, and may have options of its own.
 */
export function f3dxCache(options: F3dxCacheOptions = {}): F3dxCachePlugin {
  return {
    name: 'f3dx-cache',
    enforce: 'pre',

    config(config: UserConfig) {
      const test = (config.test ??= {});
      // There is no file to read in a browser.
      if (test.browser?.enabled) return;
      // Ends the run, rather than each of its tests, for a mode or file that is wrong.
      guarded(() => native.settingsForTests(optionsText(options)));
      // First, and in order: clients may be made in the others, and need a key to start.
      // Once, also in a project that extends a configuration with the plugin.
      const others = [test.setupFiles ?? []].flat().filter((file) => file !== SETUP);
      test.setupFiles = [SETUP, ...others];
      test.sequence = { setupFiles: 'list', ...test.sequence };
      test.provide = { ...test.provide, f3dxCache: options };
      // One copy of this library and of Vitest, also where `node_modules` holds a link.
      const deps = ((test.server ??= {}).deps ??= {});
      deps.external = [...(deps.external ?? []), folderPattern(DIST)];
      const resolve = (config.resolve ??= {});
      resolve.dedupe = [...(resolve.dedupe ?? []), 'vitest'];
    },

    configureVitest({ vitest }: Context) {
      const { reporters } = vitest.config;
      if (!reporters.some((reporter) => reporter instanceof RunReporter)) {
        reporters.push(new RunReporter(vitest));
      }
    },
  };
}

function folderPattern(folder: string): RegExp {
  const slashed = folder.split(sep).join('/');
  return new RegExp(`${slashed.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}/`);
}
