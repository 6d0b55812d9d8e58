/** From a request, an object or JSON text, to bytes. */

/** A request: JSON text as bytes or string, or a value that JSON can spell. */
export type Request = Uint8Array | string | object;

/** JSON text: the first `length` bytes of a buffer that the next call reuses. */
export interface Text {
  bytes: Uint8Array;
  length: number;
}

let scratch = Buffer.allocUnsafeSlow(64 << 10);

/**
 * Returns a request as JSON text, valid until the next call.
 *
 * An object goes through `JSON.stringify`, with its rules for `toJSON` and `undefined`
 * members. What it would lose in silence (NaN, a Map, a function in an array) or cannot
 * spell (a BigInt, a cycle) is a `TypeError` that names the place.
 */
export function textOf(request: Request): Text {
  if (typeof request === 'string') return written(wellFormed(request));
  if (ArrayBuffer.isView(request)) {
    if (!(request instanceof Uint8Array) && Object.prototype.toString.call(request) !== '[object Uint8Array]') {
      throw new TypeError('a request in bytes is a Uint8Array');
    }
    return { bytes: request as Uint8Array, length: request.byteLength };
  }
  if (typeof request !== 'object' || request === null) {
    throw new TypeError(`a request is an object, JSON text or bytes, not ${describe(request)}`);
  }
  return written(JSON.stringify(plain(request, '', [])));
}

/** Writes text into the reused buffer. */
export function written(text: string): Text {
  // A UTF-16 unit is at most three bytes.
  if (text.length * 3 > scratch.length) {
    const needed = Buffer.byteLength(text);
    if (needed > scratch.length) scratch = Buffer.allocUnsafeSlow(needed * 2);
  }
  return { bytes: scratch, length: scratch.write(text) };
}

/** Bytes would have U+FFFD in the place of half a surrogate pair: another request. */
function wellFormed(text: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text;
  throw new TypeError('the JSON text holds half a surrogate pair; no UTF-8 spells it');
}

/**
 * Returns the value that `JSON.stringify` would spell, after `toJSON`, and fails where it
 * would guess. What needs no change is returned as it is.
 */
function plain(value: unknown, path: string, above: object[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw unsupported(path, `${value} has no JSON spelling`);
    case 'bigint':
      throw unsupported(path, 'a BigInt has no JSON spelling; pass the request as JSON text');
    case 'object':
      break;
    default:
      throw unsupported(path, `${describe(value)} has no JSON spelling`);
  }
  if (value === null) return null;
  if (above.includes(value)) throw unsupported(path, 'the object contains itself');
  if (above.length > 1000) throw unsupported(path, 'more than 1,000 levels');
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    const key = path.slice(path.lastIndexOf('/') + 1);
    const made = (value as { toJSON(key: string): unknown }).toJSON(key);
    // As in JSON.stringify, a member of which `toJSON` makes nothing is absent.
    return made === undefined ? undefined : plain(made, path, [...above, value]);
  }
  above.push(value);
  const found = Array.isArray(value)
    ? plainArray(value, path, above)
    : plainObject(value as Record<string, unknown>, path, above);
  above.pop();
  return found;
}

function plainArray(array: unknown[], path: string, above: object[]): unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < array.length; index++) {
    const value = array[index];
    const found = plain(value, `${path}/${index}`, above);
    if (found === undefined) throw unsupported(`${path}/${index}`, 'undefined has no JSON spelling');
    if (found !== value) (copy ??= array.slice())[index] = found;
  }
  return copy ?? array;
}

function plainObject(object: Record<string, unknown>, path: string, above: object[]): object {
  const kind = Object.prototype.toString.call(object);
  if (kind === '[object Number]' || kind === '[object String]' || kind === '[object Boolean]') {
    return plain((object as unknown as { valueOf(): unknown }).valueOf(), path, above) as object;
  }
  if (kind !== '[object Object]' || object instanceof WeakRef) {
    throw unsupported(path, `${describe(object)} has no JSON spelling`);
  }
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    const found = plain(value, `${path}/${key}`, above);
    if (found !== value) (copy ??= { ...object })[key] = found;
  }
  return copy ?? object;
}

function unsupported(path: string, why: string): TypeError {
  return new TypeError(`the request at ${JSON.stringify(path)}: ${why}`);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
  return `a ${(value.constructor as { name?: string } | undefined)?.name ?? 'value'}`;
}
