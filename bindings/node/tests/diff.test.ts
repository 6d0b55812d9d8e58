/** Comparisons: the table of cases that every language runs, and what Node adds. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import {
  Cache,
  CacheError,
  diff,
  modelCall,
  type Comparison,
  type DiffOptions,
  type Endpoint,
  type ModelClient,
  type Output,
} from '../dist/index.mjs';
import { inFolder } from './provider.js';

interface Case {
  name: string;
  options: Record<string, unknown>;
  before?: string;
  before_hex?: string;
  after?: string;
  after_hex?: string;
  models?: { vectors?: Record<string, number[]>; replies?: (string | { error: string })[] };
  question?: { system?: string; prompt?: string };
  expect: {
    verdict: string;
    mode?: string;
    note_contains?: string[];
    differences?: object[];
    more?: number;
    score?: number | null;
    calls?: number;
  };
}

const FIXTURES = resolve(import.meta.dirname, '../../../tests/fixtures');
const CASES = readFileSync(`${FIXTURES}/diff_cases.jsonl`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);
const named = (cases: Case[]) => cases.map((one): [string, Case] => [one.name, one]);

/** The options as users of Node spell them. */
function optionsOf({ options, question }: Case): DiffOptions {
  const camelCase = (name: string) =>
    name.replace(/_[a-z]/g, (pair) => pair.charAt(1).toUpperCase());
  const members = Object.entries(options).map(([name, value]) => [camelCase(name), value]);
  return { ...(Object.fromEntries(members) as DiffOptions), ...question };
}

const outputOf = (text?: string, hex?: string) => text ?? Buffer.from(hex!, 'hex');

function expectAsTold({ expect: told }: Case, comparison: Comparison): void {
  expect(comparison.verdict, comparison.note).toBe(told.verdict);
  expect(comparison.ok).toBe(['same', 'equivalent'].includes(told.verdict));
  if (told.mode !== undefined) expect(comparison.mode).toBe(told.mode);
  for (const part of told.note_contains ?? []) expect(comparison.note).toContain(part);
  if (told.differences !== undefined) expect(comparison.differences).toEqual(told.differences);
  if (told.more !== undefined) expect(comparison.more).toBe(told.more);
  if (typeof told.score === 'number') expect(comparison.score).toBeCloseTo(told.score, 6);
  if (told.score === null) expect(comparison.score).toBeNull();
}

test.each(named(CASES.filter((one) => one.models === undefined)))('%s', (_, one) => {
  const before = outputOf(one.before, one.before_hex);
  const after = outputOf(one.after, one.after_hex);
  expectAsTold(one, diff(before, after, optionsOf(one)) as Comparison);
});

test.each(named(CASES.filter((one) => one.models !== undefined)))('%s', (_, one) =>
  inFolder(async (path) => {
    using cache = Cache.open(path);
    let calls = 0;
    let judged = 0;
    const call = async (endpoint: Endpoint, request: Record<string, unknown>) => {
      calls += 1;
      if (endpoint === 'embeddings') {
        const texts = request.input as string[];
        return { data: texts.map((text) => ({ embedding: one.models!.vectors![text] })) };
      }
      const reply = one.models!.replies![judged++]!;
      if (typeof reply !== 'string') throw new Error(reply.error);
      if (endpoint === 'messages') return { content: [{ type: 'text', text: reply }] };
      return { choices: [{ message: { content: reply } }] };
    };
    const before = outputOf(one.before, one.before_hex);
    const after = outputOf(one.after, one.after_hex);
    const options = { ...optionsOf(one), call, cache };
    const { timings: _took, ...first } = await diff(before, after, options);
    expectAsTold(one, { ...first, timings: {} });
    if (one.expect.calls !== undefined) expect(calls).toBe(one.expect.calls);
    if (first.mode === 'judge' && ['skipped', 'error'].includes(first.verdict)) return;
    calls = 0;
    const { timings: _tookAgain, ...again } = await diff(before, after, options);
    expect([calls, again]).toEqual([0, first]);
  }),
);

test('a value is compared as its JSON', () => {
  expect(diff({ n: 1, tags: ['a'] }, '{"tags": ["a"], "n": 1.0}')).toMatchObject({
    ok: true,
    verdict: 'same',
    mode: 'structured',
  });
  expect(diff(1, '1', { mode: 'bytes' }).ok).toBe(true);
  expect(diff(null, 'null', { mode: 'bytes' }).ok).toBe(true);
  const { differences } = diff({ n: 1 }, { n: 'one' });
  expect(differences).toEqual([{ path: '/n', kind: 'type_changed', before: 1, after: 'one' }]);
});

test('bytes are compared as they are, shared ones and those of a view too', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(3), 1, 2);
  shared.set([0xff, 0x41]);
  expect(diff(shared, Uint8Array.of(0xff, 0x41), { mode: 'bytes' }).ok).toBe(true);
});

test('a comparison that took no model is there at once, one that may take one is a promise', async () => {
  expect(diff('a', 'a').timings).toHaveProperty('bytes');
  const call = () => expect.unreachable('equal texts take no model');
  const asked = diff('a', 'a', { call });
  expect(asked).toBeInstanceOf(Promise);
  expect((await asked).ok).toBe(true);
});

test('embed gives vectors in any form of an array', async () => {
  const asked: string[][] = [];
  const embed = async (texts: string[]) => {
    asked.push(texts);
    return texts.map((text) => Float32Array.of(text.length, 1));
  };
  const options = { mode: 'embedding', embeddingModel: 'e', embed } as const;
  const { verdict, score } = await diff('one text', 'one test', options);
  expect([verdict, score]).toEqual(['same', 1]);
  expect(asked).toEqual([['one text', 'one test']]);
});

