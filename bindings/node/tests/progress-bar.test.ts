/** The line that says how far a replay is. */

import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import type * as Bar from '../lib/progress-bar.js';

// It is internal: no entry of the package exports it.
const { ProgressBar } = createRequire(import.meta.url)('../dist/progress-bar.js') as typeof Bar;

test('a line says how far it is and what needs a look, and is taken away', () => {
  let written = '';
  const stream = { write: (text: string) => ((written += text), true) };
  const bar = new ProgressBar(stream);
  bar.show({ done: 3, bad: 1, total: 12, verdict: 'different' });
  expect(written).toBe(
    '\r\x1b[Kreplay: [######..................] 3/12 rows, 1 to look at, 1 unreadable',
  );
  // Too soon after the first to be shown.
  bar.show({ done: 4, bad: 1, total: 12, verdict: 'same' });
  written = '';
  bar.end();
  expect(written).toBe('\r\x1b[K');
});

test('without a total there is a count, and what showed nothing takes nothing away', () => {
  let written = '';
  const stream = { write: (text: string) => ((written += text), true) };
  new ProgressBar(stream).end();
  expect(written).toBe('');
  new ProgressBar(stream).show({ done: 7, bad: 0, total: null, verdict: null });
  expect(written).toBe('\r\x1b[Kreplay: 7 rows');
});
