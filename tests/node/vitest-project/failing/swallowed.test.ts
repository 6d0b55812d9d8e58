/** Code that hides that a call failed. */

import { describe, expect, test } from 'vitest';
import { ask, askSdk } from '../ask.js';

describe('code under test', () => {
  test("hides (all) that doesn't work", async () => {
    const answer = await ask('never recorded: hidden').catch(() => 'a default');
    expect(answer).not.toBe('');
  });

  test('throws what the SDK throws', async () => {
    await askSdk('never recorded: thrown');
  });

  test('is all right', () => {});
});
