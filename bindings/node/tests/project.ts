/** A project of a user: a copy of one in `tests/node`, with this package installed from its tarball. */

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Cache } from '../dist/index.mjs';

const PACKAGE = resolve(import.meta.dirname, '..');
const PROJECTS = resolve(PACKAGE, '../../tests/node');
const execute = promisify(execFile);

/** How a command ended. */
export interface Ended {
  status: number;
  /** What it printed on standard output, then on standard error. */
  output: string;
  stdout: string;
}

export class Project {
  private constructor(readonly folder: string) {}

  /** Copies projects over one another and installs what the last one locks. */
  static async install(...names: string[]): Promise<Project> {
    const folder = mkdtempSync(join(tmpdir(), 'f3dx-cache-project-'));
    for (const name of names) {
      const filter = (source: string) => !source.endsWith('node_modules');
      cpSync(join(PROJECTS, name), folder, { recursive: true, filter });
    }
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    await execute('npm', ['pack', '--pack-destination', folder], { cwd: PACKAGE });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    await execute('npm', ['install', '--no-save', ...quiet, `./${tarball}`], { cwd: folder });
    return new Project(folder);
  }

  /** Makes a test file many. */
  multiply(file: string, times: number): void {
    for (let n = 2; n <= times; n++) {
      cpSync(join(this.folder, file), join(this.folder, file.replace('.test.', `-${n}.test.`)));
    }
  }

  /** Runs a command as a developer does, with these variables. */
  async run(command: string, variables: Record<string, string> = {}): Promise<Ended> {
    const env = { ...clean(process.env), NO_COLOR: '1', ...variables };
    try {
      const { stdout, stderr } = await execute('sh', ['-c', command], { cwd: this.folder, env });
      return { status: 0, output: stdout + stderr, stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      if (typeof code !== 'number') throw error;
      return { status: code, output: stdout + stderr, stdout };
    }
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Returns the lines with which a run ends. */
export function summaryOf({ output }: Ended): string[] {
  return output.split('\n').filter((line) => line.startsWith('f3dx-cache: '));
}

/** Returns who recorded what was asked, by the text of the question. */
export function sourcesOf(path: string): Record<string, string> {
  using cache = Cache.open(path, { mode: 'replay' });
  const sources: Record<string, string> = {};
  for (const { fingerprint, meta } of cache.entries()) {
    const { body } = JSON.parse(cache.request(fingerprint)!.toString()) as {
      body: { messages: { content: string }[] };
    };
    sources[body.messages[0]!.content] = meta.source!;
  }
  return sources;
}

/** Returns a port on which nothing answers. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The runner that runs this test left variables of its own, and CI decides the mode. */
function clean(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others =
    /^(CI|NODE_ENV|NODE_OPTIONS|TEST|DEV|PROD|MODE|VITE.*|JEST_.*|F3DX_CACHE_.*|OPENAI_.*|npm_.*)$/;
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !others.test(name)));
}
