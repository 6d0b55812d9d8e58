/** The variables of a test of Jest are a copy; what it sets in them counts all the same. */

const { ask } = require('../ask');

test('a base URL that a test sets is a provider', async () => {
  const url = process.env.OPENAI_BASE_URL;
  process.env.OPENAI_BASE_URL = url.replace('127.0.0.1', 'localhost');
  expect(await ask('of localhost')).not.toBe('');
});
