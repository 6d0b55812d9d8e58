/** One file for Python and Node: what one records through openai, the other replays. */

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { use, type Mode } from '../dist/index.mjs';
import { Provider, bytesOf, inFolder } from './provider.js';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const CALLS = 5;

let provider: Provider;

beforeAll(async () => {
  provider = await Provider.start();
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

interface Asked {
  results: Record<string, unknown>;
  summary: object;
}

/** Makes the calls of `cross_language.py` there. */
async function inPython(mode: Mode, path: string, url: string): Promise<Asked> {
  const python = resolve(REPOSITORY, '.venv/bin/python');
  const script = resolve(import.meta.dirname, 'cross_language.py');
  const { stdout } = await promisify(execFile)(python, [script, mode, path, url]);
  return JSON.parse(stdout) as Asked;
}

/** Makes the same calls here. */
async function inNode(mode: Mode, path: string, url: string): Promise<Asked> {
  const hostAliases = { '127.0.0.1:*': 'api.openai.com' };
  await using recording = use({ path, mode, hosts: ['127.0.0.1:*'], hostAliases });
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'a-key' });
  const chat = client.chat.completions;
  const messages = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Grüße, 世界 🙂' },
  ];
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }];
  const chunks: unknown[] = [];
  const results = {
    chat: await chat.create({ model: 'gpt-4o', messages, temperature: 0.7 }),
    stream: chunks,
    tools: await chat.create({ model: 'gpt-4o', messages, tools }),
    responses: await client.responses.create({ model: 'gpt-4o', input: 'Hi' }),
    embeddings: await client.embeddings.create({
      model: 'text-embedding-3-small',
      input: ['Hi', 'Ho'],
    }),
  };
  const stream = await chat.create({ model: 'gpt-4o', messages, stream: true });
  for await (const chunk of stream) chunks.push(chunk);
  // `output_text` is made up by the SDK here, and a property there.
  const { output_text, ...response } = results.responses;
  return JSON.parse(
    JSON.stringify({
      results: { ...results, responses: response },
      summary: recording.cache.summary(),
    }),
  ) as Asked;
}

// Nothing listens here: the provider, switched off.
const NOWHERE = 'http://127.0.0.1:1';

test.each([
  ['Python', inPython, 'Node', inNode],
  ['Node', inNode, 'Python', inPython],
] as const)('what $0 records, $2 replays', (_first, record, _second, replay) =>
  inFolder(async (path) => {
    const recorded = await record('record', path, provider.url);
    expect(recorded.summary).toMatchObject({ recorded: CALLS, hits: 0 });
    expect(await provider.calls()).toBe(CALLS);
    const file = bytesOf(path);

    const replayed = await replay('replay', path, NOWHERE);
    expect(replayed.summary).toMatchObject({ hits: CALLS, misses: 0 });
    expect(replayed.results).toEqual(recorded.results);
    expect(bytesOf(path)).toEqual(file);

    const again = await replay('record', path, provider.url);
    expect(again.results).toEqual(recorded.results);
    expect(await provider.calls()).toBe(CALLS);
  }),
);
