/** All that is patched while a cache is active. */

import * as fetch from './fetch.js';
import * as guard from './guard.js';
import * as http from './http.js';
import * as undici from './undici.js';

const patches = [guard, undici, http, fetch];

/** Puts the patches on. */
export function install(): void {
  for (const patch of patches) patch.install();
}

/** Takes them off, but leaves what somebody else has patched over. */
export function uninstall(): void {
  for (const patch of patches) patch.uninstall();
}
