/**
 * Stops connections to providers during a replay, before a name is resolved or a socket opens.
 *
 * It stands behind the patches: what gets here was made by a client that is not intercepted
 * (a socket, HTTP/2, a dispatcher of one's own), or is no HTTP call. `tls`, `http2` and undici
 * all connect through `net.Socket`. Connections to anything but a provider are not touched.
 *
 * Not seen are connections through a proxy, those to an address whose name was resolved
 * before (unless TLS names the host), and those of child processes and native modules.
 */

import net from 'node:net';
import { CacheMissError, guarded } from '../errors.js';
import { active } from './active.js';

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;
const prototype = net.Socket.prototype as unknown as { connect: Connect };

let patch: { original: Connect; replacement: Connect } | undefined;

/** Guards connections. */
export function install(): void {
  const original = prototype.connect;
  const replacement: Connect = function connect(...args) {
    const reason = refusalOf(args);
    if (reason === undefined) return original.apply(this, args);
    // As a connection that fails: later, when whoever asked for it is listening.
    Object.assign(this, { connecting: true });
    process.nextTick(() => this.destroy(new CacheMissError(reason)));
    return this;
  };
  patch = { original, replacement };
  prototype.connect = replacement;
}

/** Ends the guard, but leaves what somebody else has patched over it: it passes everything then. */
export function uninstall(): void {
  if (patch !== undefined && prototype.connect === patch.replacement)
    prototype.connect = patch.original;
  patch = undefined;
}

/** Returns why a connection is refused. */
function refusalOf(args: unknown[]): string | undefined {
  const cache = active()?.cache;
  if (cache === undefined || cache.closed) return undefined;
  const { host, port, servername } = targetOf(args);
  if (port === undefined) return undefined;
  for (const name of new Set([host, servername])) {
    if (typeof name !== 'string' || name === '') continue;
    const reason = guarded(() => cache.native.refuseConnection(name, port));
    if (reason !== null) return reason;
  }
  return undefined;
}

interface Target {
  host?: unknown;
  port?: number | undefined;
  servername?: unknown;
}

/** Reads where to: `(options)`, `(port, host)`, or as `net.connect` hands its arguments on. */
function targetOf(args: unknown[]): Target {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first !== 'object' || first === null) return { host: second, port: portOf(first) };
  const { host, port, path, servername } = first as Record<string, unknown>;
  if (typeof path === 'string') return {};
  return { host, port: portOf(port), servername };
}

function portOf(port: unknown): number | undefined {
  // `(path)`, a local socket, is no number.
  const number = typeof port === 'string' && port !== '' ? Number(port) : port;
  return typeof number === 'number' && number > 0 && number < 65536 ? number : undefined;
}
