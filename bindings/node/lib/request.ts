/** From a request, an object or JSON text, to bytes. */

import { types } from 'node:util';

/** A request: JSON text as bytes or string, or a value that JSON can spell. */
export type Request = Uint8Array | string | object;

/** JSON text: the first `length` bytes of a buffer that the next call reuses. */
export interface Text {
  bytes: Uint8Array;
  length: number;
}

/** A longer text gets a buffer of its own, so that its memory is freed. */
const KEPT = 1 << 20;

let scratch = Buffer.allocUnsafeSlow(64 << 10);

/**
 * Returns a request as JSON text, valid until the next call.
 *
 * Of an object, it is the text that `JSON.stringify` makes, with its rules for `toJSON`, for
 * members that are `undefined`, not enumerable or named by a symbol, and for what an array has
 * beside its items. What `JSON.stringify` would lose in silence (NaN, a Map, a function, a class
 * without `toJSON`) or cannot spell (a BigInt, a cycle) is a `TypeError` that names the place.
 */
export function textOf(request: Request): Text {
  if (typeof request === 'string') return written(wellFormed(request));
  if (ArrayBuffer.isView(request)) return viewed(request);
  if (typeof request !== 'object' || request === null) {
    throw new TypeError(`a request is an object, JSON text or bytes, not ${describe(request)}`);
  }
  const text = spelled(request);
  if (text === undefined) throw unspellable(undefined, 'toJSON made nothing of it');
  return written(text);
}

/** Writes text into the reused buffer. */
export function written(text: string): Text {
  // A UTF-16 unit is at most three bytes.
  if (text.length * 3 > scratch.length) {
    const length = Buffer.byteLength(text);
    if (length > KEPT) return { bytes: Buffer.from(text), length };
    if (length > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.min(length * 2, KEPT));
  }
  return { bytes: scratch, length: scratch.write(text) };
}

/** Returns bytes that nobody changes while they are read. */
export function steady(bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === 0 && isDetached(bytes.buffer)) {
    throw new TypeError('the bytes are gone: their buffer was transferred');
  }
  return types.isSharedArrayBuffer(bytes.buffer) ? Buffer.from(bytes) : bytes;
}

/** A view of a buffer that was transferred looks empty. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer, 0, 0);
    return false;
  } catch {
    return true;
  }
}

function viewed(view: ArrayBufferView): Text {
  if (!types.isUint8Array(view)) throw new TypeError('a request in bytes is a Uint8Array');
  const bytes = steady(view);
  const length = bytes.byteLength;
  if (length > 0xffff_ffff) throw new TypeError('a request in bytes is shorter than 4 GiB');
  return { bytes, length };
}

/** Bytes would have U+FFFD in the place of half a surrogate pair: another request. */
function wellFormed(text: string): string {
  if (isWellFormed(text)) return text;
  throw new TypeError('the JSON text holds half a surrogate pair; no UTF-8 spells it');
}

