/** Values that JSON lacks and language models have: bytes, dates and URLs. */

const BYTES = '$f3dx:bytes';
const DATE = '$f3dx:date';
const URL_OF = '$f3dx:url';

/**
 * Returns a value in which bytes, dates and URLs are spelled in JSON.
 *
 * As in `JSON.stringify`, members that are undefined or functions are left out. What else
 * JSON cannot spell is left as it is, for others to refuse.
 */
export function spelled(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => (isNothing(item) ? null : spelled(item)));
  const kind = Object.prototype.toString.call(value);
  if (kind === '[object Uint8Array]') {
    return { [BYTES]: Buffer.from(value as Uint8Array).toString('base64') };
  }
  if (kind === '[object ArrayBuffer]') {
    return { [BYTES]: Buffer.from(value as ArrayBuffer).toString('base64') };
  }
  if (kind === '[object Date]') {
    const text = (value as Date).toJSON() as string | null;
    return text === null ? null : { [DATE]: text };
  }
  if (kind === '[object URL]') return { [URL_OF]: (value as URL).href };
  if (kind !== '[object Object]') return value;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value;
  const members = Object.entries(value).filter(([, member]) => !isNothing(member));
  return Object.fromEntries(members.map(([name, member]) => [name, spelled(member)]));
}

/** Returns the value of a JSON text, with bytes, dates and URLs as they were. */
export function revived(text: string): unknown {
  if (!text.includes('"$f3dx:')) return JSON.parse(text);
  return JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const [name, ...more] = Object.keys(value);
    if (name === undefined || more.length > 0) return value;
    const spelling: unknown = (value as Record<string, unknown>)[name];
    if (typeof spelling !== 'string') return value;
    if (name === BYTES) return new Uint8Array(Buffer.from(spelling, 'base64'));
    if (name === DATE) return new Date(spelling);
    return name === URL_OF ? new URL(spelling) : value;
  });
}

function isNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol';
}
