/** The counting mock provider, for tests: its answers are a function of the request. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

// Before anything is patched: control calls go past what is under test.
const { request: unpatched } = http;
const connect = net.Socket.prototype.connect as (
  this: net.Socket,
  ...to: [number, string]
) => net.Socket;

const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** A running mock provider; its control calls go past every client under test. */
export class Provider {
  private constructor(
    private readonly process: ChildProcess,
    /** Such as `http://127.0.0.1:4010`. */
    readonly url: string,
    readonly port: number,
  ) {}

  static async start(port = 0): Promise<Provider> {
    const folder = join(REPOSITORY, 'tests/mock_provider');
    const process = spawn('python3', [folder, '--exit-with-stdin', '--port', String(port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((found, failed) => {
      createInterface(process.stdout).once('line', found);
      process.once('exit', (code) => failed(new Error(`the mock provider ended with ${code}`)));
    });
    const told = JSON.parse(line) as { url: string; port: number };
    return new Provider(process, told.url, told.port);
  }

  /** How many calls arrived since the start or the last reset. */
  async calls(): Promise<number> {
    return ((await this.control('GET', '/_calls')) as { total: number }).total;
  }

  /** The log of calls, each `{n, method, path, status, model, stream, events_sent, complete}`. */
  async log(): Promise<Record<string, unknown>[]> {
    return ((await this.control('GET', '/_calls')) as { log: Record<string, unknown>[] }).log;
  }

  /** Forgets calls, scripts and used-up directives. */
  async reset(): Promise<void> {
    await this.control('POST', '/_reset');
  }

  /** Resolves once so many calls have arrived. */
  async arrived(total: number): Promise<void> {
    await this.control('GET', `/_wait?total=${total}&timeout=10`);
  }

  /** Lets the calls go on that `[[hold]]` holds. */
  async release(): Promise<void> {
    await this.control('POST', '/_release');
  }

  /** Ends it; later connections are refused. May be called twice. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.stdin?.end();
    await ended;
  }

  /** Scripts what the model says and embeds, and which calls fail. */
  async script(script: object): Promise<void> {
    await this.control('POST', '/_script', JSON.stringify(script));
  }

  control(method: string, path: string, body?: string): Promise<unknown> {
    return new Promise((found, failed) => {
      const createConnection = () => connect.call(new net.Socket(), this.port, '127.0.0.1');
      const request = unpatched({ createConnection, method, path }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => {
          if (response.statusCode === 200) found(JSON.parse(text));
          else failed(new Error(`mock provider: ${method} ${path}: ${text}`));
        });
      });
      request.on('error', failed);
      request.end(body);
    });
  }
}

/** Calls `test` with the path of a cache file in a folder of its own. */
export async function inFolder<T>(test: (path: string, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'f3dx-cache-'));
  try {
    return await test(join(folder, 'cache.redb'), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The bytes of a file, to compare. */
export function bytesOf(path: string): Buffer {
  return readFileSync(path);
}