const TELLING = { mode: 'embedding', embeddingModel: 'e' } as const;
test.each<[string, DiffOptions, string]>([
  ['throws', { embed: () => (null as never)['x'] }, 'TypeError: Cannot read properties of null'],
  ['rejects', { embed: () => Promise.reject(new RangeError('no')) }, 'RangeError: no'],
  ['throws what is no error', { embed: () => Promise.reject('a text') }, 'a text'],
  ['embeds into nothing', { embed: () => undefined as never }, 'embed returned undefined'],
  ['embeds into texts', { embed: () => ['a', 'b'] as never }, 'embed returned a string in place'],
  ['embeds into NaN', { embed: () => [[NaN], [1]] }, 'NaN has no JSON spelling'],
  ['embeds one of two', { embed: () => [[1]] }, '1 embeddings for 2 texts'],
  ['calls into a text', { call: () => 'text' as never }, 'call returned a string'],
  ['calls into an error', { call: () => ({ error: { message: 'no quota' } }) }, 'no quota'],
])('what a callback does wrong is in the note: it %s', async (_, options, note) => {
  const comparison = await diff('one', 'two', { ...TELLING, ...options });
  expect(comparison).toMatchObject({ ok: false, verdict: 'error', mode: 'embedding' });
  expect(comparison.note).toContain(note);
});

function failureOf(before: unknown, after: unknown, options?: unknown): unknown {
  try {
    return diff(before as Output, after as Output, options as DiffOptions);
  } catch (error) {
    return error;
  }
}

test.each([
  [undefined, 'a', {}, 'before is undefined: an output is text, bytes or a JSON value'],
  ['a', () => 1, {}, 'after: a function has no JSON spelling'],
  ['a', { n: NaN }, {}, 'after at "/n": NaN has no JSON spelling'],
  ['a', '\ud800', {}, 'after holds half a surrogate pair; no UTF-8 spells it'],
  ['a', new Uint16Array(1), {}, 'after: bytes are a Uint8Array'],
  ['a', 'b', null, 'options are an object, not null'],
  ['a', 'b', { call: 'gpt-4o' }, 'call is a string, not a function'],
  ['a', 'b', { embed: [] }, 'embed is an Array, not a function'],
  ['a', 'b', { cache: 'llm.redb' }, 'cache is a string, not an open Cache'],
  ['a', 'b', { prompt: 1 }, 'prompt is a number, not a string'],
])('what has the wrong type is a TypeError: %j, %j, %j', (before, after, options, message) => {
  const error = failureOf(before, after, options);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toBe(message);
});

test.each<[object, string | RegExp]>([
  [{ sameAbove: 2 }, 'sameAbove = 2: a cosine is from -1 to 1'],
  [{ mode: 'jduge' }, /unknown variant `jduge`, expected one of `bytes`/],
  [{ votes: 0 }, 'votes = 0: from 1 to 99 are possible'],
  [{ fenced: true }, /unknown field `fenced`.* `fencedJson`/],
  [{ ignore: ['id'] }, /id/],
  [{ mode: 'embedding' }, /it needs embeddingModel and a function that calls models/],
  [{ mode: 'judge' }, /it needs judgeModel/],
  [{ epsilon: NaN }, 'option epsilon: NaN has no JSON spelling'],
])('a wrong option is named: %j', (options, message) => {
  const error = failureOf('a', 'b', options);
  expect(error).toBeInstanceOf(CacheError);
  expect(error).toMatchObject({ kind: 'invalid_argument' });
  expect((error as Error).message).toEqual(
    typeof message === 'string' ? message : expect.stringMatching(message),
  );
});

test('a wrong option of one that asks a model is named, too', async () => {
  const asked = diff('a', 'b', { judgeModel: 'j', maxJudgeCalls: -1, call: () => ({}) });
  await expect(asked).rejects.toMatchObject({ kind: 'invalid_argument', name: 'CacheError' });
  const needs = diff('a', 'b', { mode: 'judge', call: () => ({}) });
  await expect(needs).rejects.toThrow('it needs judgeModel');
});

test('a closed cache keeps nothing', () =>
  inFolder(async (path) => {
    const cache = Cache.open(path);
    cache.close();
    const embed = (texts: string[]) => texts.map(() => [1]);
    const { verdict, note } = await diff('a', 'b', { ...TELLING, embed, cache });
    expect([verdict, note]).toEqual(['error', expect.stringContaining('closed')]);
  }));

test('an aborted comparison rejects with the reason', async () => {
  const controller = new AbortController();
  const embed = () => {
    queueMicrotask(() => controller.abort(new Error('enough')));
    return new Promise<never>(() => undefined);
  };
  const asked = diff('a', 'b', { ...TELLING, embed, signal: controller.signal });
  await expect(asked).rejects.toThrow('enough');
  await expect(diff('a', 'b', { embed, signal: AbortSignal.abort('late') })).rejects.toBe('late');
});

test('a client that is none of the known is refused', async () => {
  expect(() => modelCall({} as ModelClient)).toThrow(
    'a client of openai or @anthropic-ai/sdk is needed, not an Object',
  );
  const post = () => Promise.resolve({});
  expect(() => modelCall({ post })).toThrow('neither `chat`, as of openai, nor `messages`');
  const client = { post, messages: {} };
  const asked = diff('a', 'b', { ...TELLING, call: modelCall(client) });
  expect((await asked).note).toContain('Anthropic has no embeddings; pass `embed`');
});
