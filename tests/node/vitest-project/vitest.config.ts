import f3dxCache from 'f3dx-cache/vitest';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The port of the mock provider is another one in each run.
  plugins: [f3dxCache({ path: 'llm.redb', hostAliases: { '127.0.0.1:*': 'api.openai.com' } })],
  test: {
    maxWorkers: 8,
    isolate: process.env.ISOLATE !== 'no',
    pool: (process.env.POOL ?? 'forks') as 'forks',
  },
});
