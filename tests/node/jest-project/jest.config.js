module.exports = {
  preset: 'f3dx-cache',
  testEnvironment: process.env.ENVIRONMENT ?? 'node',
  maxWorkers: 8,
  // The port of the mock provider is another one in each run.
  globals: { f3dxCache: { path: 'llm.redb', hostAliases: { '127.0.0.1:*': 'api.openai.com' } } },
};
