/**
 * The setup file for Jest: `setupFilesAfterEnv: ['f3dx-cache/jest']`.
 *
 * Hooks do not reach concurrent tests, and are told nothing of a test's errors. So it
 * listens to the events of jest-circus, as test environments do.
 */

import { relative } from 'node:path';
import type { TestOptions } from './options.js';
import { TestFile, escaped, quoted } from './runner/test-file.js';
import type { Session } from './runner/session.js';

/** What is used of a test of jest-circus. */
interface CircusTest {
  concurrent: boolean;
  name: string;
  parent?: Block;
  fn: TestFunction | null | undefined;
  errors: unknown[];
}

interface Block {
  name: string;
  parent?: Block;
}

type TestFunction = (this: unknown, ...args: unknown[]) => unknown;

interface Event {
  name: string;
  test?: CircusTest;
}

interface State {
  unhandledErrors: unknown[];
}

type Handler = (event: Event, state: State) => Promise<void> | void;

interface Realm {
  /** `globals: { f3dxCache: { … } }` in the configuration of Jest. */
  f3dxCache?: TestOptions;
  expect?: { getState(): { testPath?: string } };
  [EVENT_HANDLERS]?: Handler[];
  [LISTENS]?: boolean;
}

const EVENT_HANDLERS: unique symbol = Symbol.for('EVENT_HANDLERS') as never;
const LISTENS: unique symbol = Symbol.for('f3dx-cache.jest') as never;
/** The state of lib/intercept/active.ts. */
const ACTIVE: unique symbol = Symbol.for('f3dx-cache.active') as never;
/** Jest's mark on what it keeps: with no names, all of an object. */
const PROTECTED = Symbol.for('$$jest-protect-from-deletion');

const realm = globalThis as Realm;

// A test may reset its modules and load this again.
if (!realm[LISTENS]) {
  const handlers = realm[EVENT_HANDLERS];
  if (handlers === undefined) {
    throw new Error(
      'f3dx-cache/jest needs Jest 30 or later with jest-circus, and belongs in setupFilesAfterEnv',
    );
  }
  realm[LISTENS] = true;
  // First, so that what is reported of a test is known to all who report it.
  handlers.unshift(listener());
}

/** Begins the test file, and returns what ends it and begins and ends its tests. */
function listener(): Handler {
  const file = relative(process.cwd(), realm.expect?.getState().testPath ?? '');
  const testFile = TestFile.begin({
    name: file,
    root: process.cwd(),
    options: realm.f3dxCache ?? {},
    from: 'globals.f3dxCache in the configuration of Jest',
    command: (test) => command(file, test),
  });
  // A file that cannot be imported is ended by the next one, when Jest has emptied its realm.
  const state = (globalThis as { [ACTIVE]?: object })[ACTIVE];
  if (state !== undefined) Object.defineProperty(state, PROTECTED, { value: [] });
  const running = new Map<CircusTest, { session: Session; restore: () => void }>();

  const begin = (test: CircusTest) => {
    const names = namesOf(test);
    const session = testFile.begin(names, names.join(' '));
    const { fn } = test;
    // Only a test that runs beside others: an asynchronous context has its price on Node 20.
    if (fn && test.concurrent) test.fn = within(session, fn);
    running.set(test, { session, restore: () => (test.fn = fn) });
  };
  const end = async (test: CircusTest) => {
    const found = running.get(test);
    if (found === undefined) return;
    running.delete(test);
    found.restore();
    const hidden = await testFile.end(found.session, test.errors);
    if (hidden !== undefined) test.errors.push(hidden);
  };

  return async ({ name, test }, state) => {
    if (name === 'test_started') begin(test!);
    else if (name === 'test_done') await end(test!);
    else if (name === 'run_finish') {
      const hidden = await testFile.close();
      if (hidden !== undefined) state.unhandledErrors.push(hidden);
    }
  };
}

/** Has a test answered by its session; its length tells Jest whether it takes `done`. */
function within(session: Session, fn: TestFunction): TestFunction {
  // Jest runs a generator function by itself, and tells it by its kind.
  if (fn.constructor.name === 'GeneratorFunction') return fn;
  const wrapped: TestFunction = function (...args) {
    return session.run(() => fn.apply(this, args));
  };
  return Object.defineProperty(wrapped, 'length', { value: fn.length });
}

function namesOf(test: CircusTest): string[] {
  const names = [test.name];
  // The outermost block is Jest's own.
  for (let block = test.parent; block?.parent !== undefined; block = block.parent)
    names.unshift(block.name);
  return names;
}

/** Returns what records a test, typed in the folder that Jest was started in. */
function command(file: string, test?: string): string {
  // It takes patterns of paths.
  const where =
    escaped(file) === file.replaceAll('.', '\\.')
      ? quoted(file)
      : `--runTestsByPath ${quoted(file)}`;
  const which = test === undefined ? '' : ` -t ${quoted(escaped(test))}`;
  return `F3DX_CACHE_MODE=record npx jest ${where}${which}`;
}
