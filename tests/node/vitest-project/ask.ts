/** Two ways to ask a model; `OPENAI_BASE_URL` says where it is. */

import OpenAI from 'openai';

// As applications do it: it takes a key from the environment, and fails without one.
const client = new OpenAI();

export async function ask(prompt: string): Promise<string> {
  const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${process.env.OPENAI_API_KEY}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: prompt }] }),
  });
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return choices[0]!.message.content;
}

export async function askSdk(prompt: string): Promise<string> {
  const messages = [{ role: 'user' as const, content: prompt }];
  const completion = await client.chat.completions.create({ model: 'gpt-4o', messages });
  return completion.choices[0]!.message.content ?? '';
}

export async function askStream(prompt: string): Promise<string> {
  const messages = [{ role: 'user' as const, content: prompt }];
  let text = '';
  for await (const chunk of await client.chat.completions.create({
    model: 'gpt-4o',
    messages,
    stream: true,
  })) {
    text += chunk.choices[0]?.delta.content ?? '';
  }
  return text;
}
