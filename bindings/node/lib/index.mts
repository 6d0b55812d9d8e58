/** The same for `import`: one copy of the state, however the package is loaded. */

export {
  Cache,
  CacheError,
  CacheMissError,
  canonicalize,
  fingerprint,
  override,
  recover,
  use,
  verify,
  version,
} from './index.js';
export type * from './index.js';
