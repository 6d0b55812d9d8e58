/** Recorded traces, as the programs of `tests/fixtures/traces/make.py` wrote them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { CacheError, readTraces, type Row, type TraceOptions } from '../dist/index.mjs';
import { inFolder } from './provider.js';

const fixture = (name: string) =>
  resolve(import.meta.dirname, '../../../tests/fixtures/traces', name);

test.each([
  ['f3dx.jsonl', 'f3dx', 3],
  ['f3dx_uncaptured.jsonl', 'f3dx', 3],
  ['f3dx.none.parquet', 'f3dx_parquet', 3],
  ['f3dx.snappy.parquet', 'f3dx_parquet', 3],
  ['f3dx.gzip.parquet', 'f3dx_parquet', 3],
  ['f3dx.zstd.parquet', 'f3dx_parquet', 3],
  ['f3dx.v2.parquet', 'f3dx_parquet', 3],
  ['otel.jsonl', 'otel', 5],
  ['otel_console.json', 'otel', 5],
  ['otlp.json', 'otlp', 5],
  ['otlp.jsonl', 'otlp', 5],
  ['openai_batch_output.jsonl', 'openai_batch', 6],
  ['anthropic_batch.jsonl', 'anthropic_batch', 5],
  ['plain.jsonl', 'plain', 4],
])('%s is %s of %i rows', (name, format, count) => {
  using traces = readTraces(fixture(name));
  const rows = [...traces];
  expect([traces.format, rows.length, traces.bad]).toEqual([format, count, 0]);
  expect(rows.every((row) => row.source.file === fixture(name))).toBe(true);
});

test('what was recorded is in the members of a row', () => {
  using traces = readTraces(fixture('otel.jsonl'));
  const [chat, events, , , failing] = [...traces] as [Row, Row, Row, Row, Row];
  expect(chat).toMatchObject({
    source: { line: 1 },
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    model: 'gpt-4o-2024-08-06',
    provider: 'openai',
    system: 'You know prices.',
    prompt: 'Tea?',
    output: 'Tea is 3 €.',
    usage: { input_tokens: 30, output_tokens: 7 },
    params: { temperature: 0.5, max_tokens: 100 },
    finish_reason: 'stop',
    error: null,
    tool_calls: [],
  });
  expect(chat.messages[2]).toEqual({ role: 'tool', tool_call_id: 'call_1', content: '3 €' });
  expect(chat.latency_ms).toBeGreaterThan(0);
  expect(events.tool_calls[0]).toMatchObject({ arguments: { city: 'Oslo' } });
  expect(failing).toMatchObject({ error: 'slow down', output: null });
});

test('what a format does not tell is null or empty', () => {
  const [row] = [...readTraces(fixture('f3dx_uncaptured.jsonl'))] as [Row];
  expect(row).toMatchObject({ model: null, trace_id: null, output: null, prompt: null });
  expect([row.messages, row.tools, row.params, row.parts]).toEqual([[], [], {}, []]);
});

test('requests of an OpenAI batch are joined by their name', () => {
  const input = fixture('openai_batch_input.jsonl');
  const rows = [...readTraces(fixture('openai_batch_output.jsonl'), { input })];
  const row = rows.find(({ case_id }) => case_id === 'request-1');
  expect(row).toMatchObject({ prompt: 'Hello world!', params: { max_tokens: 1000 } });
});

/** Calls `work` with the path of a file that holds this. */
function written(content: string | Uint8Array, work: (path: string) => void): Promise<void> {
  return inFolder(async (_, folder) => {
    const path = join(folder, 'traces.jsonl');
    writeFileSync(path, content);
    work(path);
  });
}

const ROWS = ['first', 'last'].map((output) => JSON.stringify({ prompt: 'p', output }));
const BROKEN = `${ROWS[0]}\n{"prompt": "a secret\n${ROWS[1]}\n`;

test('bad rows are counted and told with their place, without their content', () =>
  written(BROKEN, (path) => {
    using traces = readTraces(path);
    expect([...traces].map((row) => row.output)).toEqual(['first', 'last']);
    expect(traces.bad).toBe(1);
    const [bad] = traces.badRows;
    expect(bad).toMatchObject({ source: { file: path, line: 2 }, column: expect.any(Number) });
    expect(bad!.reason).not.toContain('secret');
    traces.close();
    expect([traces.bad, traces.badRows, [...traces]]).toEqual([1, [bad], []]);
  }));

test('strictly, a bad row is the end', () =>
  written(BROKEN, (path) => {
    const traces = readTraces(path, { strict: true });
    const read: (string | null)[] = [];
    let failure: unknown;
    try {
      for (const row of traces) read.push(row.output);
    } catch (error) {
      failure = error;
    }
    expect(read).toEqual(['first']);
    expect(failure).toBeInstanceOf(CacheError);
    expect(failure).toMatchObject({ kind: 'invalid_row' });
    expect((failure as Error).message).toMatch(`${path}:2:`);
    expect([...traces]).toEqual([]);
  }));

test('rows are read as they are asked for, and a loop that was left is taken up', () =>
  written(`${ROWS.join('\n')}\n{`, (path) => {
    const traces = readTraces(path);
    for (const row of traces) {
      expect(row.output).toBe('first');
      break;
    }
    expect(traces.bad).toBe(0);
    expect([...traces].map((row) => row.output)).toEqual(['last']);
    expect(traces.bad).toBe(1);
  }));

test('a file that is compressed with gzip is read', () =>
  written(gzipSync(readFileSync(fixture('plain.jsonl'))), (path) => {
    expect([...readTraces(path)]).toHaveLength(4);
  }));

test.each<[string, unknown, string | RegExp]>([
  ['missing.jsonl', {}, /missing\.jsonl.*No such file/],
  ['plain.jsonl', { format: 'csv' }, /unknown variant `csv`, expected one of `f3dx`/],
  ['plain.jsonl', { strickt: true }, /unknown field `strickt`/],
  ['plain.jsonl', { format: 'f3dx_parquet' }, /plain\.jsonl: it is not parquet/],
  ['plain.jsonl', { input: 'missing.jsonl' }, /missing\.jsonl/],
  ['plain.jsonl', { strict: 'yes' }, /strict|boolean/],
])('what is wrong is named: %s, %j', (name, options, message) => {
  expect(() => readTraces(fixture(name), options as TraceOptions)).toThrow(message);
  expect(() => readTraces(fixture(name), options as TraceOptions)).toThrow(CacheError);
});

test('a path is a string', () => {
  expect(() => readTraces(7 as never)).toThrow(new TypeError('a path is a string'));
});
