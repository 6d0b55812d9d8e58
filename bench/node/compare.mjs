/**
 * Measures what a replay costs in Node, as ratios to a stubbed fetch in the same run.
 *
 * Run by `make bench`. Both sides of a comparison are processes of their own, so that neither
 * has the other's patches, and take turns, so that a busy machine slows both; the ratio is the
 * median over the rounds, of CPU time.
 *
 * A `use` beside another one gets an asynchronous context of its own. Before Node 24 that
 * makes every promise of the process cost more, so a third side has two.
 */

import { fork, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PACKAGE = join(REPOSITORY, 'bindings/node/package.json');
const resolved = (name) => createRequire(PACKAGE).resolve(name);

const { Cache, use } = await import(join(REPOSITORY, 'bindings/node/dist/index.mjs'));

const ROUNDS = 31;
const PROMPT = `What is the total? ${'Of which items? '.repeat(20)}[[words:40]]`;

/** Calls of SDKs, each resolves to the text of the answer; `calls` are made in a round. */
const WAYS = [
  { name: 'openai call', calls: 100, goal: 1.2, make: openai, stream: false },
  { name: 'openai stream', calls: 40, goal: 1.3, make: openai, stream: true },
  { name: 'ai generateText', calls: 100, goal: 1.2, make: ai, stream: false },
  { name: 'ai streamText', calls: 25, goal: 1.3, make: ai, stream: true },
];

async function openai(baseURL, stream) {
  const { default: OpenAI } = await import(resolved('openai'));
  const client = new OpenAI({ apiKey: 'none', baseURL });
  const asked = {
    model: 'gpt-4o',
    messages: [{ role: 'user', content: PROMPT }],
  };
  if (!stream) {
    return async () => {
      const { choices } = await client.chat.completions.create(asked);
      return choices[0].message.content;
    };
  }
  return async () => {
    let text = '';
    for await (const chunk of await client.chat.completions.create({
      ...asked,
      stream,
    })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    return text;
  };
}

async function ai(baseURL, stream) {
  const { generateText, streamText } = await import(resolved('ai'));
  const { createOpenAI } = await import(resolved('@ai-sdk/openai'));
  const model = createOpenAI({ apiKey: 'none', baseURL }).chat('gpt-4o');
  if (!stream) return async () => (await generateText({ model, prompt: PROMPT })).text;
  return async () => {
    let text = '';
    for await (const piece of streamText({ model, prompt: PROMPT }).textStream) text += piece;
    return text;
  };
}

/** Records every way through the mock provider, which is stopped again. */
async function record(path) {
  const provider = spawn(
    'python3',
    [join(REPOSITORY, 'tests/mock_provider'), '--exit-with-stdin'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const [line] = await once(createInterface(provider.stdout), 'line');
  const url = `${JSON.parse(line).url}/v1`;
  const recording = use({ path, hosts: ['127.0.0.1:*'], mode: 'record' });
  const texts = [];
  for (const { make, stream } of WAYS) texts.push(await (await make(url, stream))());
  await recording.close();
  provider.stdin.end();
  await once(provider, 'exit');
  return { url, texts };
}

/** Returns a stubbed fetch that answers as the recording does. */
async function stubOf(path, make, url, stream) {
  const recording = use({ path, hosts: ['127.0.0.1:*'], mode: 'replay' });
  const replaying = globalThis.fetch;
  let sent;
  globalThis.fetch = (...call) => {
    sent = call;
    return replaying(...call);
  };
  await (
    await make(url, stream)
  )();
  const response = await replaying(...sent);
  const init = { status: response.status, headers: [...response.headers] };
  const chunks = [];
  for await (const chunk of response.body) chunks.push(chunk);
  globalThis.fetch = replaying;
  await recording.close();
  return { init, chunks: chunks.map((chunk) => [...chunk]) };
}

function stubbed({ init, chunks }, stream) {
  const pieces = chunks.map((chunk) => Uint8Array.from(chunk));
  const text = Buffer.concat(pieces).toString();
  if (!stream) return async () => new Response(text, init);
  return async () => {
    let next = 0;
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(pieces[next++]);
        if (next === pieces.length) controller.close();
      },
    });
    return new Response(body, init);
  };
}

/** One side of a comparison: a round for every message, answered by its CPU time. */
async function side({ role, way, path, url, stub, text }) {
  const { make, stream, calls } = WAYS[way];
  if (role === 'stub') globalThis.fetch = stubbed(stub, stream);
  const uses = { stub: 0, ours: 1, beside: 2 }[role];
  for (let n = 0; n < uses; n++) use({ path, hosts: ['127.0.0.1:*'], mode: 'replay' });
  const call = await make(url, stream);
  if ((await call()) !== text) throw new Error(`${role}: another answer`);
  for await (const [] of messages()) {
    const began = cpu();
    for (let n = 0; n < calls; n++) await call();
    process.send((cpu() - began) / calls);
  }
}

async function* messages() {
  for (;;) yield await once(process, 'message');
}

/** Microseconds that this process has worked, on all of its threads. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

function print(name, base, ours, goal) {
  const ratio = median(ours.map((cost, round) => cost / base[round]));
  const columns = [median(base), median(ours)].map((cost) => `${cost.toFixed(1)} us`.padStart(12));
  const aim = goal === undefined ? '' : `   goal ${goal}`;
  console.log(`${name.padEnd(44)}${columns.join('')}${ratio.toFixed(2).padStart(8)}${aim}`);
}

async function compare(way, path, url, text) {
  const { name, make, stream, goal } = WAYS[way];
  const stub = await stubOf(path, make, url, stream);
  const roles = ['stub', 'ours', 'beside'];
  const children = roles.map((role) =>
    fork(fileURLToPath(import.meta.url), [JSON.stringify({ role, way, path, url, stub, text })]),
  );
  const costs = roles.map(() => []);
  for (let round = 0; round < ROUNDS + 3; round++) {
    for (const [at, child] of children.entries()) {
      child.send('round');
      const [cost] = await once(child, 'message');
      // The first rounds warm up.
      if (round >= 3) costs[at].push(cost);
    }
  }
  for (const child of children) child.disconnect();
  print(`${name} replayed / stubbed fetch`, costs[0], costs[1], goal);
  print('  under a use beside another one', costs[0], costs[2]);
}

async function lookups(folder) {
  const bytes = readFileSync(join(REPOSITORY, 'bench/fixtures/chat_request.json'));
  const request = JSON.parse(bytes.toString());
  const response = Buffer.from(JSON.stringify({ answer: 'The total is 7.20 CHF. '.repeat(10) }));
  const key = () => createHash('sha256').update(JSON.stringify(request)).digest('hex');
  const map = new Map([[key(), response]]);
  const path = join(folder, 'get.redb');
  const recording = Cache.open(path, { mode: 'record' });
  await recording.put(request, response);
  recording.close();
  for (const mode of ['replay', 'record']) {
    const cache = Cache.open(path, { mode });
    const ways = [() => map.get(key()), () => cache.get(request), () => cache.get(bytes)];
    for (const look of ways) if (!look().equals(response)) throw new Error('another answer');
    const costs = ways.map(() => []);
    for (let round = 0; round < ROUNDS + 3; round++) {
      for (const [at, look] of ways.entries()) {
        const began = cpu();
        for (let n = 0; n < 500; n++) look();
        if (round >= 3) costs[at].push((cpu() - began) / 500);
      }
    }
    cache.close();
    print(`get(object), ${mode} / Map.get(sha256(JSON))`, costs[0], costs[1]);
    print(`get(bytes), ${mode} / Map.get(sha256(JSON))`, costs[0], costs[2]);
  }
}

const [role] = process.argv.slice(2);
if (role?.startsWith('{')) {
  await side(JSON.parse(role));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'f3dx-cache-bench-'));
  console.log(
    `${''.padEnd(44)}${'reference'.padStart(12)}${'ours'.padStart(12)}${'ratio'.padStart(8)}`,
  );
  await lookups(folder);
  const path = join(folder, 'sdk.redb');
  const { url, texts } = await record(path);
  for (const way of WAYS.keys()) await compare(way, path, url, texts[way]);
  rmSync(folder, { recursive: true });
}
