/** The conformance vectors that every language runs. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { Cache, CacheError, canonicalize, fingerprint } from '../dist/index.mjs';
import { inFolder } from './provider.js';

const FIXTURES = resolve(import.meta.dirname, '../../../tests/fixtures');

interface Vector {
  id: string;
  input_hex: string;
  expect: 'ok' | 'error';
  canonical_hex: string;
  blake3: string;
  error: string;
}

const vectors = readFileSync(`${FIXTURES}/fingerprints.jsonl`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);
const accepted = vectors.filter((vector) => vector.expect === 'ok');
const refused = vectors.filter((vector) => vector.expect === 'error');

const bytesOf = (vector: Vector) => Buffer.from(vector.input_hex, 'hex');

/** Texts have no spelling for bytes that are no UTF-8. */
function textOf(vector: Vector): string | undefined {
  const bytes = bytesOf(vector);
  return Buffer.from(bytes.toString()).equals(bytes) ? bytes.toString() : undefined;
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

test('the vectors are there', () => {
  expect(accepted.length).toBeGreaterThan(90);
  expect(refused.length).toBeGreaterThan(60);
  expect(vectors.filter(textOf).length).toBeGreaterThan(140);
});

test.each(accepted)('a text has its canonical form and fingerprint: $id', (vector) => {
  const around = new Uint8Array(
    Buffer.concat([Buffer.from('[['), bytesOf(vector), Buffer.from(']]')]),
  );
  for (const text of [bytesOf(vector), textOf(vector)!, around.subarray(2, -2)]) {
    expect(canonicalize(text).toString('hex')).toBe(vector.canonical_hex);
    expect(fingerprint(text)).toBe(vector.blake3);
  }
});

test.each(refused)('a text that breaks a rule is refused by name: $id', (vector) => {
  const bytes = bytesOf(vector);
  for (const refuse of [canonicalize, fingerprint]) {
    const error = thrownBy(() => refuse(bytes));
    expect(error).toBeInstanceOf(CacheError);
    expect(error).toMatchObject({ kind: 'invalid_json', rule: vector.error });
    const { at, message } = error as CacheError;
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThanOrEqual(bytes.length);
    const text = textOf(vector);
    if (text !== undefined) {
      expect(thrownBy(() => refuse(text))).toMatchObject({
        kind: 'invalid_json',
        rule: vector.error,
        at,
        message,
      });
    }
  }
});

test('an error of a text says at which byte', () => {
  const faults: [string | Uint8Array, string, number][] = [
    ['', 'empty_input', 0],
    ['\ufeff{}', 'bom', 0],
    ['{"a": 1,}', 'syntax', 8],
    ['{"é": NaN}', 'syntax', 7],
    ['{"a":1,"a":2}', 'duplicate_key', 7],
    ['{} {}', 'trailing_data', 3],
    ['["\\ud800"]', 'lone_surrogate', 2],
    ['[1e999]', 'number_out_of_range', 1],
    [Buffer.from([0x22, 0xff, 0x22]), 'invalid_utf8', 1],
    ['['.repeat(128) + ']'.repeat(128), 'too_deep', 127],
  ];
  for (const [text, rule, at] of faults) {
    expect(
      thrownBy(() => fingerprint(text)),
      rule,
    ).toMatchObject({ rule, at });
  }
});

test('the value of a text has the same canonical form, but for numbers that JavaScript has not', () => {
  const changed = [];
  for (const vector of accepted) {
    const value = JSON.parse(textOf(vector)!) as unknown;
    const found = canonicalize(
      typeof value === 'object' && value !== null ? value : JSON.stringify(value),
    );
    if (found.toString('hex') !== vector.canonical_hex) changed.push(vector.id);
  }
  // Integers that `JSON.parse` rounds: as text, they keep their digits.
  expect(changed).toEqual([
    'number/-9007199254740993',
    'number/9007199254740995',
    'number/9223372036854775807',
    'number/18446744073709551615',
    'number/123456789012345678901',
    'number/295147905179352825856 (2^68)',
    'request/seed 2^62+1',
    'request/seed 2^62',
  ]);
});

test('a cache without policy addresses by the pure fingerprint', () =>
  inFolder(async (path) => {
    using cache = Cache.open(path, { mode: 'record' });
    for (const vector of accepted) {
      expect(cache.fingerprint(bytesOf(vector)), vector.id).toBe(vector.blake3);
      expect(cache.fingerprint(textOf(vector)!), vector.id).toBe(vector.blake3);
    }
    for (const vector of refused) {
      const error = thrownBy(() => cache.fingerprint(bytesOf(vector)));
      expect(error, vector.id).toMatchObject({ kind: 'invalid_json', rule: vector.error });
    }
  }));
