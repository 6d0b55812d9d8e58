/** The middleware fits each major of `ai` without a cast. */

import type { LanguageModelV3, LanguageModelV3Middleware } from '@ai-sdk/provider';
import * as ai6 from 'ai';
import * as ai5 from 'ai5';
import * as ai7 from 'ai7';
import type { LanguageModelV2, LanguageModelV2Middleware } from 'provider5';
import type { LanguageModelV4, LanguageModelV4Middleware } from 'provider7';
import { cacheMiddleware, type CacheMiddleware } from 'f3dx-cache/ai-sdk';
import { Cache } from 'f3dx-cache';

const cache = Cache.open();
const middleware: CacheMiddleware = cacheMiddleware(cache);

export function majors(v2: LanguageModelV2, v3: LanguageModelV3, v4: LanguageModelV4): void {
  v2 = ai5.wrapLanguageModel({ model: v2, middleware });
  v3 = ai6.wrapLanguageModel({ model: v3, middleware });
  v4 = ai7.wrapLanguageModel({ model: v4, middleware });
  ai6.wrapLanguageModel({
    model: v3,
    middleware: [cacheMiddleware(cache), ai6.extractReasoningMiddleware({ tagName: 'think' })],
  });
  ai7.wrapLanguageModel({ model: v3, middleware: [cacheMiddleware(cache)] });
}

export const asV2: LanguageModelV2Middleware = middleware;
export const asV3: LanguageModelV3Middleware = middleware;
export const asV4: Omit<LanguageModelV4Middleware, 'specificationVersion'> = middleware;

// @ts-expect-error It is made of a cache.
cacheMiddleware();
// @ts-expect-error Of an open one, not of its path.
cacheMiddleware('llm.redb');
