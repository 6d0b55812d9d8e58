/** The Vitest plugin: the LLM calls of every test are recorded once and replayed. */

export { f3dxCache as default, f3dxCache } from './vitest/plugin.js';
export type { F3dxCacheOptions, F3dxCachePlugin } from './vitest/plugin.js';
