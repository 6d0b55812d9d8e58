/** Clients of SDKs as models. */

import Anthropic from '@anthropic-ai/sdk';
import { diff, modelCall, replay, type ModelCall } from 'f3dx-cache';
import OpenAI, { AzureOpenAI } from 'openai';

const calls: ModelCall[] = [
  modelCall(new OpenAI()),
  modelCall(new AzureOpenAI()),
  modelCall(new Anthropic()),
];
await diff('a', 'b', { judgeModel: 'gpt-5-mini', call: calls[0]! });

await replay('runs.jsonl', (row) => row.output ?? '', {
  embeddingModel: 'text-embedding-3-small',
  embed: async (input) => {
    const { data } = await new OpenAI().embeddings.create({ model: 'm', input });
    return data.map(({ embedding }) => embedding);
  },
});

// @ts-expect-error The name of a model is no client.
modelCall('gpt-5-mini');
