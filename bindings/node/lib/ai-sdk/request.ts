/** From a call of a language model to the request document that is its address. */

import { spelled } from './values.js';

/** What is read of a model, of whichever version. */
export interface Model {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
}

/**
 * Returns the request document of a call.
 *
 * The specification version is in it because results differ by it: what one major of `ai`
 * recorded is no answer for another.
 */
export function requestOf(model: Model, params: object, stream: boolean): object {
  const { abortSignal, headers, ...rest } = params as Record<string, unknown>;
  const { specificationVersion, provider, modelId } = model;
  const document = { specificationVersion, provider, model: modelId, stream, params: rest };
  const betas = betasOf(headers as Record<string, string | undefined> | undefined);
  return spelled(betas === undefined ? document : { ...document, headers: betas }) as object;
}

/** Of all headers, those that switch a provider's features on change the answer. */
function betasOf(headers: Record<string, string | undefined> = {}): object | undefined {
  const betas = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => name.endsWith('-beta') && value !== undefined);
  return betas.length === 0 ? undefined : Object.fromEntries(betas);
}
