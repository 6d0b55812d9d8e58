/** What the Vitest plugin does in a project that installed the package. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Project, closedPort, sourcesOf, summaryOf } from './project.js';
import { Provider, bytesOf } from './provider.js';

/** Of five questions in three ways, in each of the sixteen files. */
const DISTINCT = 15;
const FILES = 16;

let provider: Provider;
beforeAll(async () => {
  provider = await Provider.start();
});
afterAll(() => provider.stop());

const online = () => ({ OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: 'a-key' });
const offline = async () => ({ OPENAI_BASE_URL: `http://127.0.0.1:${await closedPort()}/v1` });

const versions = [
  { version: 4, projects: ['vitest-project'], pools: ['forks', 'threads', 'vmThreads', 'vmForks'] },
  {
    version: 3,
    projects: ['vitest-project', 'vitest-3'],
    pools: ['forks', 'threads', 'vmThreads'],
  },
];

describe.each(versions)('Vitest $version', { timeout: 120_000 }, ({ version, projects, pools }) => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.install(...projects);
    project.multiply('suite/same.test.ts', FILES);
  }, 120_000);
  afterAll(() => project.remove(), 120_000);

  test.each(pools)('records with 8 workers in the pool %s, and replays offline', async (pool) => {
    const path = project.path(`${pool}.redb`);
    const where = { F3DX_CACHE_PATH: path, POOL: pool };
    await provider.reset();

    const cold = await project.run('npx vitest run suite', { ...where, ...online() });
    expect(cold).toMatchObject({ status: 0 });
    expect(cold.output).toContain(`v${version}.`);
    expect(await provider.calls()).toBe(DISTINCT);
    const hits = FILES * DISTINCT - DISTINCT;
    const [line, ...others] = summaryOf(cold);
    expect(line).toMatch(
      `f3dx-cache: ${hits} hits, ${DISTINCT} misses, ${DISTINCT} recorded, 0 refused;`,
    );
    expect(others).toEqual([]);

    const file = bytesOf(path);
    const warm = await project.run('npx vitest run suite', {
      ...where,
      ...(await offline()),
      CI: 'true',
    });
    expect(warm).toMatchObject({ status: 0 });
    expect(summaryOf(warm)).toEqual([
      expect.stringMatching(`^f3dx-cache: ${FILES * DISTINCT} hits, 0 misses,`),
    ]);
    expect(bytesOf(path)).toEqual(file);
  });

  test.each(pools)('replays traces in the pool %s', async (pool) => {
    const where = { F3DX_CACHE_PATH: project.path(`${pool}-traces.redb`), POOL: pool };
    const cold = await project.run('npx vitest run replaying', { ...where, ...online() });
    expect(cold).toMatchObject({ status: 0 });
    expect(summaryOf(cold)[0]).toMatch('0 hits, 2 misses, 2 recorded, 0 refused');
    const offlineNow = { ...(await offline()), CI: 'true' };
    const warm = await project.run('npx vitest run replaying', { ...where, ...offlineNow });
    expect(warm).toMatchObject({ status: 0 });
    expect(warm.output).not.toMatch(/Unhandled|Error:/);
    expect(summaryOf(warm)[0]).toMatch('2 hits, 0 misses');
  });

  test.each(['forks', 'vmThreads'])('tells who made a call, in the pool %s', async (pool) => {
    const where = { F3DX_CACHE_PATH: '', POOL: pool };
    const recorded = await project.run('rm -f llm.redb other.redb; npx vitest run more', {
      ...where,
      ...online(),
    });
    expect(recorded).toMatchObject({ status: 0 });
    const file = 'more/around.test.ts';
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
    });
    expect(sourcesOf(project.path('other.redb'))).toEqual({
      'into another file': `${file} > a test has options of its own`,
      'into another file, too': `${file} > of all tests of a suite > options may be changed`,
    });
    const replayed = await project.run('npx vitest run more', {
      ...where,
      ...(await offline()),
      CI: 'true',
    });
    expect(replayed).toMatchObject({ status: 0 });
  });

  test('a miss fails the test once, hidden or not, and the command in it records it', async () => {
    const where = { F3DX_CACHE_PATH: project.path('hidden.redb'), CI: 'true' };
    const failed = await project.run('npx vitest run failing --reporter=json', {
      ...where,
      ...(await offline()),
    });
    expect(failed.status).toBe(1);
    // What others read stays what they can read.
    const { testResults } = JSON.parse(failed.stdout) as {
      testResults: { assertionResults: { title: string; failureMessages: string[] }[] }[];
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

    const told = await project.run('npx vitest run failing', { ...where, ...(await offline()) });
    const commands = [...told.output.matchAll(/record it +(.*)/g)].map(([, command]) => command!);
    expect(commands).toContain(
      `F3DX_CACHE_MODE=record npx vitest run failing/swallowed.test.ts -t 'code under test hides \\(all\\) that doesn'\\''t work'`,
    );
    for (const command of new Set(commands)) {
      expect(await project.run(command, { ...where, ...online() })).toMatchObject({ status: 0 });
    }
    const again = await project.run('npx vitest run failing', { ...where, ...(await offline()) });
    expect(again).toMatchObject({ status: 0 });
  });

  if (version !== 4) return;

  test('refresh asks each question once a run', async () => {
    const where = { F3DX_CACHE_PATH: project.path('refreshed.redb'), ...online() };
    await provider.reset();
    await project.run('npx vitest run suite/same.test.ts', where);
    expect(await provider.calls()).toBe(DISTINCT);
    await project.run('npx vitest run suite', { ...where, F3DX_CACHE_MODE: 'refresh' });
    expect(await provider.calls()).toBe(2 * DISTINCT);
  });

  test('nothing is told where nothing was asked', async () => {
    const { status, output } = await project.run(`npx vitest run failing -t 'all right'`, {
      CI: 'true',
    });
    expect(status).toBe(0);
    expect(output).not.toContain('f3dx-cache:');
  });

  test('a mode that there is not ends the run at once', async () => {
    const { status, output } = await project.run('npx vitest run suite', {
      F3DX_CACHE_MODE: 'reply',
    });
    expect(status).toBe(1);
    expect(output).toContain('unknown mode "reply"');
    expect(output).not.toContain('same.test.ts');
  });

  test.each(['--module nodenext', '--module esnext --moduleResolution bundler'])(
    'has types, %s',
    async (options) => {
      const modules = join(import.meta.dirname, '../node_modules');
      const types = `--skipLibCheck --target es2022 --types node --typeRoots ${modules}/@types`;
      const checked = await project.run(
        `${modules}/.bin/tsc --noEmit --strict ${types} ${options} vitest.config.ts`,
      );
      expect(checked).toEqual({ status: 0, output: '', stdout: '' });
    },
  );
});
