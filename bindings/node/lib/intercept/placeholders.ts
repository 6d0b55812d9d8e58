/** Keys for replay: SDKs refuse to start without one, and replay needs none. */

import { native } from '../native.js';

const PLACEHOLDER = 'replayed-by-f3dx-cache';

let users = 0;
let names: string[] = [];

/** Gives the provider key variables that are unset a placeholder. */
export function setUnset(): void {
  users += 1;
  if (users > 1) return;
  names = native.keyVariables().filter((name) => process.env[name] === undefined);
  // @google/genai reads either, and warns of both.
  const google = ['GOOGLE_API_KEY', 'GEMINI_API_KEY'];
  const spare = google.every((name) => names.includes(name)) ? google.slice(1) : google;
  names = names.filter((name) => !spare.includes(name));
  for (const name of names) process.env[name] = PLACEHOLDER;
}

/** Takes the placeholders away again with the last user, but no key set meanwhile. */
export function remove(): void {
  users -= 1;
  if (users > 0) return;
  for (const name of names) {
    if (process.env[name] === PLACEHOLDER) delete process.env[name];
  }
}
