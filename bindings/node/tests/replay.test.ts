/** Replays: rows against a function, its errors, its end, and what the report says. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import {
  Cache,
  CacheError,
  readTraces,
  replay,
  Report,
  type Progress,
  type ReplayOptions,
  type Row,
} from '../dist/index.mjs';
import { inFolder } from './provider.js';

const DIST = resolve(import.meta.dirname, '../dist/index.js');

/** Calls `work` with a trace of so many rows, `Q1` answered with `A1`. */
function recorded(count: number, work: (path: string, folder: string) => Promise<void>) {
  return inFolder(async (_, folder) => {
    const path = join(folder, 'runs.jsonl');
    const row = (at: number) => ({ prompt: `Q${at}`, model: 'gpt-4o', output: `A${at}` });
    const lines = Array.from({ length: count }, (_, at) => JSON.stringify(row(at + 1)));
    writeFileSync(path, `${lines.join('\n')}\n`);
    await work(path, folder);
  });
}

const same = (row: Row) => row.output!;
const pause = () => new Promise((resolve) => setImmediate(resolve));

test('each row is replayed and compared, in the order of the file', () =>
  recorded(20, async (path) => {
    const report = await replay(path, async (row) => {
      // The first take longest.
      for (let turns = 20 - row.source.line; turns > 0; turns--) await pause();
      return row.source.line === 7 ? 'B' : same(row);
    });
    expect(report).toBeInstanceOf(Report);
    expect(report.ok).toBe(false);
    expect(report.totals).toMatchObject({ rows: 20, same: 19, inconclusive: 1, bad: 0 });
    expect(report.models['gpt-4o']).toEqual({ ...report.totals });
    expect(report.rows.map((row) => row.source.line)).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    expect(report.rows[6]).toMatchObject({ prompt: 'Q7', before: 'A7', after: 'B' });
  }));

test('the function may answer at once', () =>
  recorded(3, async (path) => {
    expect((await replay(path, same)).ok).toBe(true);
  }));

test('as many rows are under way as asked for', () =>
  recorded(12, async (path) => {
    let now = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    await replay(
      path,
      async (row) => {
        most = Math.max(most, (now += 1));
        // All wait until three are there.
        if (waiting.length + 1 < 3) await new Promise<void>((go) => waiting.push(go));
        else for (const go of waiting.splice(0)) go();
        now -= 1;
        return same(row);
      },
      { concurrency: 3 },
    );
    expect(most).toBe(3);
  }));

test.each<[string, (row: Row) => unknown, string]>([
  ['throws', () => (null as never)['x'], 'TypeError: Cannot read properties of null'],
  ['rejects', () => Promise.reject(new RangeError('too far')), 'RangeError: too far'],
  [
    'throws an error of a class of its own',
    () => {
      throw new (class Quota extends Error {})('none left');
    },
    'Quota: none left',
  ],
  ['throws a text', () => Promise.reject('just so'), 'just so'],
  ['throws nothing', () => Promise.reject(undefined), 'undefined'],
  ['throws what cannot be told', () => Promise.reject(Object.create(null)), 'a value'],
  [
    'returns an object',
    () => ({ output: 'A' }),
    'TypeError: what replayAgainst returned is an Object, not a string',
  ],
  [
    'returns nothing',
    () => undefined,
    'TypeError: what replayAgainst returned is undefined, not a string',
  ],
  [
    'returns half a surrogate pair',
    () => '\ud83d',
    'TypeError: what replayAgainst returned holds half a surrogate pair',
  ],
])("what the function does wrong is that row's error: it %s", (_, wrong, note) =>
  recorded(3, async (path) => {
    const against = (row: Row) => (row.source.line === 2 ? wrong(row) : same(row)) as string;
    const report = await replay(path, against);
    expect(report.totals).toMatchObject({ rows: 3, same: 2, error: 1 });
    expect(report.rows[1]).toMatchObject({ verdict: 'error', after: null, mode: null });
    expect(report.rows[1]!.note).toContain(note);
  }),
);

