/** Judges and embeddings by the real SDKs against the counting mock provider. */

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  Cache,
  diff,
  modelCall,
  replay,
  use,
  type ModelCall,
  type ReplayOptions,
  type Report,
} from '../dist/index.mjs';
import { inFolder, Provider } from './provider.js';

let provider: Provider;
beforeAll(async () => {
  provider = await Provider.start();
});
beforeEach(() => provider.reset());
afterAll(() => provider.stop());

// Retries would count.
const options = { apiKey: 'a-key', maxRetries: 0 };
const openai = () => new OpenAI({ ...options, baseURL: `${provider.url}/v1` });
const anthropic = () => new Anthropic({ ...options, baseURL: provider.url });

const CLIENTS: [string, () => ModelCall, ReplayOptions, string][] = [
  ['openai', () => modelCall(openai()), { judgeModel: 'gpt-5-mini' }, '/v1/chat/completions'],
  ['anthropic', () => modelCall(anthropic()), { judgeModel: 'claude-haiku-4-5' }, '/v1/messages'],
];

const opinion = (verdict: string, ...differences: string[]) =>
  JSON.stringify({ differences, verdict });

/** What the judge says of each pair, by a word of it. */
async function judge(endpoint: string, said: Record<string, string>): Promise<void> {
  const answers = Object.entries(said).map(([contains, text]) => ({
    endpoint: `POST ${endpoint}`,
    contains,
    text,
  }));
  await provider.script({ answers });
}

const ROWS: [prompt: string, before: string, after: string][] = [
  ['Who pays?', 'Alice pays.', 'It is Alice who pays.'],
  ['What does it cost?', 'It costs $10.50.', 'The price is $1050.'],
  ['Name a colour.', 'Blue', 'Blue'],
];

function recorded(work: (path: string, folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (_, folder) => {
    const path = join(folder, 'traces.jsonl');
    const lines = ROWS.map(([prompt, output]) => JSON.stringify({ prompt, output }));
    writeFileSync(path, lines.join('\n'));
    await work(path, folder);
  });
}

const again = ({ source: { line } }: { source: { line: number } }) => ROWS[line - 1]![2];
const withoutTime = (report: Report) => report.json().replace(/"created_at": "[^"]*"/, '');
const verdicts = (report: Report) => report.rows.map((row) => row.verdict);

test.each(CLIENTS)('%s judges, and a second run calls nothing', (_, call, judged, endpoint) =>
  recorded(async (path, folder) => {
    await judge(endpoint, {
      Alice: opinion('equivalent'),
      '1050': opinion('different', 'the price'),
    });
    const run = async () => {
      using cache = Cache.open(join(folder, 'llm.redb'));
      return await replay(path, again, { ...judged, call: call(), cache });
    };
    const first = await run();
    expect(verdicts(first)).toEqual(['equivalent', 'different', 'same']);
    expect(first.rows[1]!.note).toContain('the price');
    expect(await provider.calls()).toBe(4);
    await provider.reset();
    expect(withoutTime(await run())).toBe(withoutTime(first));
    expect(await provider.calls()).toBe(0);
  }),
);

test.each(CLIENTS)('what %s says of a wrong key is in the note', (_, call, judged, endpoint) =>
  recorded(async (path) => {
    await judge(endpoint, { pay: opinion('equivalent') });
    await provider.script({
      faults: [{ endpoint: `POST ${endpoint}`, times: 1, directives: '[[status:401]]' }],
    });
    const report = await replay(path, again, { ...judged, call: call(), limit: 1 });
    expect(report.rows[0]).toMatchObject({ verdict: 'error', mode: 'judge' });
    expect(report.rows[0]!.note).toMatch(/AuthenticationError: 401/);
  }),
);

test.each(CLIENTS)('a temperature that %s rejects is left out', (_, call, judged, endpoint) =>
  recorded(async (path) => {
    await judge(endpoint, { pay: opinion('equivalent') });
    const fault = { times: 1, directives: '[[status:400 param=temperature]]' };
    await provider.script({ faults: [{ endpoint: `POST ${endpoint}`, ...fault }] });
    const report = await replay(path, again, { ...judged, call: call(), limit: 1 });
    expect(verdicts(report)).toEqual(['equivalent']);
    expect(await provider.calls()).toBe(3);
  }),
);

