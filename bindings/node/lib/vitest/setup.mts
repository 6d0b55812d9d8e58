/** The setup file of the Vitest plugin: runs in a worker before each test file is imported. */

import { relative } from 'node:path';
import * as vitest from 'vitest';
import type { TestOptions } from '../options.js';
import type { RunVariables } from '../run.js';
import { TestFile, escaped, quoted } from '../runner/test-file.js';
import type { Session } from '../runner/session.js';

declare module 'vitest' {
  interface ProvidedContext {
    f3dxCache: TestOptions;
    f3dxCacheRun: RunVariables;
  }
}

type Test = vitest.TestContext['task'];

const { afterAll, afterEach, beforeEach, inject } = vitest;
// Absent in older ones.
const { aroundEach, TestRunner } = vitest as Partial<typeof vitest>;
/** What Vitest 3 and 4.0 have in their place; Vite would look for it in 5, which does not. */
const SUITE = 'vitest/suite';
const older =
  aroundEach && TestRunner
    ? undefined
    : ((await import(/* @vite-ignore */ SUITE)) as typeof import('vitest/suite'));

/** Draining a response may take longer than a hook may, by default. */
const TIMEOUT = 60_000;

Object.assign(process.env, inject('f3dxCacheRun'));

const file = currentFile();
const root = file.filepath.slice(0, -file.name.length) || process.cwd();
const testFile = TestFile.begin({
  name: file.name,
  root,
  options: inject('f3dxCache'),
  from: 'f3dxCache() in the configuration of Vitest',
  command,
});

afterAll(async () => {
  raise(await testFile.close());
}, TIMEOUT);

if (aroundEach) {
  aroundEach(async (runTest, { task }) => {
    const { session, end } = begin(task);
    await bodyOf(task, session, runTest)();
    await end();
  }, TIMEOUT);
} else {
  wrapTests(older!);
}

/** Does the same with hooks and in the place of the test's function, which they do not reach. */
function wrapTests({ getFn, setFn }: NonNullable<typeof older>): void {
  const ends = new WeakMap<Test, () => Promise<void>>();
  beforeEach(({ task }) => {
    const { session, end } = begin(task);
    const body = getFn(task);
    setFn(task, bodyOf(task, session, body));
    ends.set(task, async () => {
      setFn(task, body);
      await end();
    });
  });
  afterEach(async ({ task }) => {
    await ends.get(task)?.();
  }, TIMEOUT);
}

/**
 * Only a test that runs beside others is bound to its session: on Node 20, an asynchronous
 * context costs every promise of the process something.
 */
function bodyOf<T>(task: Test, session: Session, body: () => T): () => T {
  return task.concurrent ? () => session.run(body) : body;
}

/** Begins one try of a test. */
function begin(task: Test): { session: Session; end: () => Promise<void> } {
  const names = namesOf(task);
  const session = testFile.begin(names, names.join(' '));
  // Those of an earlier try stay.
  const before = task.result?.errors?.length ?? 0;
  const end = async () => {
    raise(await testFile.end(session, task.result?.errors?.slice(before)));
  };
  return { session, end };
}

function currentFile(): vitest.RunnerTestFile {
  const { file } = (older ?? TestRunner!).getCurrentSuite() as unknown as {
    file?: vitest.RunnerTestFile;
  };
  // Vitest 3 has no other way to tell before the file is imported.
  const { __vitest_worker__: worker } = globalThis as unknown as { __vitest_worker__?: Worker };
  const found = file ?? worker?.current?.file;
  if (found === undefined)
    throw new Error('f3dx-cache/vitest: this version of Vitest tells no test file');
  return found;
}

interface Worker {
  current?: { file: vitest.RunnerTestFile };
}

function namesOf(task: Test): string[] {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return names;
}

/** Returns what records a test, typed in the folder that Vitest was started in. */
function command(test?: string): string {
  const folder = relative(process.cwd(), root);
  const where = folder === '' ? '' : ` --root ${quoted(folder)}`;
  const which = test === undefined ? '' : ` -t ${quoted(escaped(test))}`;
  return `F3DX_CACHE_MODE=record npx vitest run${where} ${quoted(file.name)}${which}`;
}

function raise(error: Error | undefined): void {
  if (error !== undefined) throw error;
}
