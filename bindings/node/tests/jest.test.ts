/** What the Jest preset does in a project that installed the package. */

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Project, closedPort, sourcesOf, summaryOf } from './project.js';
import { Provider, bytesOf } from './provider.js';

/** Of five questions in three ways, in each of the sixteen files. */
const DISTINCT = 15;
const FILES = 16;

let provider: Provider;
let project: Project;
beforeAll(async () => {
  provider = await Provider.start();
  project = await Project.install('jest-project');
  project.multiply('suite/same.test.js', FILES);
}, 120_000);
afterAll(async () => {
  project.remove();
  await provider.stop();
}, 120_000);

const online = () => ({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: 'a-key' });
const offline = async () => ({ OPENAI_BASE_URL: `http://127.0.0.1:${await closedPort()}/v1` });

describe('Jest', { timeout: 120_000 }, () => {
  test.each(['npx jest', 'npx jest --runInBand', 'npx jest --workerThreads'])(
    'records and replays offline: %s',
    async (jest) => {
      const path = project.path(`${jest.length}.redb`);
      await provider.reset();

      const cold = await project.run(`${jest} suite`, { F3DX_CACHE_PATH: path, ...online() });
      expect(cold).toMatchObject({ status: 0 });
      expect(await provider.calls()).toBe(DISTINCT);
      const hits = FILES * DISTINCT - DISTINCT;
      const [line, ...others] = summaryOf(cold);
      expect(line).toMatch(
        `f3dx-cache: ${hits} hits, ${DISTINCT} misses, ${DISTINCT} recorded, 0 refused;`,
      );
      expect(others).toEqual([]);

      const file = bytesOf(path);
      const warm = await project.run(`${jest} suite`, {
        F3DX_CACHE_PATH: path,
        ...(await offline()),
        CI: 'true',
      });
      expect(warm).toMatchObject({ status: 0 });
      expect(summaryOf(warm)).toEqual([
        expect.stringMatching(`^f3dx-cache: ${FILES * DISTINCT} hits, 0 misses,`),
      ]);
      expect(bytesOf(path)).toEqual(file);
    },
  );

  test.each(['npx jest', 'npx jest --runInBand', 'npx jest --workerThreads'])(
    'replays traces: %s',
    async (jest) => {
      const path = project.path(`traces-${jest.length}.redb`);
      const where = { F3DX_CACHE_PATH: path };
      const cold = await project.run(`${jest} replaying`, { ...where, ...online() });
      expect(cold).toMatchObject({ status: 0 });
      expect(summaryOf(cold)[0]).toMatch('0 hits, 2 misses, 2 recorded, 0 refused');
      const offlineNow = { ...(await offline()), CI: 'true' };
      const warm = await project.run(`${jest} replaying`, { ...where, ...offlineNow });
      expect(warm).toMatchObject({ status: 0 });
      expect(summaryOf(warm)[0]).toMatch('2 hits, 0 misses');
    },
  );

  test('tells who made a call', async () => {
    const recorded = await project.run('npx jest more', online());
    expect(recorded).toMatchObject({ status: 0 });
    const file = 'more/around.test.js';
    expect(sourcesOf(project.path('llm.redb'))).toEqual({
      'at import': file,
      'before all': file,
      'before each': `${file} > calls outside of tests are answered`,
      'from one': `${file} > at once > one`,
      'from one, again': `${file} > at once > one`,
      'from two': `${file} > at once > two`,
      'from two, again': `${file} > at once > two`,
      'from three': `${file} > at once > three`,
      'from three, again': `${file} > at once > three`,
      'with fake timers': `${file} > fake timers stop nothing`,
      'with fake timers, through an SDK': `${file} > fake timers stop nothing`,
      'before done': `${file} > a callback ends a test`,
      'after a reset': `${file} > modules may be reset`,
    });
    expect(sourcesOf(project.path('other.redb'))).toEqual({
      'into another file': `${file} > a test has options of its own`,
      'into another file, too': `${file} > of all tests of a suite > options may be changed`,
    });
    const replayed = await project.run('npx jest more', { ...(await offline()), CI: 'true' });
    expect(replayed).toMatchObject({ status: 0 });
  });

  test('a base URL that a test sets is seen, though its variables are a copy', async () => {
    const path = project.path('variables.redb');
    expect(
      await project.run('npx jest alone', { F3DX_CACHE_PATH: path, ...online() }),
    ).toMatchObject({ status: 0 });
    expect(Object.keys(sourcesOf(path))).toEqual(['of localhost']);
  });

  test('a miss fails the test once, hidden or not, and the command in it records it', async () => {
    const where = { F3DX_CACHE_PATH: project.path('hidden.redb'), CI: 'true' };
    const failed = await project.run('npx jest swallowed --json', {
      ...where,
      ...(await offline()),
    });
    expect(failed.status).toBe(1);
    // What others read stays what they can read.
    const { testResults } = JSON.parse(failed.stdout) as {
      testResults: { assertionResults: { failureMessages: string[] }[] }[];
    };
    const [hidden, thrown, fine] = testResults[0]!.assertionResults.map(
      ({ failureMessages }) => failureMessages,
    );
    expect(hidden).toEqual([
      expect.stringContaining('a call failed and the code under test hid it: f3dx-cache: not rec'),
    ]);
    expect(thrown).toEqual([
      expect.stringContaining('400 f3dx-cache: not recorded: there is no cache file yet'),
    ]);
    expect(fine).toEqual([]);

    const told = await project.run('npx jest swallowed', { ...where, ...(await offline()) });
    const commands = [...told.output.matchAll(/record it +(.*)/g)].map(([, command]) => command!);
    expect(commands).toContain(
      `F3DX_CACHE_MODE=record npx jest failing/swallowed.test.js -t 'code under test hides \\(all\\) that doesn'\\''t work'`,
    );
    for (const command of new Set(commands)) {
      expect(await project.run(command, { ...where, ...online() })).toMatchObject({ status: 0 });
    }
    const again = await project.run('npx jest swallowed', { ...where, ...(await offline()) });
    expect(again).toMatchObject({ status: 0 });
  });

  test('a file that cannot be imported leaves nothing behind in its worker', async () => {
    const where = { F3DX_CACHE_PATH: project.path('broken.redb'), ...online() };
    const { status, output } = await project.run('npx jest --runInBand broken suite/same-1', where);
    expect(status).toBe(1);
    expect(output).toContain('Test Suites: 1 failed, 7 passed');
    expect(output).not.toContain('Warning');
  });

  test('refresh asks each question once a run', async () => {
    const where = { F3DX_CACHE_PATH: project.path('refreshed.redb'), ...online() };
    await provider.reset();
    await project.run('npx jest suite/same.test.js', where);
    expect(await provider.calls()).toBe(DISTINCT);
    await project.run('npx jest suite', { ...where, F3DX_CACHE_MODE: 'refresh' });
    expect(await provider.calls()).toBe(2 * DISTINCT);
  });

  test('the files of the preset may be named one by one', async () => {
    const config = {
      setupFilesAfterEnv: ['f3dx-cache/jest'],
      globalSetup: 'f3dx-cache/jest/global-setup',
      globalTeardown: 'f3dx-cache/jest/global-teardown',
    };
    writeFileSync(project.path('named.json'), JSON.stringify(config));
    const where = { F3DX_CACHE_PATH: project.path('named.redb'), ...online() };
    const recorded = await project.run('npx jest -c named.json suite/same.test.js', where);
    expect(recorded).toMatchObject({ status: 0 });
    expect(summaryOf(recorded)).toEqual([expect.stringContaining(`${DISTINCT} recorded`)]);
  });

  test('nothing is told where nothing was asked', async () => {
    const { status, output } = await project.run(`npx jest swallowed -t 'all right'`, {
      CI: 'true',
    });
    expect(status).toBe(0);
    expect(output).not.toContain('f3dx-cache:');
  });

  test('a mode that there is not ends the run at once', async () => {
    const { status, output } = await project.run('npx jest suite', { F3DX_CACHE_MODE: 'reply' });
    expect(status).toBe(1);
    expect(output).toContain('unknown mode "reply"');
    expect(output).not.toContain('same.test.js');
  });
});
