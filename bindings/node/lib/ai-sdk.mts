/** The same for `import`: one copy of the state, however the package is loaded. */

export { cacheMiddleware } from './ai-sdk.js';
export type * from './ai-sdk.js';
