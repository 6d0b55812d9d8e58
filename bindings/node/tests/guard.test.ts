/** A replay touches no provider, whichever way a test tries to reach one. */

import dns from 'node:dns';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttp2Handler } from '@smithy/node-http-handler';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as undici from 'undici';
import { CacheMissError, use } from '../dist/index.mjs';
import { inFolder } from './provider.js';

const BEDROCK = 'bedrock-runtime.us-east-1.amazonaws.com';

/** What was looked up: nothing, in this file. */
let asked: string[];

beforeEach(() => {
  asked = [];
  vi.spyOn(dns, 'lookup').mockImplementation(((host: string, ...rest: unknown[]) => {
    asked.push(host);
    (rest.at(-1) as (error: Error) => void)(new Error('there is no network in this test'));
  }) as unknown as typeof dns.lookup);
});
afterEach(() => vi.restoreAllMocks());

function failure(socket: NodeJS.EventEmitter): Promise<unknown> {
  return new Promise((found) => socket.once('error', found));
}

const WAYS: Record<string, () => Promise<unknown>> = {
  'net.connect, options': () => failure(net.connect({ host: 'api.openai.com', port: 443 })),
  'net.connect, port and host': () => failure(net.connect(443, 'api.openai.com')),
  'a socket of its own': () => failure(new net.Socket().connect(443, 'api.openai.com')),
  'tls.connect': () => failure(tls.connect({ host: 'api.openai.com', port: 443 })),
  'tls.connect, to an address': () =>
    failure(tls.connect({ host: '192.0.2.1', port: 443, servername: 'api.openai.com' })),
  'http2.connect': () => failure(http2.connect('https://api.openai.com')),
  'an agent, asked for a connection': () =>
    failure(
      (
        new http.Agent() as unknown as { createConnection(options: object): net.Socket }
      ).createConnection({
        host: 'api.openai.com',
        port: 443,
      }),
    ),
  'a dispatcher of its own': async () => {
    const dispatcher = new undici.Client('https://api.openai.com');
    const call = dispatcher.request({ path: '/v1/models', method: 'GET' });
    return call.catch((error: unknown) => error).finally(() => dispatcher.destroy());
  },
};

test.each(Object.entries(WAYS))('stops %s', (_, connect) =>
  inFolder(async (path) => {
    await use({ path, mode: 'record' }).close();
    const replaying = use({ path, mode: 'replay' });
    const error = await connect();
    expect(error).toBeInstanceOf(CacheMissError);
    expect((error as CacheMissError).explanation).toContain(
      'a connection to api.openai.com:443, a provider',
    );
    // Even where the error was swallowed.
    await expect(replaying.close()).rejects.toThrow('whose calls are not intercepted');
    expect(asked).toEqual([]);
  }),
);

test('stops the AWS SDK on HTTP/2, with the reason as its error', () =>
  inFolder(async (path) => {
    await use({ path, mode: 'record' }).close();
    const replaying = use({ path, mode: 'replay' });
    const client = new BedrockRuntimeClient({
      region: 'us-east-1',
      maxAttempts: 1,
      requestHandler: new NodeHttp2Handler(),
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const call = client.send(
      new ConverseCommand({
        modelId: 'a-model',
        messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
      }),
    );
    await expect(call).rejects.toThrow(`a connection to ${BEDROCK}:443, a provider`);
    client.destroy();
    await expect(replaying.close()).rejects.toThrow(CacheMissError);
    expect(asked).toEqual([]);
  }));

test('lets pass what is no provider, what ignore_hosts names, and everything in other modes', () =>
  inFolder(async (path) => {
    const listener = net.createServer((socket) => socket.end());
    await new Promise<void>((resolve) => listener.listen(0, resolve));
    const { port } = listener.address() as net.AddressInfo;
    await use({ path, mode: 'record' }).close();

    const replaying = use({ path, mode: 'replay', ignoreHosts: ['api.openai.com'] });
    const socket = net.connect(port, '127.0.0.1').resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.bytesWritten).toBe(0);
    expect(await failure(net.connect(443, 'api.openai.com'))).not.toBeInstanceOf(CacheMissError);
    await replaying.close();

    const recording = use({ path, mode: 'record' });
    expect(await failure(net.connect(443, 'api.openai.com'))).not.toBeInstanceOf(CacheMissError);
    await recording.close();
    expect(asked).toEqual(['api.openai.com', 'api.openai.com']);
    await new Promise((resolve) => listener.close(resolve));
  }));

test('is taken off with the last use, but not what was patched over it', () =>
  inFolder(async (path) => {
    const original = net.Socket.prototype.connect;
    const outer = use({ path, mode: 'record' });
    const guard = net.Socket.prototype.connect;
    expect(guard).not.toBe(original);
    const inner = use({ path, mode: 'record' });
    await inner.close();
    expect(net.Socket.prototype.connect).toBe(guard);
    await outer.close();
    expect(net.Socket.prototype.connect).toBe(original);

    const again = use({ path, mode: 'record' });
    const over = net.Socket.prototype.connect;
    const tracer = function (this: net.Socket, ...args: Parameters<typeof over>) {
      return over.apply(this, args);
    } as typeof over;
    net.Socket.prototype.connect = tracer;
    await again.close();
    expect(net.Socket.prototype.connect).toBe(tracer);
    expect(await failure(net.connect(443, 'api.openai.com'))).not.toBeInstanceOf(CacheMissError);
    net.Socket.prototype.connect = original;
  }));
