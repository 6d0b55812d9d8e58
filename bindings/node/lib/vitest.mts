/** The same for `import`. */

export { f3dxCache as default, f3dxCache } from './vitest/plugin.js';
export type { F3dxCacheOptions, F3dxCachePlugin } from './vitest/plugin.js';
