/** Begins and ends a run of Vitest: in the process that starts the workers. */

import { beginRun, endRun, type RunVariables } from '../run.js';

/** What the reporter needs of Vitest. */
export interface VitestOfRun {
  provide(key: string, value: RunVariables): void;
  logger: { log(text: string): void; error(text: string): void };
}

/** A reporter that prints what the cache did, after those of the configuration. */
export class RunReporter {
  readonly #vitest: VitestOfRun & { config?: { reporters?: unknown[] } };

  constructor(vitest: VitestOfRun) {
    this.#vitest = vitest;
  }

  onTestRunStart(): void {
    // The workers of a watching Vitest may have been started in an earlier run.
    this.#vitest.provide('f3dxCacheRun', beginRun());
  }

  async onTestRunEnd(): Promise<void> {
    const lines = await endRun();
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    if (this.#isForPeople()) this.#vitest.logger.log(text);
    else this.#vitest.logger.error(text);
  }

  /** Returns whether what is printed is read by people, not as JSON, XML or TAP. */
  #isForPeople(): boolean {
    const names = (this.#vitest.config?.reporters ?? []).map((one) =>
      Array.isArray(one) ? one[0] : one,
    );
    return !names.some((name) => typeof name === 'string' && /^(json|junit|tap|blob)/.test(name));
  }
}
