/** A language model of any specification version; it counts the calls that it answers. */

import { ReadableStream } from 'node:stream/web';

/** What a version of the specification asks of an answer. */
const ENDS = {
  v2: {
    usage: { inputTokens: 3, outputTokens: 5, totalTokens: 8 },
    stop: 'stop',
    tools: 'tool-calls',
  },
  v3: {
    usage: { inputTokens: { total: 3 }, outputTokens: { total: 5 } },
    stop: { unified: 'stop', raw: 'stop' },
    tools: { unified: 'tool-calls', raw: 'tool_calls' },
  },
  v4: {
    usage: { inputTokens: { total: 3 }, outputTokens: { total: 5 } },
    stop: { unified: 'stop', raw: 'stop' },
    tools: { unified: 'tool-calls', raw: 'tool_calls' },
  },
} as const;

type Version = keyof typeof ENDS;

interface Params {
  prompt: { role: string; content: string | { type: string; text?: string }[] }[];
  tools?: { name: string }[];
  responseFormat?: { type: string };
}

export const FILE = new Uint8Array([0, 127, 128, 255]);

/** Makes a model that answers with its name and the prompt, with JSON, or with a tool call. */
export function modelOf<V extends Version>(version: V, name = 'a-model') {
  let calls = 0;
  const answer = (params: Params) => {
    calls += 1;
    const { usage, stop, tools } = ENDS[version];
    const last = params.prompt.at(-1);
    const response = { id: `answer-${calls}`, timestamp: new Date(2025, 0, calls), modelId: name };
    if (params.tools?.length && last?.role === 'user') {
      const input = JSON.stringify({ city: 'Bern' });
      const call = {
        type: 'tool-call',
        toolCallId: 'call-1',
        toolName: params.tools[0]!.name,
        input,
      };
      return { content: [call], finishReason: tools, usage, response };
    }
    const said = typeof last?.content === 'string' ? last.content : (last?.content[0]?.text ?? '');
    const text = params.responseFormat?.type === 'json' ? '{"city":"Bern"}' : `${name} on ${said}`;
    const data = version === 'v4' ? { type: 'data', data: FILE } : FILE;
    const file = { type: 'file', mediaType: 'image/png', data };
    return { content: [{ type: 'text', text }, file], finishReason: stop, usage, response };
  };
  return {
    specificationVersion: version,
    provider: 'a-provider',
    modelId: name,
    supportedUrls: {},
    calls: () => calls,
    /** Counts a call that was not made, so that later answers differ. */
    skip: () => void (calls += 1),
    doGenerate: async (params: Params) => {
      const { response, ...rest } = answer(params);
      const headers = { 'set-cookie': 'a secret' };
      const request = { body: 'a secret' };
      return { ...rest, warnings: [], request, response: { ...response, headers } };
    },
    doStream: async (params: Params) => ({
      stream: ReadableStream.from(partsOf(answer(params))),
      request: { body: 'a secret' },
      response: { headers: { 'set-cookie': 'a secret' } },
    }),
  };
}

function partsOf({ content, finishReason, usage, response }: any): object[] {
  const parts = content.flatMap((part: any) => {
    if (part.type !== 'text') return [part];
    const words = part.text.split(/(?= )/) as string[];
    const deltas = words.map((delta) => ({ type: 'text-delta', id: '1', delta }));
    return [{ type: 'text-start', id: '1' }, ...deltas, { type: 'text-end', id: '1' }];
  });
  const head = [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', ...response },
  ];
  return [...head, ...parts, { type: 'finish', finishReason, usage }];
}
