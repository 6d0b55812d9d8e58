/** Where else than in a test a call may be made, and what else may be in its place. */

const { override } = require('f3dx-cache');
const { ask, askSdk } = require('../ask');

const atImport = ask('at import');
let beforeAllTests;

beforeAll(async () => {
  beforeAllTests = await askSdk('before all');
});
beforeEach(async () => {
  await ask('before each');
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test('calls outside of tests are answered', async () => {
  expect(await atImport).not.toBe('');
  expect(beforeAllTests).not.toBe('');
});

describe('at once', () => {
  // Each waits for the others, so that all are under way.
  let waiting = 0;
  let go;
  const all = new Promise((resolve) => (go = resolve));
  test.concurrent.each(['one', 'two', 'three'])('%s', async (name) => {
    if (++waiting === 3) go();
    await all;
    await ask(`from ${name}`);
    await Promise.resolve();
    await askSdk(`from ${name}, again`);
  });
});

test('fake timers stop nothing', async () => {
  jest.useFakeTimers();
  await ask('with fake timers');
  await askSdk('with fake timers, through an SDK');
});

test('a mock of the test wins', async () => {
  const mocked = { choices: [{ message: { content: 'mocked' } }] };
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(mocked));
  expect(await ask('never sent')).toBe('mocked');
});

test('a callback ends a test', (done) => {
  ask('before done').then(() => done(), done);
});

test('modules may be reset', async () => {
  jest.resetModules();
  await require('../ask').askSdk('after a reset');
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