test('openai embeds, and a second run calls nothing', () =>
  recorded(async (path, folder) => {
    await provider.script({
      vectors: {
        'Alice pays.': [1, 0],
        'It is Alice who pays.': [0.99, 0.1],
        'It costs $10.50.': [1, 0],
        'The price is $1050.': [1, 0],
      },
    });
    const run = async () => {
      using cache = Cache.open(join(folder, 'llm.redb'));
      const embedded = { embeddingModel: 'text-embedding-3-small', call: modelCall(openai()) };
      return await replay(path, again, { ...embedded, cache, concurrency: 1 });
    };
    const first = await run();
    // A guard sees the numbers.
    expect(verdicts(first)).toEqual(['same', 'inconclusive', 'same']);
    expect(await provider.calls()).toBe(2);
    expect(withoutTime(await run())).toBe(withoutTime(first));
    expect(await provider.calls()).toBe(2);
  }));

test("the caller's use answers what the function and the judge call", () =>
  recorded(async (path, folder) => {
    await judge('/v1/chat/completions', { 'This is vote': opinion('different', 'all of it') });
    const run = async (mode: 'record' | 'replay') => {
      const recording = use({ path: join(folder, 'llm.redb'), hosts: ['127.0.0.1:*'], mode });
      const client = openai();
      const report = await replay(
        path,
        async (row) => {
          const messages = [{ role: 'user' as const, content: row.prompt! }];
          const { choices } = await client.chat.completions.create({ model: 'gpt-5', messages });
          return choices[0]!.message.content!;
        },
        { judgeModel: 'gpt-5-mini', call: modelCall(client) },
      );
      await recording.close();
      return report;
    };
    const first = await run('record');
    expect(verdicts(first)).toEqual(['different', 'different', 'different']);
    const calls = await provider.calls();
    expect(calls).toBe(3 + 6);
    expect(withoutTime(await run('replay'))).toBe(withoutTime(first));
    expect(await provider.calls()).toBe(calls);
  }));

test('a judge of the other API says what to change', async () => {
  const wrong = { mode: 'judge', judgeModel: 'j' } as const;
  const openais = { ...wrong, judgeApi: 'openai', call: modelCall(anthropic()) } as const;
  const anthropics = await diff('a', 'b', openais);
  expect(anthropics).toMatchObject({ verdict: 'error', mode: 'judge' });
  expect(anthropics.note).toContain("leave judgeApi: 'openai' out");
  const other = { ...wrong, judgeApi: 'anthropic', call: modelCall(openai()) } as const;
  expect((await diff('a', 'b', other)).note).toContain("leave judgeApi: 'anthropic' out");
});

test('the example of the README replays, and a second run calls nothing', () =>
  recorded(async (_, folder) => {
    await judge('/v1/chat/completions', { 'This is vote': opinion('equivalent') });
    const readme = readFileSync(resolve(import.meta.dirname, '../README.md'), 'utf8');
    const example = /## What would change[^]*?```ts\n([^]*?)```/.exec(readme)![1]!;
    writeFileSync(join(folder, 'example.mjs'), example.replaceAll(' as const', ''));
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    const ours = resolve(import.meta.dirname, '..');
    symlinkSync(ours, join(modules, 'f3dx-cache'));
    symlinkSync(join(ours, 'node_modules/openai'), join(modules, 'openai'));
    const run = async (variables: Record<string, string>) => {
      const env = {
        ...process.env,
        OPENAI_BASE_URL: `${provider.url}/v1`,
        OPENAI_API_KEY: 'a-key',
        ...variables,
      };
      return promisify(execFile)(process.execPath, ['example.mjs'], { cwd: folder, env });
    };
    const { stdout, stderr } = await run({});
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^# 3 of 3 rows|^# /);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('Who pays?');
    const calls = await provider.calls();
    expect(calls).toBeGreaterThan(3);
    const second = await run({ F3DX_CACHE_MODE: 'replay' });
    const told = (text: string) => text.replace(/`\d{4}-[^`]*Z`/, '');
    expect(told(second.stdout)).toBe(told(stdout));
    expect(await provider.calls()).toBe(calls);
  }));
