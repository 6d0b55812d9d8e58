/** The plugin in the configuration of Vitest. */

import f3dxCache from 'f3dx-cache/vitest';
import { defineConfig } from 'vitest/config';

export default defineConfig({ plugins: [f3dxCache()] });
defineConfig({ plugins: [f3dxCache({ mode: 'replay', path: 'llm.redb' })] });

// @ts-expect-error A mode is one of five words.
f3dxCache({ mode: 'replays' });
