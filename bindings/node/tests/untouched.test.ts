/** The application under test and its mocks are never touched. */

// First: nock patches `http` as soon as it is imported.
import { Provider, inFolder } from './provider.js';
import { Readable } from 'node:stream';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { http as mocked, HttpResponse, passthrough } from 'msw';
import { setupServer } from 'msw/node';
import nock from 'nock';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as undici from 'undici';
import { use, type Mode } from '../dist/index.mjs';

nock.restore();

const OPENAI = 'https://api.openai.com/v1/chat/completions';
const PATHS = ['/api/chat', '/v1/chat/completions', '/v1/messages'];
const MODES: Mode[] = ['record', 'replay'];
const BODY = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] });
const headers = { authorization: 'Bearer a-key', 'content-type': 'application/json' };

/** By which a test may call: each returns the text of the answer. */
const WAYS: Record<string, (url: string, options?: http.RequestOptions) => Promise<string>> = {
  fetch: async (url) => (await fetch(url, { method: 'POST', headers, body: BODY })).text(),
  'undici.request': async (url) => {
    const { body } = await undici.request(url, { method: 'POST', headers, body: BODY });
    return body.text();
  },
  http: async (url, options) => {
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(url, { method: 'POST', headers, ...options }).end(BODY);
    const [message] = (await once(sent, 'response')) as [http.IncomingMessage];
    return text(message);
  },
};

/** Calls `run` under a cache file that exists and is empty, so that every touched call misses. */
function within(
  mode: Mode,
  run: (closed: () => Promise<void>) => Promise<void>,
  hosts: string[] = [],
) {
  return inFolder(async (path) => {
    await use({ path, mode: 'record' }).close();
    const using = use({ path, mode, hosts });
    try {
      await run(() => using.close());
    } finally {
      const { hits, misses, recorded } = using.cache.closed
        ? { hits: 0, misses: 0, recorded: 0 }
        : using.cache.summary();
      await using.close();
      expect({ hits, misses, recorded }).toEqual({ hits: 0, misses: 0, recorded: 0 });
    }
  });
}

