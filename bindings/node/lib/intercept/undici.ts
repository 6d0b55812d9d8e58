/** The dispatcher that undici and Node's `fetch` send with. */

const GLOBAL = Symbol.for('undici.globalDispatcher.1');

/** Returns the dispatcher beneath ours; `undefined` if undici was not used yet. */
export function beneath(): object | undefined {
  return (globalThis as { [GLOBAL]?: object })[GLOBAL];
}

/** Returns whether a dispatcher answers in the place of a network. */
export function isMock(dispatcher: object | undefined): boolean {
  for (let kind = dispatcher; kind; kind = Object.getPrototypeOf(kind) as object | undefined) {
    const name = (kind.constructor as { name?: string } | undefined)?.name ?? '';
    if (/^(Mock|Snapshot)(Agent|Pool|Client)$/.test(name)) return true;
  }
  return false;
}
