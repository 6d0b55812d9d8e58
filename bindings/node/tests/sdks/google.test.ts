import { GoogleGenAI, Type } from '@google/genai';
import { keepsItsPromises } from './contract.js';

const model = 'gemini-2.5-flash';

keepsItsPromises('@google/genai', (url) => {
  const { models } = new GoogleGenAI({ apiKey: 'a-key', httpOptions: { baseUrl: url } });
  const city = { type: Type.OBJECT, properties: { city: { type: Type.STRING } } };
  const tools = [{ functionDeclarations: [{ name: 'weather', parameters: city }] }];
  const weather = { model, contents: 'Weather?' };
  return {
    ask: async (prompt) => seen(await models.generateContent({ model, contents: prompt })),
    askAgain: async (prompt) => {
      const httpOptions = { baseUrl: url, retryOptions: { initialDelay: 0.001 } };
      const patient = new GoogleGenAI({ apiKey: 'a-key', httpOptions });
      return seen(await patient.models.generateContent({ model, contents: prompt }));
    },
    async *stream(prompt) {
      for await (const chunk of await models.generateContentStream({ model, contents: prompt }))
        yield seen(chunk);
    },
    more: {
      'a tool call': {
        calls: 1,
        make: async () =>
          (await models.generateContent({ ...weather, config: { tools } })).functionCalls,
      },
      'a structured answer': {
        calls: 1,
        make: async () => {
          const config = { responseMimeType: 'application/json', responseSchema: city };
          return (await models.generateContent({ ...weather, config })).text;
        },
      },
      embeddings: {
        calls: 1,
        make: async () =>
          seen(
            await models.embedContent({ model: 'gemini-embedding-001', contents: ['Hi', 'Ho'] }),
          ),
      },
    },
  };
});

/** Without the headers of the response, of which few are kept. */
function seen<T extends { sdkHttpResponse?: { headers?: Record<string, string> } }>(
  response: T,
): T {
  if (response.sdkHttpResponse?.headers !== undefined) {
    const { 'content-type': type = '' } = response.sdkHttpResponse.headers;
    response.sdkHttpResponse.headers = { 'content-type': type };
  }
  return response;
}
