/** What a call gets that is not recorded, in a mode that sends none. */

import { CacheMissError } from '../errors.js';
import type { Call } from './decide.js';

/**
 * Throws the miss, or returns it as a response.
 *
 * The SDKs made by Stainless (openai, anthropic) retry whatever `fetch` rejects with, and
 * report "Connection error."; their error for a 400 comes at once and shows the message.
 */
export function refused(explanation: string, isStainless: boolean): Response {
  if (!isStainless) throw new CacheMissError(explanation);
  const error = { message: explanation, type: 'f3dx_cache_miss', code: 'f3dx_cache_miss' };
  return Response.json(
    { type: 'error', message: explanation, error },
    { status: 400, headers: { 'x-should-retry': 'false' } },
  );
}

/** Returns whether a call is made by an SDK of Stainless's. */
export function isStainless(call: Call): boolean {
  return call.headers.toLowerCase().includes('x-stainless-lang\n');
}
