/** `cacheMiddleware`: records and replays the models of the AI SDK, above its providers. */

import { isComplete, kept, usageOf, type Part } from './ai-sdk/answer.js';
import { requestOf, type Model } from './ai-sdk/request.js';
import { recorded, replayed } from './ai-sdk/stream.js';
import { revived, spelled } from './ai-sdk/values.js';
import type { Cache, Claim } from './cache.js';
import { CacheMissError } from './errors.js';

export type { Model } from './ai-sdk/request.js';

// A test may put fake timers in the place of the real ones.
const now = performance.now.bind(performance);

/** A call as `wrapLanguageModel` hands it to a middleware. */
export interface Call {
  params: object;
  model: Model;
}

/** What `wrapLanguageModel` takes, in the `ai` packages 5, 6 and 7. */
export interface CacheMiddleware {
  /** `ai` 6 asks for this one; 5 and 7 take any. Results are of the model's own version. */
  readonly specificationVersion: 'v3';
  wrapGenerate<Result extends object>(
    call: Call & { doGenerate: () => PromiseLike<Result> },
  ): Promise<Result>;
  wrapStream<Result extends { stream: unknown }>(
    call: Call & { doStream: () => PromiseLike<Result> },
  ): Promise<Result>;
}

/**
 * Makes a middleware that records what a language model answers, and replays it.
 *
 *     const model = wrapLanguageModel({ model: openai('gpt-4o'), middleware: cacheMiddleware(cache) });
 *
 * A call is known by the model's provider, id and specification version, by whether it is a
 * stream, and by all its parameters but the abort signal and the headers (of which only
 * `…-beta` counts). Two providers with one name are one: give them names where a model's
 * answers differ. Not kept are the request that went out and the headers of the response,
 * so a recorded call does not return them either.
 *
 * Recorded are complete answers. A stream is read to its end even if the caller leaves it,
 * and is in the file before the caller sees its end.
 *
 * A miss in `replay` rejects with a `CacheMissError`; what goes wrong with the file, with a
 * `CacheError`.
 */
export function cacheMiddleware(cache: Cache): CacheMiddleware {
  return {
    specificationVersion: 'v3',

    async wrapGenerate<Result extends object>(
      call: Call & { doGenerate: () => PromiseLike<Result> },
    ) {
      if (cache.mode === 'off') return call.doGenerate();
      const request = requestOf(call.model, call.params, false);
      const found = await lookUp(cache, request, call.params);
      if (typeof found === 'string') return revived(found) as Result;
      try {
        const start = now();
        const result = await call.doGenerate();
        if (!isComplete([result])) return result;
        const answer = JSON.stringify(spelled(kept(result)));
        await cache.put(request, answer, metaOf(call.model, start, [result]));
        return revived(answer) as Result;
      } finally {
        found.release();
      }
    },

    async wrapStream<Result extends { stream: unknown }>(
      call: Call & { doStream: () => PromiseLike<Result> },
    ) {
      if (cache.mode === 'off') return call.doStream();
      const request = requestOf(call.model, call.params, true);
      const found = await lookUp(cache, request, call.params);
      if (typeof found === 'string') {
        return {
          stream: replayed(revived(found) as Part[], signalOf(call.params)),
        } as unknown as Result;
      }
      try {
        const start = now();
        const result = await call.doStream();
        const stream = recorded(result.stream as ReadableStream<Part>, async (parts, answer) => {
          try {
            if (isComplete(parts))
              await cache.put(request, answer, metaOf(call.model, start, parts));
          } finally {
            found.release();
          }
        });
        return { ...kept(result), stream } as Result;
      } catch (error) {
        found.release();
        throw error;
      }
    },
  };
}

const NO_CLAIM: Claim = { release() {}, [Symbol.dispose]() {} };

/** Returns what is recorded, or the right to call the model. */
async function lookUp(cache: Cache, request: object, params: object): Promise<string | Claim> {
  const signal = signalOf(params);
  signal?.throwIfAborted();
  const found = cache.get(request);
  if (found !== null) return found.toString();
  if (cache.mode === 'replay') throw new CacheMissError(cache.explain(request).toString());
  const { claim } = await cache.claim(request, { signal });
  if (claim !== undefined) return claim;
  // Recorded meanwhile, unless somebody removed it right away.
  return cache.get(request)?.toString() ?? NO_CLAIM;
}

function signalOf(params: object): AbortSignal | undefined {
  return (params as { abortSignal?: AbortSignal }).abortSignal;
}

function metaOf(model: Model, start: number, parts: object[]) {
  const usage = usageOf(parts);
  const took = { model: model.modelId, response_duration_ms: now() - start };
  return usage === undefined ? took : { ...took, usage };
}
