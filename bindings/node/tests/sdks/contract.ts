/** What every SDK is promised, as tests: give it the SDK's calls. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CacheMissError, use, type Mode, type Options, type Use } from '../../dist/index.mjs';
import { Provider, bytesOf, inFolder } from '../provider.js';

/** One SDK, pointed at a provider; results hold what its users see and compare. */
export interface Sdk {
  /** Asks, and returns the result. */
  ask(prompt: string): Promise<unknown>;
  /** The same by a client that was told to retry, of an SDK that does not by itself. */
  askAgain?(prompt: string): Promise<unknown>;
  /** Asks for a stream, and returns it as the SDK does. */
  stream(prompt: string): AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>;
  /** More calls: each is made alone, with the number of HTTP calls that it takes. */
  more?: Record<string, { calls: number; make(): Promise<unknown> }>;
}

/** Tests an SDK; `connect` makes its client. */
export function keepsItsPromises(
  name: string,
  connect: (url: string) => Sdk,
  options: Options = {},
): void {
  describe(name, () => {
    let shared: Provider;
    beforeAll(async () => {
      shared = await Provider.start();
    });
    afterAll(() => shared.stop());
    const withProvider = async (test: Test) => {
      await shared.reset();
      await inUse(shared, test, options);
    };
    /** With one that the test may stop. */
    const withOwnProvider = async (test: Test) => {
      const own = await Provider.start();
      await inUse(own, test, options).finally(() => own.stop());
    };

    const common = { 'a call': 1, 'a stream': 1, 'both from one client': 2 };
    const { more = {} } = connect('http://127.0.0.1:1');
    const counts = {
      ...common,
      ...Object.fromEntries(Object.entries(more).map(([key, { calls }]) => [key, calls])),
    };
    test.each(Object.entries(counts))(
      '%s is recorded, then replayed without the provider',
      (call, count) =>
        withOwnProvider(async (provider, path, use) => {
          const recording = use('record');
          const first = await make(connect(provider.url), call);
          expect(recording.cache.summary()).toMatchObject({
            recorded: count,
            misses: count,
            refused: 0,
          });
          await recording.close();
          expect(await provider.calls()).toBe(count);
          await provider.stop();
          const file = bytesOf(path);

          const replaying = use('replay');
          const again = await make(connect(provider.url), call);
          expect(again).toStrictEqual(first);
          expect(replaying.cache.summary()).toMatchObject({ hits: count, misses: 0 });
          await replaying.close();
          expect(bytesOf(path)).toEqual(file);
        }),
    );

    test.each(['ask', 'stream'] as const)(
      'a miss explains itself at the first attempt: %s',
      (verb) =>
        withProvider(async (provider, _path, use) => {
          const recording = use('record');
          await finished(connect(provider.url)[verb]('France?'));
          await recording.close();

          const replaying = use('replay');
          const attempts = countFetches();
          const miss = await finished(connect(provider.url)[verb]('Spain?')).catch(
            (error: unknown) => error,
          );
          expect(attempts.stop()).toBe(1);
          expect(messagesOf(miss)).toContain('requested  "Spain?"');
          await expect(replaying.close()).rejects.toThrow(CacheMissError);
          expect(await provider.calls()).toBe(1);
        }),
    );

    test('a client that was made before is recorded and replayed, too', () =>
      withProvider(async (provider, _path, use) => {
        const sdk = connect(provider.url);
        const recording = use('record');
        const first = [await sdk.ask('Hi'), await piecesOf(sdk.stream('Hi'))];
        await recording.close();

        const replaying = use('replay');
        expect([await sdk.ask('Hi'), await piecesOf(sdk.stream('Hi'))]).toStrictEqual(first);
        await replaying.close();
        expect(await provider.calls()).toBe(2);
      }));

    test('a stream that is left early is recorded completely', () =>
      withProvider(async (provider, path, use) => {
        const prompt = 'Long? [[words:50]]';
        const recording = use('record');
        for await (const _ of await connect(provider.url).stream(prompt)) break;
        await recording.close();
        expect(await provider.log()).toMatchObject([{ complete: true }]);

        const replaying = use('replay');
        const replayed = await piecesOf(connect(provider.url).stream(prompt));
        await replaying.close();
        expect(await provider.calls()).toBe(1);

        const whole = use('record', `${path}.whole`);
        expect(replayed).toHaveLength(
          (await piecesOf(connect(provider.url).stream(prompt))).length,
        );
        await whole.close();
      }));

    test('a 429 is retried by the SDK and not recorded', () =>
      withProvider(async (provider, _path, use) => {
        const prompt = 'Hi [[status:429 retry-after=0 times=1]]';
        const recording = use('record');
        const first = await retrying(connect(provider.url), prompt);
        expect(recording.cache.stats().entries).toBe(1);
        await recording.close();
        expect((await provider.log()).map(({ status }) => status)).toEqual([429, 200]);

        const replaying = use('replay');
        expect(await retrying(connect(provider.url), prompt)).toStrictEqual(first);
        await replaying.close();
        expect(await provider.calls()).toBe(2);
      }));

    test.each(['ask', 'stream'] as const)('an error is passed on and not recorded: %s', (verb) =>
      withProvider(async (provider, _path, use) => {
        const prompt = 'Hi [[status:400]]';
        const failure = () =>
          finished(connect(provider.url)[verb](prompt)).catch((error: unknown) => error);
        const alone = (await failure()) as Error;
        const recording = use('record');
        const passed = (await failure()) as Error;
        expect(alone).toBeInstanceOf(Error);
        expect(passed.constructor).toBe(alone.constructor);
        expect(withoutIds(passed.message)).toBe(withoutIds(alone.message));
        expect(recording.cache.stats().entries).toBe(0);
        await recording.close();
        expect(await provider.calls()).toBe(2);
      }),
    );
  });
}

