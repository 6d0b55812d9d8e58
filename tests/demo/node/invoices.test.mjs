/** The suite of `../suite/test_invoices.py` once more, as its TypeScript team would have it. */

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { expect, test } from 'vitest';

const INVOICE = 'Invoice 2024-0317, total 42.00 CHF, due on the 1st of May. What is the total?';
const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'convert',
      description: 'Converts an amount of money',
      parameters: {
        type: 'object',
        properties: { amount: { type: 'number' }, to: { type: 'string' } },
        required: ['amount', 'to'],
      },
    },
  },
];

const ask = (content) => [{ role: 'user', content }];
const openai = () => new OpenAI();

test.each(['CHF', 'EUR', 'USD'])('a chat completion answers in %s', async (currency) => {
  const answer = await openai().chat.completions.create({
    model: 'gpt-4o',
    messages: ask(`${INVOICE} In ${currency}, please.`),
    temperature: 0,
  });
  expect(answer.choices[0].message.content).toBeTruthy();
});

test('a streamed completion has the same text in pieces', async () => {
  const pieces = [];
  const stream = await openai().chat.completions.create({
    model: 'gpt-4o',
    messages: ask(INVOICE),
    stream: true,
  });
  for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta.content ?? '');
  expect(pieces.length).toBeGreaterThan(1);
});

test('a tool is called', async () => {
  const answer = await openai().chat.completions.create({
    model: 'gpt-4o',
    messages: ask('Convert 42 CHF to EUR'),
    tools: TOOLS,
  });
  expect(answer.choices[0].message.tool_calls[0].function.name).toBe('convert');
});

test('texts are embedded', async () => {
  const input = ['an invoice', 'a bill'];
  const answer = await openai().embeddings.create({ model: 'text-embedding-3-small', input });
  expect(answer.data.length).toBe(2);
});

test('a response answers', async () => {
  const answer = await openai().responses.create({ model: 'gpt-4o', input: INVOICE });
  expect(answer.output_text).toBeTruthy();
});

test('a message answers', async () => {
  const answer = await new Anthropic().messages.create({
    model: 'claude-haiku-5-5',
    max_tokens: 200,
    messages: ask(INVOICE),
  });
  expect(answer.content[0].text).toBeTruthy();
});

test('a streamed message answers', async () => {
  const stream = new Anthropic().messages.stream({
    model: 'claude-haiku-5-5',
    max_tokens: 200,
    messages: ask(INVOICE),
  });
  expect(await stream.finalText()).toBeTruthy();
});

test.each([1, 2, 3])('the same question is paid for once, attempt %i', async () => {
  const answer = await openai().chat.completions.create({
    model: 'gpt-4o',
    messages: ask('Is this invoice paid?'),
  });
  expect(answer.choices[0].message.content).toBeTruthy();
});
