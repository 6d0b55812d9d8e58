/** The pure functions: no file, no policy. */

import { guarded } from './errors.js';
import { native } from './native.js';
import { textOf, type Request } from './request.js';

/** Returns the canonical form (RFC 8785) of a request, as UTF-8. */
export function canonicalize(request: Request): Buffer {
  const bytes = inUse(request);
  return guarded(() => native.canonicalize(bytes));
}

/** Returns the BLAKE3 of a request's canonical form, 64 hexadecimal digits. */
export function fingerprint(request: Request): string {
  const bytes = inUse(request);
  return guarded(() => native.fingerprint(bytes));
}

function inUse(request: Request): Uint8Array {
  const { bytes, length } = textOf(request);
  return bytes.subarray(0, length);
}
