/** The public API as its users' compiler sees it. */

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const TSC = resolve(import.meta.dirname, '../node_modules/.bin/tsc');

// `packages` has what others' packages ask of the API: majors of `ai`, Vitest.
test.each(['nodenext', 'bundler', 'packages'])('the API under %s', async (project) => {
  const folder = resolve(import.meta.dirname, 'types');
  const ended = promisify(execFile)(TSC, ['-p', `${project}.json`], { cwd: folder });
  const { stdout, code } = await ended.then(
    (output) => ({ ...output, code: 0 }),
    (failure: { stdout: string; code: number }) => failure,
  );
  expect([stdout, code]).toEqual(['', 0]);
});
