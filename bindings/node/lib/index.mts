/** The same for `import`: one copy of the state, however the package is loaded. */

export {
  Cache,
  CacheError,
  CacheMissError,
  canonicalize,
  diff,
  fingerprint,
  modelCall,
  override,
  readTraces,
  recover,
  replay,
  Report,
  Traces,
  use,
  verify,
  version,
} from './index.js';
export type * from './index.js';
