import { defineConfig } from 'vitest/config';
import f3dxCache from 'f3dx-cache/vitest';

export default defineConfig({ plugins: [f3dxCache()] });
