/**
 * The worker of `tests/src/bin/worker.rs` in Node: its commands, its answers.
 *
 * `ask` goes through Node's `fetch`, under the `use` that `hook` began.
 */

import { createInterface } from 'node:readline';
import { Cache, CacheError, use } from '../../bindings/node/dist/index.mjs';

const OPTIONS = camelCased(JSON.parse(process.argv[2] ?? '{}'));

function camelCased(options) {
  const name = (snake) => snake.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [name(key), value]));
}

const request = (n) => `{"model":"m","n":${n},"prompt":"prompt ${n}"}`;
const response = (n) => Buffer.alloc(200 + ((n * 977) % 5000), `answer ${n}\n`);
const before = (first, n) => first + ((n * 7919) % (n - first + 1));

function* numbers(rest) {
  const [start, end] = rest.split(' ').map(Number);
  for (let n = start; n < end; n++) yield n;
}

/** A command that makes no sense here. */
class Usage extends Error {}

/** A call that the provider did not answer. */
class Asked extends Error {}

/** One opening. */
class Handle {
  constructor(how, mode, path) {
    if (how === 'hook') this.use = use({ path, mode, ...OPTIONS });
    this.cache = this.use?.cache ?? Cache.open(path, { mode, ...OPTIONS });
  }

  async close() {
    if (this.use === undefined) this.cache.close();
    else await this.use.close();
  }

  async put(n) {
    await this.cache.put(request(n), response(n));
    console.log(`put ${n}`);
  }

  get(n) {
    const found = this.cache.get(request(n));
    if (found === null) return 'misses';
    return found.equals(response(n)) ? 'hits' : 'wrong';
  }

  async ask(port, prompt) {
    const asked = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: prompt }] }),
    }).catch((error) => {
      if (error instanceof CacheError) throw error;
      throw new Asked(error.message);
    });
    const answer = await asked.json();
    if (!asked.ok) throw new Asked(JSON.stringify(answer));
    return answer.id;
  }

  entry(n) {
    const fingerprint = this.cache.fingerprint(request(n));
    return `${fingerprint} ${JSON.stringify(this.cache.meta(fingerprint))}`;
  }

  explain(n) {
    return String(this.cache.explain(request(n)));
  }

  summary() {
    const did = this.cache.summary();
    const names = ['hits', 'misses', 'recorded', 'refused', 'without_claim'];
    return names.map((name) => did[name]).join(' ');
  }
}

const handles = new Map();
let at = 0;

function handle() {
  const found = handles.get(at);
  if (found === undefined) throw new Usage('nothing is open');
  return found;
}

async function obey(command, rest) {
  const met = { hits: 0, misses: 0, wrong: 0 };
  const space = rest.indexOf(' ');
  const words = [rest.slice(0, space), rest.slice(space + 1)];
  switch (command) {
    case 'open':
    case 'hook':
      handles.set(at, new Handle(command, ...words));
      break;
    case 'handle':
      at = Number(rest);
      break;
    case 'put':
      for (const n of numbers(rest)) await handle().put(n);
      break;
    case 'get':
      for (const n of numbers(rest)) met[handle().get(n)] += 1;
      return `got ${met.hits} ${met.misses} ${met.wrong}`;
    case 'mix':
      for (const n of numbers(rest)) {
        await handle().put(n);
        met[handle().get(before(Number(words[0]), n))] += 1;
      }
      return `got ${met.hits} ${met.misses} ${met.wrong}`;
    case 'entry':
    case 'explain':
      return `${command} ${handle()[command](Number(rest))}`;
    case 'ask':
      return `answer ${await handle().ask(...words)}`;
    case 'summary':
      return `summary ${handle().summary()}`;
    case 'compact':
      await handle().cache.compact();
      break;
    case 'close':
      await handle().close();
      handles.delete(at);
      break;
    default:
      throw new Usage(`no command ${JSON.stringify(command)}`);
  }
  return 'ok';
}

function told(error) {
  if (error instanceof CacheError) return `error ${error.kind} ${error.message}`;
  if (error instanceof Asked) return `error http ${error.message}`;
  return `error usage ${error.message}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const space = line.indexOf(' ');
  const [command, rest] = space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
  const said = await obey(command, rest).catch(told);
  console.log(said.replaceAll('\n', ' '));
}
