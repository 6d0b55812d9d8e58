/** Replays in a test, one of them left in the middle of its calls. */

const { diff, replay } = require('f3dx-cache');
const { writeFileSync } = require('node:fs');
const { askSdk } = require('../ask');

const rows = ['France', 'Spain'].map((name) => ({ prompt: `The capital of ${name}? [[echo]]` }));
const path = 'traces.jsonl';
writeFileSync(path, rows.map((row) => JSON.stringify({ ...row, output: 'Who knows.' })).join('\n'));

test('calls are those of the test', async () => {
  const report = await replay(path, (row) => askSdk(row.prompt));
  expect(report.rows.map((row) => row.after)).toEqual([
    expect.stringContaining('France'),
    expect.stringContaining('Spain'),
  ]);
});

test('errors are of classes of the test', async () => {
  expect(() => diff('a', 'b', { votes: 0 })).toThrow(Error);
  const report = await replay(path, () => null.x);
  expect(report.rows[0].note).toMatch(/^TypeError: /);
});

test('what is left does not keep the runner', async () => {
  await new Promise((called) => {
    const never = () => (called(), new Promise(() => {}));
    replay(path, never).catch(() => {});
  });
});
