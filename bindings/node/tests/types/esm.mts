/** `import` and `require` give the same. */

import * as imported from 'f3dx-cache';
import type * as required from 'f3dx-cache' with { 'resolution-mode': 'require' };

// What `require` gives is `default` too, for `import` of it.
imported satisfies Omit<typeof required, 'default'>;

// One class, so that `instanceof` and private members agree.
export const same: required.Cache = imported.Cache.open();
