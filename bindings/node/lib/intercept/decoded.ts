/** Undoes the content-encoding of a body, piece by piece. */

import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

/** Takes an encoded piece; resolves to what it decodes to, with the pieces before it. */
export type Decode = (piece: Uint8Array) => Promise<Uint8Array[]>;

/** Returns what undoes a content-encoding; `undefined` if there is none to undo. */
export function decoderOf(encodings: string): Decode | undefined {
  const names = encodings
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length === 0) return undefined;
  // What was applied last is undone first.
  const stages = names.reverse().map(stage);
  return async (piece) => {
    let pieces: Uint8Array[] = [piece];
    for (const decode of stages) {
      const decoded: Uint8Array[] = [];
      for (const part of pieces) decoded.push(...(await decode(part)));
      pieces = decoded;
    }
    return pieces;
  };
}

function stage(name: string): Decode {
  // Servers send what they have so far, so every piece is flushed; the last one may be cut.
  const flushed = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return through(zlib.createGunzip(flushed));
    case 'deflate':
      return deflate();
    case 'br': {
      const flush = zlib.constants.BROTLI_OPERATION_FLUSH;
      return through(zlib.createBrotliDecompress({ flush, finishFlush: flush }));
    }
    case 'zstd': {
      // Since Node 22.15.
      const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
      if (createZstdDecompress !== undefined) return through(createZstdDecompress());
    }
  }
  return () => Promise.reject(new Error(`the content-encoding ${name} is not known here`));
}

/** With the header of zlib, as the standard says, or without, as some send it. */
function deflate(): Decode {
  let decode: Decode | undefined;
  return (piece) => {
    if (piece.byteLength === 0) return Promise.resolve([]);
    decode ??= through(
      ((piece[0] as number) & 15) === 8 ? zlib.createInflate() : zlib.createInflateRaw(),
    );
    return decode(piece);
  };
}

function through(stream: Transform): Decode {
  let parts: Uint8Array[] = [];
  const take = () => {
    for (let part; (part = stream.read() as Uint8Array | null) !== null;) parts.push(part);
  };
  let failed: (error: unknown) => void = () => {};
  stream.on('readable', take);
  // zlib does not call back a write that fails.
  stream.on('error', (error) => failed(error));
  return (piece) =>
    new Promise((resolve, reject) => {
      failed = reject;
      stream.write(piece, (error) => {
        if (error) {
          reject(error);
          return;
        }
        take();
        resolve(parts);
        parts = [];
      });
    });
}