type Test = (
  provider: Provider,
  path: string,
  use: (mode: Mode, path?: string) => Use,
) => Promise<void>;

/** Calls `test` with a provider and a way to use a cache; ends what it leaves open. */
async function inUse(provider: Provider, test: Test, options: Options): Promise<void> {
  const opened: Use[] = [];
  try {
    await inFolder((file) =>
      test(provider, file, (mode, path = file) => {
        const made = use({ ...options, path, hosts: ['127.0.0.1:*'], mode });
        opened.push(made);
        return made;
      }),
    );
  } finally {
    await Promise.allSettled(opened.map((made) => made.close()));
  }
}

async function make(sdk: Sdk, call: string): Promise<unknown> {
  if (call === 'a call') return sdk.ask('Hi');
  if (call === 'a stream') return piecesOf(sdk.stream('Hi'));
  if (call === 'both from one client')
    return [await sdk.ask('Hi'), await piecesOf(sdk.stream('Hi'))];
  return sdk.more?.[call]?.make();
}

function retrying(sdk: Sdk, prompt: string): Promise<unknown> {
  return sdk.askAgain === undefined ? sdk.ask(prompt) : sdk.askAgain(prompt);
}

/** Awaits a result, or a stream to its end. */
async function finished(result: unknown): Promise<unknown> {
  const found = await result;
  const streams = typeof found === 'object' && found !== null && Symbol.asyncIterator in found;
  return streams ? piecesOf(found as AsyncIterable<unknown>) : found;
}

async function piecesOf(
  stream: AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>,
): Promise<unknown[]> {
  const pieces: unknown[] = [];
  for await (const piece of await stream) pieces.push(piece);
  return pieces;
}

/** Counts the calls of the patched `fetch` that clients made from now on make. */
function countFetches(): { stop(): number } {
  const patched = globalThis.fetch;
  let count = 0;
  globalThis.fetch = (input, init) => {
    count += 1;
    return patched(input, init);
  };
  return {
    stop() {
      globalThis.fetch = patched;
      return count;
    },
  };
}

/** A message without the running number of its request. */
function withoutIds(message: string): string {
  return message.replace(/\breq_\w+/g, 'req_…');
}

/** The messages of an error and its causes. */
function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) messages.push(at.message);
  return messages.join('\n');
}
