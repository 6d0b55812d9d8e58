/** A replayed response behaves as one that comes from the network. */

import { expect, test } from 'vitest';
import { Cache, use } from '../dist/index.mjs';
import type { NativeCache, NativeExchange } from '../native/index.js';
import { inFolder } from './provider.js';

const CHAT = 'https://api.openai.com/v1/chat/completions';
const SPEECH = 'https://api.openai.com/v1/audio/speech';
const BODY = '{"model":"m","messages":[]}';

/** Calls `work` with what fetches the same replayed answer again and again. */
function replaying(
  answer: string | Buffer,
  work: (ask: () => Promise<Response>) => Promise<void>,
  [url, type] = [CHAT, 'application/json'],
) {
  return inFolder(async (path) => {
    {
      using cache = Cache.forTests({ path, mode: 'record' });
      const { native } = cache as unknown as { native: NativeCache };
      const sent = Buffer.from(BODY);
      const exchange = native.intercept('POST', url!, '', sent, sent.length) as NativeExchange;
      exchange.head(200, `content-type\n${type}\nx-request-id\nreq_1`);
      exchange.chunk(Buffer.from(answer));
      expect(await exchange.finish('eof')).toBe(true);
    }
    const replay = use({ path, mode: 'replay' });
    await work(() => fetch(url!, { method: 'POST', body: BODY }));
    await replay.close();
  });
}

const ANSWER = '{"choices":[{"finish_reason":"stop","message":{"content":"Grüezi 😀"}}]}';

test('it is a Response with the recorded status, headers and URL', () =>
  replaying(ANSWER, async (ask) => {
    const response = await ask();
    expect(response).toBeInstanceOf(Response);
    expect(response.constructor.name).toBe('Response');
    expect(Object.prototype.toString.call(response)).toBe('[object Response]');
    expect([response.status, response.ok, response.url]).toEqual([200, true, CHAT]);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'x-request-id': 'req_1' });
    expect([response.bodyUsed, response.body?.locked]).toEqual([false, false]);
  }));

test.each(['text', 'json', 'arrayBuffer', 'blob', 'body'] as const)(
  'its body is read once: %s',
  (by) =>
    replaying(ANSWER, async (ask) => {
      const read: Record<typeof by, (response: Response) => Promise<string>> = {
        text: (response) => response.text(),
        json: async (response) => JSON.stringify(await response.json()),
        arrayBuffer: async (response) => Buffer.from(await response.arrayBuffer()).toString(),
        blob: async (response) => (await response.blob()).text(),
        body: async (response) => {
          const chunks: Uint8Array[] = [];
          for await (const chunk of response.body!) chunks.push(chunk);
          return Buffer.concat(chunks).toString();
        },
      };
      const response = await ask();
      expect(await read[by](response)).toBe(ANSWER);
      expect(response.bodyUsed).toBe(true);
      for (const again of ['text', 'json', 'arrayBuffer', 'blob'] as const) {
        await expect(response[again]()).rejects.toThrow(TypeError);
      }
      expect(() => response.clone()).toThrow(TypeError);
      expect(await read[by](await ask())).toBe(ANSWER);
    }),
);

test('two readers at once are one too many', () =>
  replaying(ANSWER, async (ask) => {
    const response = await ask();
    const [first, second] = await Promise.allSettled([response.json(), response.text()]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: expect.any(TypeError) });
    const locked = await ask();
    locked.body!.getReader();
    await expect(locked.text()).rejects.toThrow(TypeError);
  }));

test('a copy is read for itself, and so is the body of a new Response', () =>
  replaying(ANSWER, async (ask) => {
    const response = await ask();
    const copy = response.clone();
    expect([await response.text(), await copy.text()]).toEqual([ANSWER, ANSWER]);
    const wrapped = await ask();
    expect(await new Response(wrapped.body, wrapped).text()).toBe(ANSWER);
    expect(wrapped.bodyUsed).toBe(true);
    const called = await ask();
    expect(await Response.prototype.text.call(called)).toBe(ANSWER);
  }));

test('its text is decoded as that of any response', async () => {
  const texts = ['\ufeff{"a":1}', Buffer.from([0x22, 0xff, 0xf0, 0x9f, 0x22]), '"\u0000é"'];
  for (const text of texts) {
    const expected = await new Response(Buffer.from(text)).text();
    const check = async (ask: () => Promise<Response>) => {
      expect(await (await ask()).text()).toBe(expected);
    };
    await replaying(text, check, [SPEECH, 'audio/mpeg']);
  }
});

test('what is no JSON is a SyntaxError', () =>
  replaying(
    'no JSON',
    async (ask) => {
      const response = await ask();
      await expect(response.json()).rejects.toThrow(SyntaxError);
      expect(response.bodyUsed).toBe(true);
    },
    [SPEECH, 'audio/mpeg'],
  ));

test('a header that another language recorded as text comes as its bytes do', () =>
  inFolder(async (path) => {
    {
      using cache = Cache.forTests({ path, mode: 'record' });
      const { native } = cache as unknown as { native: NativeCache };
      const sent = Buffer.from(BODY);
      const exchange = native.intercept('POST', CHAT, '', sent, sent.length) as NativeExchange;
      exchange.head(200, 'content-type\napplication/json\nx-request-id\n→ 1');
      exchange.chunk(Buffer.from(ANSWER));
      expect(await exchange.finish('eof')).toBe(true);
    }
    const replay = use({ path, mode: 'replay' });
    const response = await fetch(CHAT, { method: 'POST', body: BODY });
    const id = response.headers.get('x-request-id') ?? '';
    expect(Buffer.from(id, 'latin1').toString()).toBe('→ 1');
    await replay.close();
  }));
