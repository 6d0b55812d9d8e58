/** Asks the cache what to do with a call. */

import { guarded } from '../errors.js';
import { hasCopy, variables, type NativeExchange, type Replay } from '../native.js';
import { written } from '../request.js';
import type { Active } from './active.js';

/** A call as it is about to be sent. */
export interface Call {
  method: string;
  url: string;
  /** Names and values, a line each. */
  headers: string;
}

/** `null`: it passes. A string: it is refused, and why. */
export type Decision = Replay | NativeExchange | string | null;

/** Returns what to do with a call; a failure to read the file passes on to the caller. */
export function decide(active: Active, call: Call, body: string | Uint8Array): Decision {
  const cache = active.cache.native;
  const { bytes, length } =
    typeof body === 'string' ? written(body) : { bytes: body, length: body.byteLength };
  const ask = () => cache.intercept(call.method, call.url, call.headers, bytes, length);
  const decision = guarded(ask);
  if (decision !== null || !hasCopy || !refreshed(active)) return decision;
  return guarded(ask);
}

/** Returns whether the cache may mind a call, whatever its body. */
export function concerns(active: Active, call: Call): boolean {
  const cache = active.cache.native;
  const ask = () => cache.concerns(call.method, call.url, call.headers);
  return guarded(ask) || (hasCopy && refreshed(active) && guarded(ask));
}

const BASE_URL = /URL|ENDPOINT|HOST|BASE/;
let told = '';

/** Tells core of base URLs that were set since in a copy of the variables. */
function refreshed(active: Active): boolean {
  let now = '';
  for (const name of Object.keys(process.env)) {
    if (BASE_URL.test(name)) now += `${name}=${process.env[name]}\n`;
  }
  if (now === told) return false;
  told = now;
  active.cache.native.setVariables(variables() ?? []);
  return true;
}
