/** Replays in a test, one of them left in the middle of its calls. */

import { diff, replay } from 'f3dx-cache';
import OpenAI from 'openai';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const rows = ['France', 'Spain'].map((name) => ({ prompt: `The capital of ${name}? [[echo]]` }));
const path = 'traces.jsonl';
writeFileSync(path, rows.map((row) => JSON.stringify({ ...row, output: 'Who knows.' })).join('\n'));

test('calls are those of the test', async () => {
  const client = new OpenAI();
  const report = await replay(path, async (row) => {
    const messages = [{ role: 'user' as const, content: row.prompt! }];
    const completion = await client.chat.completions.create({ model: 'gpt-4o', messages });
    return completion.choices[0]!.message.content!;
  });
  expect(report.rows.map((row) => row.after)).toEqual([
    expect.stringContaining('France'),
    expect.stringContaining('Spain'),
  ]);
});

test('errors are of classes of the test', async () => {
  expect(() => diff('a', 'b', { votes: 0 })).toThrow(Error);
  const report = await replay(path, () => (null as never)['x']);
  expect(report.rows[0]!.note).toMatch(/^TypeError: /);
});

test('what is left does not keep the runner', async () => {
  await new Promise<void>((called) => {
    const never = () => (called(), new Promise<string>(() => undefined));
    replay(path, never).catch(() => undefined);
  });
});
