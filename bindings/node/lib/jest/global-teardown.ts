/** `globalTeardown: 'f3dx-cache/jest/global-teardown'`: ends a run of Jest and tells of it. */

import { endRun } from '../run.js';

/** Ends a run; for a `globalTeardown` of one's own to call. */
export default async function globalTeardown(): Promise<void> {
  const lines = await endRun();
  // Where Jest prints its summary.
  if (lines.length > 0) process.stderr.write(`\n${lines.join('\n')}\n`);
}
