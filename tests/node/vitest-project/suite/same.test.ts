/** What every file of a suite asks; the tests of this project run many copies of this one. */

import { describe, expect, test } from 'vitest';
import { ask, askSdk, askStream } from '../ask.js';

const capitals = ['France', 'Spain', 'Italy', 'Chile', 'Ghana'].map(
  (name) => `The capital of ${name}? [[echo]]`,
);

describe('capitals', () => {
  test.each(capitals)('%s', async (prompt) => {
    expect(await ask(`fetch: ${prompt}`)).toContain('The capital of');
    expect(await askSdk(`sdk: ${prompt}`)).toContain('The capital of');
    expect(await askStream(`stream: ${prompt}`)).toContain('The capital of');
  });
});