test("the function runs in the caller's asynchronous context", () =>
  recorded(8, async (path) => {
    const context = new AsyncLocalStorage<string>();
    const run = (name: string) =>
      context.run(name, () => {
        const seen = new Set<unknown>();
        const see = () => void seen.add(context.getStore());
        const against = (row: Row) => (see(), same(row));
        return replay(path, against, { progress: see }).then(() => [...seen]);
      });
    expect(await Promise.all([run('one'), run('other')])).toEqual([['one'], ['other']]);
  }));

test('progress is told of each row', () =>
  recorded(5, async (path) => {
    const news: Progress[] = [];
    await replay(path, same, { limit: 3, progress: (progress) => news.push(progress) });
    const rows = news.filter((one) => one.verdict !== null);
    expect(rows.map((one) => one.done)).toEqual([1, 2, 3]);
    expect(rows[0]).toEqual({ done: 1, bad: 0, total: null, verdict: 'same' });
  }));

test('an error of the progress callback ends the replay', () =>
  recorded(50, async (path) => {
    let calls = 0;
    const against = (row: Row) => ((calls += 1), same(row));
    const progress = () => {
      throw new RangeError('no more');
    };
    await expect(replay(path, against, { progress })).rejects.toThrow(new RangeError('no more'));
    const ended = calls;
    await pause();
    expect(calls).toBe(ended);
  }));

test('an aborted signal ends the replay, though calls hang', () =>
  recorded(200, async (path) => {
    const controller = new AbortController();
    let calls = 0;
    const against = (row: Row) => {
      calls += 1;
      if (row.source.line < 5) return same(row);
      if (calls === 8) queueMicrotask(() => controller.abort(new Error('enough')));
      return new Promise<never>(() => undefined);
    };
    using traces = readTraces(path);
    const replaying = replay(traces, against, { signal: controller.signal });
    await expect(replaying).rejects.toThrow(new Error('enough'));
    expect(calls).toBe(8);
    // It is over: the traces can be read on.
    expect([...traces].length).toBeGreaterThan(150);
  }));

test('a signal that is aborted already begins nothing', () =>
  recorded(1, async (path) => {
    const against = () => expect.unreachable('it was aborted');
    const replaying = replay(path, against, { signal: AbortSignal.abort('late') });
    await expect(replaying).rejects.toBe('late');
  }));

test('a named target is asked once, and its cache answers the second replay', () =>
  recorded(6, async (path, folder) => {
    const run = async (target?: string) => {
      using cache = Cache.open(join(folder, 'llm.redb'));
      let calls = 0;
      const report = await replay(path, (row) => ((calls += 1), same(row)), { target, cache });
      return [calls, withoutTime(report)] as const;
    };
    const [calls, first] = await run('v1');
    expect(calls).toBe(6);
    expect(await run('v1')).toEqual([0, first]);
    expect((await run('v2'))[0]).toBe(6);
    expect((await run())[0]).toBe(6);
    expect((await run())[0]).toBe(6);
  }));

test('puts and replays at once wait for no thread of one another', () =>
  recorded(64, async (path, folder) => {
    using cache = Cache.open(join(folder, 'llm.redb'));
    // More under way than libuv has threads, each of which needs one.
    const report = await replay(
      path,
      async (row) => {
        await cache.put({ at: row.source.line }, 'an answer');
        return same(row);
      },
      { concurrency: 32, cache, target: 'v1' },
    );
    expect(report.ok).toBe(true);
  }));

test('rows that cannot be read are in the report', () =>
  recorded(2, async (path) => {
    writeFileSync(path, '{"prompt": \n', { flag: 'a' });
    const report = await replay(path, same);
    expect(report.ok).toBe(false);
    expect(report.totals).toMatchObject({ rows: 2, same: 2, bad: 1 });
    expect(report.bad_rows[0]).toMatchObject({ source: { file: path, line: 3 } });
    const strict = replay(readTraces(path, { strict: true }), same);
    await expect(strict).rejects.toMatchObject({ kind: 'invalid_row', name: 'CacheError' });
  }));

