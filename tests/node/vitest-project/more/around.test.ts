/** Where else than in a test a call may be made, and what else may be in its place. */

import { override } from 'f3dx-cache';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ask, askSdk } from '../ask.js';

const atImport = await ask('at import');
let beforeAllTests: string;

beforeAll(async () => {
  beforeAllTests = await askSdk('before all');
});
beforeEach(async () => {
  await ask('before each');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('calls outside of tests are answered', () => {
  expect(atImport).not.toBe('');
  expect(beforeAllTests).not.toBe('');
});

describe('at once', () => {
  // Each waits for the others, so that all are under way.
  let waiting = 0;
  let go: () => void;
  const all = new Promise<void>((resolve) => (go = resolve));
  test.concurrent.each(['one', 'two', 'three'])('%s', async (name) => {
    if (++waiting === 3) go();
    await all;
    await ask(`from ${name}`);
    await Promise.resolve();
    await askSdk(`from ${name}, again`);
  });
});

test('fake timers stop nothing', async () => {
  vi.useFakeTimers();
  await ask('with fake timers');
  await askSdk('with fake timers, through an SDK');
});

test('a mock of the test wins', async () => {
  vi.stubGlobal('fetch', () =>
    Promise.resolve(Response.json({ choices: [{ message: { content: 'mocked' } }] })),
  );
  expect(await ask('never sent')).toBe('mocked');
});

test('a test has options of its own', async () => {
  override({ path: 'other.redb' });
  await ask('into another file');
});

describe('of all tests of a suite', () => {
  beforeEach(() => override({ path: 'other.redb' }));

  test('options may be changed', async () => {
    await ask('into another file, too');
  });
});
