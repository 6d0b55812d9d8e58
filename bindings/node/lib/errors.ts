/** What goes wrong, as classes of this package: native errors are no `Error` in Jest's realm. */

/** Which rule of the canonical form a JSON text breaks. */
export type JsonRule =
  | 'syntax'
  | 'trailing_data'
  | 'empty_input'
  | 'bom'
  | 'invalid_utf8'
  | 'duplicate_key'
  | 'lone_surrogate'
  | 'number_out_of_range'
  | 'too_deep';

/** Tells failures apart for programs. */
export type ErrorKind =
  | 'invalid_argument'
  | 'invalid_json'
  | 'io'
  | 'locked'
  | 'read_only'
  | 'corrupt'
  | 'unsupported_format'
  | 'full'
  | 'config_mismatch'
  | 'config'
  | 'callback'
  | 'invalid_row'
  | 'miss'
  | 'panic';

/**
 * A failure of f3dx-cache. The message names the thing, the place and the way out.
 *
 * `kind` tells failures apart; `panic` is a bug in this library. With `invalid_json`,
 * `rule` is the rule that the text breaks and `at` the byte at which it does.
 */
export class CacheError extends Error {
  override readonly name: string = 'CacheError';
  readonly kind: ErrorKind;
  readonly rule?: JsonRule;
  readonly at?: number;

  constructor(message: string, kind: ErrorKind, json?: { rule: JsonRule; at: number }) {
    super(message);
    this.kind = kind;
    if (json !== undefined) {
      this.rule = json.rule;
      this.at = json.at;
    }
  }
}

/**
 * An intercepted call that is not recorded, in a mode that sends none.
 *
 * `explanation` says what differs from the nearest recorded request, and which command
 * records it.
 */
export class CacheMissError extends CacheError {
  override readonly name = 'CacheMissError';
  readonly explanation: string;

  constructor(explanation: string) {
    super(explanation, 'miss');
    this.explanation = explanation;
  }
}

/** Calls the native module; what it throws becomes a `CacheError`. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

/** Awaits the native module; what it rejects with becomes a `CacheError`. */
export async function guardedAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

interface Told {
  kind: ErrorKind;
  message: string;
  rule?: JsonRule;
  at?: number;
}

/** Makes a `CacheError` of what the native module threw: its message is JSON text. */
export function fromNative(thrown: unknown): unknown {
  if (thrown instanceof CacheError) return thrown;
  const message = String((thrown as { message?: unknown } | null)?.message ?? thrown);
  let told: Told;
  try {
    told = JSON.parse(message) as Told;
  } catch {
    // Of the binding itself: an argument of the wrong type.
    return new CacheError(message, 'invalid_argument');
  }
  const json = told.rule === undefined ? undefined : { rule: told.rule, at: told.at ?? 0 };
  const text = told.kind === 'config' ? inCamelCase(told.message) : told.message;
  return new CacheError(text, told.kind, json);
}

/** Core calls the options as `f3dx-cache.toml` does. */
function inCamelCase(message: string): string {
  const camelCase = (name: string) =>
    name.replace(/_[a-z]/g, (pair) => pair.charAt(1).toUpperCase());
  const named = message.replace(/^option \w+/, camelCase);
  return named.includes(': unknown field `') ? named.replace(/`\w+`/g, camelCase) : named;
}
