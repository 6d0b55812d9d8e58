/** `globalSetup: 'f3dx-cache/jest/global-setup'`: begins a run of Jest. */

import { guarded } from '../errors.js';
import { native } from '../native.js';
import { optionsText, type TestOptions } from '../options.js';
import { beginRun } from '../run.js';

/** Begins a run; for a `globalSetup` of one's own to call. */
export default function globalSetup(_config?: object, project?: object): void {
  const { globals } = (project ?? {}) as { globals?: { f3dxCache?: TestOptions } };
  // Ends the run, rather than each of its tests, for a mode or file that is wrong.
  guarded(() => native.settingsForTests(optionsText(globals?.f3dxCache ?? {})));
  beginRun();
}
