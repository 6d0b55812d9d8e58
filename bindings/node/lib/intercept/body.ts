/** The bodies that undici takes. */

/** A body as bytes or text, and its content type if the body decides it. */
export interface Body {
  bytes: string | Uint8Array;
  type?: string;
}

/** Returns a body that is at hand; `undefined` if it has to be read. */
export function atHand(body: unknown): Body | undefined {
  if (body === null || body === undefined) return { bytes: '' };
  if (typeof body === 'string') return { bytes: body };
  if (ArrayBuffer.isView(body))
    return { bytes: new Uint8Array(body.buffer, body.byteOffset, body.byteLength) };
  if (isKind(body, 'ArrayBuffer')) return { bytes: new Uint8Array(body as ArrayBuffer) };
  return undefined;
}

/** Reads a body to its end: a form, a blob, a stream or another iterable of pieces. */
export async function read(body: unknown): Promise<Body> {
  if (isKind(body, 'FormData')) return readForm(body as FormData);
  if (isKind(body, 'Blob') || isKind(body, 'File')) {
    return { bytes: new Uint8Array(await (body as Blob).arrayBuffer()) };
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of body as AsyncIterable<string | Uint8Array>) {
    pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  }
  return { bytes: Buffer.concat(pieces) };
}

async function readForm(form: FormData): Promise<Body> {
  // It may be of another undici than Node's, whose `Response` takes only its own.
  const own = new FormData();
  for (const [name, value] of form) {
    if (typeof value === 'string') own.append(name, value);
    else own.append(name, value, value.name);
  }
  const spelled = new Response(own);
  const type = spelled.headers.get('content-type') as string;
  return { bytes: new Uint8Array(await spelled.arrayBuffer()), type };
}

function isKind(body: unknown, name: string): boolean {
  return Object.prototype.toString.call(body) === `[object ${name}]`;
}
