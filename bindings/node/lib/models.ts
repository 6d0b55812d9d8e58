/** Model calls: core builds the request and reads the response, the caller sends it. */

import { describe, spelled } from './request.js';
import type { Callbacks } from './calls.js';

/** Which of a provider's endpoints a request is for. */
export type Endpoint = 'embeddings' | 'chat_completions' | 'messages';

/**
 * Sends a request to an endpoint (`embeddings` and `chat_completions` are OpenAI's,
 * `messages` is Anthropic's) and returns the response's JSON object.
 */
export interface ModelCall {
  (endpoint: Endpoint, request: Record<string, unknown>): object | PromiseLike<object>;
  /** The requests it sends, for `judgeApi`, if it knows. */
  readonly judgeApi?: 'openai' | 'anthropic';
}

/** Returns the vector of each text. */
export type Embed = (texts: string[]) => ArrayLike<number>[] | PromiseLike<ArrayLike<number>[]>;

/** What `modelCall` needs of a client: of `openai` or `@anthropic-ai/sdk`. */
export interface ModelClient {
  post(path: string, options?: { body?: unknown }): PromiseLike<unknown>;
}

/**
 * Makes a model call of a client of `openai` (or of what is derived from it) or
 * `@anthropic-ai/sdk`; keys, retries and timeouts are the client's, and so is `judgeApi`.
 */
export function modelCall(client: ModelClient): ModelCall {
  if (typeof (client as Partial<ModelClient> | null | undefined)?.post !== 'function') {
    const what = describe(client);
    throw new TypeError(`a client of openai or @anthropic-ai/sdk is needed, not ${what}`);
  }
  const isOpenai = 'chat' in client;
  if (!isOpenai && !('messages' in client)) {
    throw new TypeError('the client has neither `chat`, as of openai, nor `messages`');
  }
  const paths = isOpenai ? OPENAI : ANTHROPIC;
  const call = async (endpoint: Endpoint, request: Record<string, unknown>) => {
    const path = paths[endpoint];
    if (!path.startsWith('/')) throw new TypeError(path);
    return (await client.post(path, { body: request })) as object;
  };
  return Object.assign(call, { judgeApi: isOpenai ? 'openai' : 'anthropic' } as const);
}

/** Where a request goes, or why it goes nowhere. */
const OPENAI: Record<Endpoint, string> = {
  embeddings: '/embeddings',
  chat_completions: '/chat/completions',
  messages: "the client is openai's; leave judgeApi: 'anthropic' out, or pass Anthropic's",
};

const ANTHROPIC: Record<Endpoint, string> = {
  embeddings: 'Anthropic has no embeddings; pass `embed`, or a client of openai',
  chat_completions: "the client is Anthropic's; leave judgeApi: 'openai' out, or pass openai's",
  messages: '/v1/messages',
};

/** The caller's code that models are asked by. */
export interface Models {
  call?: ModelCall | undefined;
  embed?: Embed | undefined;
}

/** Returns options with the `judgeApi` that the call knows, unless they have one. */
export function withApi<T extends { judgeApi?: ModelCall['judgeApi'] | undefined }>(
  options: T,
  call: ModelCall | undefined,
): T {
  return { ...options, judgeApi: options.judgeApi ?? call?.judgeApi };
}

/** Returns what answers core's model calls. */
export function modelCallbacks({ call, embed }: Models): Callbacks {
  for (const [name, given] of Object.entries({ call, embed })) {
    if (given !== undefined && typeof given !== 'function') {
      throw new TypeError(`${name} is ${describe(given)}, not a function`);
    }
  }
  const callbacks: Callbacks = {};
  if (call !== undefined) {
    for (const endpoint of ['embeddings', 'chat_completions', 'messages'] as const) {
      callbacks[endpoint] = async (request) => {
        const sent = JSON.parse(request) as Record<string, unknown>;
        return response(await call(endpoint, sent));
      };
    }
  }
  if (embed !== undefined) {
    callbacks.embed = async (request) => {
      const { input } = JSON.parse(request) as { input: string[] };
      return vectors(await embed(input));
    };
  }
  return callbacks;
}

function response(given: unknown): string {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`call returned ${describe(given)}; it returns the response's JSON object`);
  }
  // Not strictly: what an SDK adds to a response need not be JSON.
  return JSON.stringify(given);
}

function vectors(given: unknown): string {
  if (!Array.isArray(given)) {
    throw new TypeError(`embed returned ${describe(given)}; it returns an array of vectors`);
  }
  const data = given.map((vector: unknown) => {
    if (typeof vector !== 'object' || vector === null || !('length' in vector)) {
      throw new TypeError(`embed returned ${describe(vector)} in place of a vector`);
    }
    return { embedding: Array.from(vector as ArrayLike<number>) };
  });
  try {
    return spelled({ data }) as string;
  } catch (error) {
    const why = (error as Error).message.replace(/^the request at /, '');
    throw new TypeError(`embed returned what is no vector: ${why}`);
  }
}
