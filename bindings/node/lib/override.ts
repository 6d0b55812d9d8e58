/** `override`: other options for one test, under Vitest and Jest. */

import { CacheError } from './errors.js';
import type { TestOptions } from './options.js';
import { currentSession } from './runner/session.js';

/**
 * Changes options from here to the end of the test; the others stay the runner's.
 *
 *     test('asks the model itself', async () => {
 *       override({ mode: 'off' });
 *       …
 *     });
 *
 * In a `beforeEach` it is for each of the tests, outside of tests for the rest of the file.
 * Throws a `CacheError` where no runner set up by f3dx-cache runs a test.
 */
export function override(options: TestOptions): void {
  const session = currentSession();
  if (session === undefined) {
    const way = "f3dx-cache/vitest in plugins or preset: 'f3dx-cache' is missing";
    throw new CacheError(`override is called outside of a test run: ${way}`, 'invalid_argument');
  }
  session.override(options);
}
