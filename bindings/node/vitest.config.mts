import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks',
    // Not the modes of a user's suite: the tests ask for theirs.
    env: {
      CI: '',
      F3DX_CACHE_MODE: '',
      F3DX_CACHE_PATH: '',
      F3DX_CACHE_DIR: '',
      F3DX_CACHE_HOSTS: '',
    },
    // Most wait for processes that they start.
    maxWorkers: '100%',
    testTimeout: 30_000,
  },
});
