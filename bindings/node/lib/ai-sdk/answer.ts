/** What a language model answers: what is kept of it, and whether it may be. */

import type { Usage } from '../cache.js';

/** A part of a stream. */
export interface Part {
  type?: string;
}

interface End extends Part {
  /** A word in LanguageModelV2, an object since. */
  finishReason?: string | { unified?: string };
  /** Numbers in LanguageModelV2, objects since. */
  usage?: { inputTokens?: Tokens; outputTokens?: Tokens };
}

type Tokens = number | { total?: number } | undefined;

/** Reasons of an end that is none. */
const BROKEN = new Set(['error', 'interrupted']);

/**
 * Returns a result without the request that went out and the response's headers: both may
 * hold secrets, and neither is part of the answer.
 */
export function kept<Result extends object>(result: Result): Result {
  const { request, response, ...rest } = result as { request?: unknown; response?: object };
  if (response === undefined) return rest as Result;
  const { headers, ...told } = response as { headers?: unknown };
  return { ...rest, response: told } as unknown as Result;
}

/** Returns whether a result, or the parts of a stream, are a whole answer. */
export function isComplete(parts: object[]): boolean {
  const reason = endOf(parts)?.finishReason;
  const word = typeof reason === 'object' ? reason.unified : reason;
  if (word === undefined || BROKEN.has(word)) return false;
  return !parts.some((part) => (part as Part).type === 'error');
}

/** Returns the tokens that a result, or the parts of a stream, report. */
export function usageOf(parts: object[]): Usage | undefined {
  const { inputTokens, outputTokens } = endOf(parts)?.usage ?? {};
  const [input, output] = [countOf(inputTokens), countOf(outputTokens)];
  if (input === undefined && output === undefined) return undefined;
  return { input_tokens: input ?? 0, output_tokens: output ?? 0 };
}

function endOf(parts: object[]): End | undefined {
  return (parts as End[]).findLast((part) => part.finishReason !== undefined);
}

function countOf(tokens: Tokens): number | undefined {
  return typeof tokens === 'object' ? tokens.total : tokens;
}
