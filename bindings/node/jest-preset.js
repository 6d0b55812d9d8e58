/** `preset: 'f3dx-cache'` in the configuration of Jest. */

module.exports = {
  setupFilesAfterEnv: [require.resolve('./dist/jest.js')],
  globalSetup: require.resolve('./dist/jest/global-setup.js'),
  globalTeardown: require.resolve('./dist/jest/global-teardown.js'),
};
