/** A cache file as a whole: check it, save what is intact. */

import { guardedAsync } from './errors.js';
import { native } from './native.js';

/** Something that is wrong with a file. */
export interface Flaw {
  /** The entry that it makes unreadable, if it is one's. */
  fingerprint: string | null;
  /** What is wrong, and where. */
  what: string;
}

/** What checking a file came to: intact if there are no flaws. */
export interface Verification {
  entries: number;
  intact: number;
  flaws: Flaw[];
}

/** What recovering a file came to. */
export interface Recovery {
  recovered: number;
  /** The fingerprints of what was lost. */
  lost: string[];
  flaws: Flaw[];
}

/**
 * Checks a whole file: every page and row against its checksum, every request against the
 * address that it stands at. Other processes may use the file meanwhile.
 */
export async function verify(path: string): Promise<Verification> {
  return JSON.parse(await guardedAsync(() => native.verify(path))) as Verification;
}

/** Copies every intact entry of a file into a new one; the old one is left as it is. */
export async function recover(path: string, target: string): Promise<Recovery> {
  return JSON.parse(await guardedAsync(() => native.recover(path, target))) as Recovery;
}