/** Whether UTF-8 can spell a text: it holds no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

/** What a JSON string spells with an escape, and halves of surrogate pairs. */
// eslint-disable-next-line no-control-regex
const UNUSUAL = /["\\\u0000-\u001f\ud800-\udfff]/;

/** An array or object that is being spelled, the name of what is being spelled in it. */
interface Level {
  of: object;
  name: string | number;
  outer: Level | undefined;
}

/**
 * Returns the text of a value; `undefined` of what is absent.
 *
 * Every member is read once: a second look at a getter, a proxy or what `toJSON` changes might
 * see something else than what was checked.
 */
export function spelled(value: unknown, level?: Level): string | undefined {
  switch (typeof value) {
    case 'string':
      return spelledString(value, level);
    case 'object':
      return value === null ? 'null' : spelledObject(value, level);
    case 'number':
      if (Number.isFinite(value)) return `${value}`;
      throw unspellable(level, `${value} has no JSON spelling`);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return undefined;
    case 'bigint': {
      const { toJSON } = value as { toJSON?: unknown };
      if (typeof toJSON === 'function') return spelledMade(toJSON, value, level);
      throw unspellable(level, 'a BigInt has no JSON spelling; pass the request as JSON text');
    }
    default:
      throw unspellable(level, `${describe(value)} has no JSON spelling`);
  }
}

function spelledString(text: string, level: Level | undefined): string {
  if (!UNUSUAL.test(text)) return `"${text}"`;
  if (isWellFormed(text)) return JSON.stringify(text);
  throw unspellable(level, 'half a surrogate pair; no UTF-8 spells it');
}

function spelledObject(object: object, level: Level | undefined): string | undefined {
  const { toJSON } = object as { toJSON?: unknown };
  if (typeof toJSON === 'function') return spelledMade(toJSON, object, level);
  return spelledParts(object, level);
}

/** Spells what `toJSON` makes of a value; its own `toJSON` is not called, as in JSON.stringify. */
function spelledMade(toJSON: Function, value: unknown, level: Level | undefined) {
  const made: unknown = toJSON.call(value, `${level?.name ?? ''}`);
  if (typeof made === 'object' && made !== null) return spelledParts(made, level);
  if (made === null && types.isDate(value)) throw unspellable(level, 'the Date is no date');
  if (typeof made !== 'bigint') return spelled(made, level);
  throw unspellable(level, 'toJSON made a BigInt, which has no JSON spelling');
}

function spelledParts(object: object, outer: Level | undefined): string {
  let levels = 0;
  for (let level = outer; level !== undefined; level = level.outer) {
    if (level.of === object) throw unspellable(outer, 'the object contains itself');
    levels += 1;
  }
  if (levels > 1000) throw unspellable(outer, 'more than 1,000 levels');
  const level = { of: object, name: '', outer };
  if (Array.isArray(object)) return spelledItems(object, level);
  return isPlain(object) ? spelledMembers(object, level) : spelledOther(object, outer);
}

function spelledItems(array: unknown[], level: Level): string {
  const { length } = array;
  let items = '[';
  for (let index = 0; index < length; index++) {
    level.name = index;
    const text = spelled(array[index], level);
    if (text === undefined) throw unspellable(level, 'undefined has no JSON spelling');
    items += index === 0 ? text : `,${text}`;
  }
  return `${items}]`;
}

function spelledMembers(object: object, level: Level): string {
  let members = '{';
  let isFirst = true;
  for (const name of Object.keys(object)) {
    level.name = name;
    const text = spelled((object as Record<string, unknown>)[name], level);
    if (text === undefined) continue;
    if (isFirst) isFirst = false;
    else members += ',';
    members += spelledName(name, level);
    members += text;
  }
  return `${members}}`;
}

/** The names of members are few, and the same in every request. */
const knownNames = new Map<string, string>();

function spelledName(name: string, level: Level): string {
  let text = knownNames.get(name);
  if (text === undefined) {
    text = `${spelledString(name, level)}:`;
    if (name.length <= 64 && knownNames.size < 4096) knownNames.set(name, text);
  }
  return text;
}

/** Boxed primitives and `JSON.rawJSON`; anything else has state that no member shows. */
function spelledOther(object: object, level: Level | undefined): string {
  if (isRaw(object) && isWellFormed(object.rawJSON)) return object.rawJSON;
  if (types.isNumberObject(object)) return spelled(Number(object), level) as string;
  if (types.isStringObject(object)) return spelledString(String(object), level);
  if (types.isBooleanObject(object)) return `${Boolean.prototype.valueOf.call(object)}`;
  const what = describe(object);
  throw unspellable(level, `${what} has no JSON spelling; give it a toJSON or convert it`);
}

function unspellable(level: Level | undefined, why: string): TypeError {
  let path = '';
  for (let at = level; at !== undefined; at = at.outer) {
    path = `/${`${at.name}`.replaceAll('~', '~0').replaceAll('/', '~1')}${path}`;
  }
  if (path.length > 200) path = `${path.slice(0, 200)}…`;
  return new TypeError(`the request at ${JSON.stringify(path)}: ${why}`);
}

/** Whether an object is one as a literal makes, in any realm. */
export function isPlain(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === Object.prototype) return true;
  if (prototype === null) return !isRaw(object);
  // In Jest, the objects of the test have another `Object.prototype`.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** Whether it is made by `JSON.rawJSON`, of Node 22. */
function isRaw(object: object): object is { rawJSON: string } {
  const { isRawJSON } = JSON as { isRawJSON?(value: unknown): boolean };
  return isRawJSON !== undefined && isRawJSON(object);
}

/** Names the kind of a value, for errors. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  let name: unknown = typeof value;
  if (typeof value === 'object') name = (value.constructor as { name?: unknown } | undefined)?.name;
  if (typeof name !== 'string' || name === '') name = 'value';
  return `${/^[AEIO]/i.test(name as string) ? 'an' : 'a'} ${name as string}`;
}