describe('the application', () => {
  let server: http.Server;
  let url: string;
  let requests: http.IncomingMessage[];

  beforeAll(async () => {
    server = http.createServer(async (request, response) => {
      requests.push(request);
      response.setHeader('x-path', request.url ?? '');
      response.end(`mine ${request.headers['transfer-encoding'] ?? ''} ${await text(request)}`);
    });
    await once(server.listen(0), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => (requests = []));
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each(MODES.flatMap((mode) => Object.keys(WAYS).map((way) => [mode, way] as const)))(
    'in %s, by %s',
    (mode, way) =>
      within(mode, async () => {
        for (const path of PATHS) expect(await WAYS[way]!(url + path)).toBe(`mine  ${BODY}`);
        expect(requests.map((request) => request.url)).toEqual(PATHS);
      }),
  );

  test.each(MODES)('in %s, a request of http keeps its agent, and its agent its sockets', (mode) =>
    within(mode, async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (const path of PATHS) await WAYS['http']!(url + path, { agent });
      expect(new Set(requests.map(({ socket }) => socket)).size).toBe(1);
      expect(Object.keys(agent.freeSockets)).toHaveLength(1);
      agent.destroy();
    }),
  );

  test.each(MODES)('in %s, an upload is not read before it is sent', (mode) =>
    within(mode, async () => {
      const request = http.request(`${url}/api/chat`, { method: 'POST' });
      request.flushHeaders();
      await once(server, 'request');
      request.end('late');
      const [message] = (await once(request, 'response')) as [http.IncomingMessage];
      expect(await text(message)).toBe('mine chunked late');

      let pulled = 0;
      const body = async function* () {
        for (; pulled < 3; pulled++) {
          if (pulled > 0) await arrived;
          yield Buffer.from('late');
        }
      };
      const arrived = once(server, 'request');
      const answer = await undici.request(`${url}/v1/chat/completions`, {
        method: 'POST',
        body: Readable.from(body()),
      });
      expect(await answer.body.text()).toBe('mine chunked latelatelate');
    }),
  );
});

describe.each(MODES)('mocks, in %s', (mode) => {
  const ways = Object.entries(WAYS);

  describe('MSW', () => {
    const msw = setupServer(mocked.post(OPENAI, () => HttpResponse.text('of MSW')));
    afterEach(() => msw.close());

    test.each(ways.filter(([way]) => way !== 'undici.request'))('before us, by %s', (_, call) =>
      within(mode, async (close) => {
        await close();
        msw.listen({ onUnhandledRequest: 'bypass' });
        await within(mode, async (closeInner) => {
          expect(await call(OPENAI)).toBe('of MSW');
          await closeInner();
          expect(await call(OPENAI)).toBe('of MSW');
        });
        expect(await call(OPENAI)).toBe('of MSW');
      }),
    );

    test.each(ways.filter(([way]) => way !== 'undici.request'))('after us, by %s', (_, call) =>
      within(mode, async (close) => {
        msw.listen({ onUnhandledRequest: 'bypass' });
        expect(await call(OPENAI)).toBe('of MSW');
        msw.close();
        msw.listen({ onUnhandledRequest: 'bypass' });
        expect(await call(OPENAI)).toBe('of MSW');
        await close();
        expect(await call(OPENAI)).toBe('of MSW');
      }),
    );
  });

  describe('nock', () => {
    afterEach(() => {
      nock.cleanAll();
      nock.restore();
    });
    const mock = () =>
      nock('https://api.openai.com').post('/v1/chat/completions').reply(200, 'of nock');

    test.each(ways.filter(([way]) => way !== 'undici.request'))(
      'before us, by %s',
      async (_, call) => {
        nock.activate();
        await within(mode, async (close) => {
          mock();
          expect(await call(OPENAI)).toBe('of nock');
          await close();
          mock();
          expect(await call(OPENAI)).toBe('of nock');
        });
      },
    );

    test.each(ways.filter(([way]) => way !== 'undici.request'))('after us, by %s', (_, call) =>
      within(mode, async (close) => {
        nock.activate();
        mock();
        expect(await call(OPENAI)).toBe('of nock');
        await close();
        mock();
        expect(await call(OPENAI)).toBe('of nock');
      }),
    );
  });

  describe("undici's MockAgent", () => {
    const before = undici.getGlobalDispatcher();
    let agent: undici.MockAgent;
    beforeEach(() => {
      agent = new undici.MockAgent();
      agent.disableNetConnect();
      agent
        .get('https://api.openai.com')
        .intercept({ path: '/v1/chat/completions', method: 'POST' })
        .reply(200, 'of MockAgent')
        .persist();
    });
    afterEach(() => undici.setGlobalDispatcher(before));

    test.each(ways.filter(([way]) => way !== 'http'))('before us, by %s', async (_, call) => {
      undici.setGlobalDispatcher(agent);
      await within(mode, async (close) => {
        expect(await call(OPENAI)).toBe('of MockAgent');
        await close();
        expect(undici.getGlobalDispatcher()).toBe(agent);
        expect(await call(OPENAI)).toBe('of MockAgent');
      });
    });

    test.each(ways.filter(([way]) => way !== 'http'))('after us, by %s', (_, call) =>
      within(mode, async (close) => {
        undici.setGlobalDispatcher(agent);
        expect(await call(OPENAI)).toBe('of MockAgent');
        await close();
        expect(undici.getGlobalDispatcher()).toBe(agent);
        expect(await call(OPENAI)).toBe('of MockAgent');
      }),
    );

    test('as an option', () =>
      within(mode, async () => {
        const options = { method: 'POST' as const, headers, body: BODY, dispatcher: agent };
        expect(await (await fetch(OPENAI, options as RequestInit)).text()).toBe('of MockAgent');
        expect(await (await undici.fetch(OPENAI, options)).text()).toBe('of MockAgent');
        expect(await (await undici.request(OPENAI, options)).body.text()).toBe('of MockAgent');
      }));
  });

  test('a fetch of the test itself', () =>
    within(mode, async (close) => {
      const before = globalThis.fetch;
      globalThis.fetch = () => Promise.resolve(new Response('of the test'));
      expect(await WAYS['fetch']!(OPENAI)).toBe('of the test');
      await close();
      expect(await WAYS['fetch']!(OPENAI)).toBe('of the test');
      globalThis.fetch = before;
    }));
});

describe('what mocks let pass is recorded and replayed', () => {
  let provider: Provider;
  beforeAll(async () => {
    provider = await Provider.start();
  });
  afterAll(() => provider.stop());
  beforeEach(() => provider.reset());

  const LETTING: Record<string, { on: () => void; off: () => void }> = {
    MSW: (() => {
      const msw = setupServer(mocked.post(OPENAI, () => HttpResponse.text('of MSW')));
      return { on: () => msw.listen({ onUnhandledRequest: 'bypass' }), off: () => msw.close() };
    })(),
    'MSW, told to': (() => {
      const msw = setupServer(mocked.post('*/v1/chat/completions', () => passthrough()));
      return { on: () => msw.listen(), off: () => msw.close() };
    })(),
    nock: {
      on: () => {
        nock.activate();
        nock.enableNetConnect();
      },
      off: () => nock.restore(),
    },
  };

  test.each(
    Object.keys(LETTING).flatMap((mock) =>
      ['fetch', 'http'].flatMap((way) =>
        ['before', 'after'].map((when) => [mock, way, when] as const),
      ),
    ),
  )('%s, by %s, on %s us', (mock, way, when) =>
    inFolder(async (path) => {
      const { on, off } = LETTING[mock]!;
      const hosts = ['127.0.0.1:*'];
      const call = () => WAYS[way]!(`${provider.url}/v1/chat/completions`);
      const texts = new Set<string>();
      for (const mode of MODES) {
        if (when === 'before') on();
        const using = use({ path, hosts, mode });
        if (when === 'after') on();
        try {
          texts.add(await call());
          texts.add(await call());
          expect(using.cache.summary()).toMatchObject(
            mode === 'record' ? { recorded: 1, hits: 1 } : { hits: 2 },
          );
        } finally {
          await using.close();
          off();
        }
      }
      expect(texts.size).toBe(1);
      expect([...texts][0]).toContain('"choices"');
      expect(await provider.calls()).toBe(1);
    }),
  );
});