test('rows are replayed without their file, and those made by hand are numbered', () =>
  recorded(9, async (path) => {
    const some = [...readTraces(path)].filter((row) => row.source.line > 7);
    const report = await replay(some, same);
    expect(report.rows.map((row) => row.source)).toEqual(some.map((row) => row.source));
    expect(report.totals).toMatchObject({ rows: 2, same: 2 });
    const made = [{ prompt: 'Q', output: 'A' }, { output: 'B' }] as Row[];
    const progress = ({ total }: Progress) => expect(total).toBe(2);
    const { rows } = await replay(new Set(made), ({ output }) => output!, { progress });
    expect(rows).toMatchObject([
      { source: { file: '', line: 1 }, prompt: 'Q', verdict: 'same' },
      { source: { file: '', line: 2 }, prompt: null, verdict: 'same' },
    ]);
    await expect(replay([{ output: 1 }] as never, same)).rejects.toMatchObject({
      kind: 'invalid_argument',
      message: expect.stringMatching(/^traces: invalid type/),
    });
  }));

test('traces that are being replayed are read by nobody else', () =>
  recorded(2, async (path) => {
    const traces = readTraces(path);
    const busy = 'the traces are being replayed';
    const report = await replay(traces, async (row) => {
      expect(() => [...traces]).toThrow(busy);
      expect(() => traces.close()).toThrow(busy);
      await expect(replay(traces, same)).rejects.toThrow(busy);
      return same(row);
    });
    expect(report.rows.map((row) => row.note)).toEqual(Array(2).fill('the bytes are equal'));
    expect(traces.bad).toBe(0);
    traces.close();
    await expect(replay(traces, same)).rejects.toThrow('the traces are closed');
  }));

test.each<[string, (path: string) => Promise<unknown>, string | RegExp]>([
  [
    'no function',
    (path) => replay(path, 'gpt-5' as never),
    'replayAgainst is a string, not a function',
  ],
  [
    'no traces',
    () => replay(7 as never, same),
    'traces are a path, what readTraces returned, or rows, not a number',
  ],
  [
    'no row',
    () => replay([{ n: NaN }] as never, same),
    'the row at "/0/n": NaN has no JSON spelling',
  ],
  ['no options', (path) => replay(path, same, null as never), 'options are an object, not null'],
  [
    'no callback',
    (path) => replay(path, same, { progress: true as never }),
    'progress is a boolean, not a function',
  ],
  [
    'no call',
    (path) => replay(path, same, { call: {} as never }),
    'call is an Object, not a function',
  ],
  [
    'no cache',
    (path) => replay(path, same, { cache: {} as never }),
    'cache is an Object, not an open Cache',
  ],
])('what has the wrong type is a TypeError: %s', (_, run, message) =>
  recorded(1, async (path) => {
    await expect(run(path)).rejects.toThrow(message);
    await expect(run(path)).rejects.toThrow(TypeError);
  }),
);

test.each<[ReplayOptions, string | RegExp]>([
  [{ concurrency: 0 }, 'concurrency = 0: from 1 to 256 are possible'],
  [{ target: '' }, 'target = ""'],
  [{ sameAbove: 3 }, 'sameAbove = 3: a cosine is from -1 to 1'],
  [{ mode: 'judge' }, 'it needs judgeModel and a function that calls models'],
  [{ concurency: 8 } as ReplayOptions, 'unknown field `concurency`'],
  [{ limit: 1.5 }, /1\.5/],
])('a wrong option is named: %j', (options, message) =>
  recorded(1, async (path) => {
    const error: unknown = await replay(path, same, options).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(CacheError);
    expect(error).toMatchObject({ kind: 'invalid_argument' });
    expect((error as Error).message).toMatch(message);
  }),
);

test('a file that is not there is named', async () => {
  await expect(replay('missing.jsonl', same)).rejects.toMatchObject({
    kind: 'io',
    message: expect.stringContaining('missing.jsonl'),
  });
});

test('a closed cache is an error of the replay', () =>
  recorded(1, async (path, folder) => {
    const cache = Cache.open(join(folder, 'llm.redb'));
    cache.close();
    await expect(replay(path, same, { cache, target: 'v1' })).rejects.toThrow('closed');
  }));

test('a report is saved by its extension, and read again', () =>
  recorded(2, async (path, folder) => {
    const report = await replay(path, () => '<script>', { target: 'v1' });
    const saved = async (name: string) => {
      await report.save(join(folder, name));
      return readFileSync(join(folder, name), 'utf8');
    };
    expect(await saved('report.json')).toBe(report.json());
    expect(await saved('report.md')).toBe(report.markdown());
    expect(await saved('report.xml')).toBe(report.junit());
    expect(await saved('report.html')).toBe(report.html());
    expect(report.markdown()).toMatch(/^# 2 of 2 rows need a look/);
    expect(report.junit()).toMatch(/^<\?xml/);
    expect(report.html()).toMatch(/^<!doctype html>/i);
    const read = await Report.load(join(folder, 'report.json'));
    expect(read).toEqual(report);
    expect([read.ok, read.json(), read.html()]).toEqual([false, report.json(), report.html()]);
    await expect(report.save(join(folder, 'report.pdf'))).rejects.toThrow(
      'report.pdf: a report is saved as one of .json, .md, .xml, .html',
    );
  }));

test('what is no report is refused', () => {
  for (const wrong of ['', '{}', '{"version": 1}']) {
    expect(() => Report.parse(wrong)).toThrow('a JSON report of a replay is needed');
  }
  expect(() => Report.parse('{"version": 99}')).toThrow('the report is version 99');
});

/** Runs a script that has `replay`, `readTraces` and `path`, and returns what it printed. */
async function printed(path: string, script: string): Promise<string> {
  const code = `const { replay, readTraces, diff } = require(${JSON.stringify(DIST)});
    const path = ${JSON.stringify(path)}; const same = (row) => row.output; ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code], { timeout: 20_000 });
  return stdout.trim();
}

test('a process ends when its replays have', () =>
  recorded(10, async (path) => {
    expect(await printed(path, `replay(path, same).then((r) => console.log(r.ok));`)).toBe('true');
  }));

test('a process that only waits for calls without end ends', () =>
  recorded(10, async (path) => {
    const never = `() => new Promise(() => {})`;
    expect(await printed(path, `replay(path, ${never}); console.log('bye');`)).toBe('bye');
    const embedded = `{ mode: 'embedding', embeddingModel: 'e', embed: ${never} }`;
    expect(await printed(path, `diff('a', 'b', ${embedded}); console.log('bye');`)).toBe('bye');
  }));

test('a process waits for a replay whose calls wait for one another', () =>
  recorded(12, async (path) => {
    const script = `let waiting = [];
      const together = (row) => new Promise((go) => {
        waiting.push(() => go(row.output));
        if (waiting.length === 4) for (const go of waiting.splice(0)) go();
      });
      replay(path, together).then((report) => console.log(report.ok));`;
    expect(await printed(path, script)).toBe('true');
  }));

test('a process that ends in the middle of a replay ends', () =>
  recorded(10, async (path) => {
    const script = `replay(path, (row) => row.source.line < 4 ? row.output : new Promise(() => {}));
      setTimeout(() => { console.log('bye'); process.exit(0); }, 100);`;
    expect(await printed(path, script)).toBe('bye');
  }));

test('a worker that ends in the middle of a replay takes nothing along', () =>
  recorded(100, async (path) => {
    const code = `const { replay } = require(${JSON.stringify(DIST)});
      const { parentPort, workerData } = require('node:worker_threads');
      let calls = 0;
      const answer = (row) => {
        if (++calls === 20) parentPort.postMessage('now');
        return calls < 18 ? row.output : new Promise(() => {});
      };
      replay(workerData, answer, { concurrency: 8 });`;
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(code, { eval: true, workerData: path });
      await once(worker, 'message');
      await worker.terminate();
    }
    expect((await replay(path, same)).ok).toBe(true);
  }));

function withoutTime(report: Report): string {
  return report.json().replace(/"created_at": "[^"]*"/, '');
}
