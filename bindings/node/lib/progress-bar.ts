/** A line on standard error that says how far a replay is. */

import type { Verdict } from './diff.js';
import type { Progress } from './replay.js';

/** The verdicts that need a look. */
const LOOK: readonly Verdict[] = ['different', 'inconclusive', 'error'];
const WIDTH = 24;
const EVERY_MS = 100;

// A test may put fake timers in the place of the real ones.
const now = performance.now.bind(performance);

/** A line that is written over and over, and taken away at the end. */
export class ProgressBar {
  #look = 0;
  #shown = -Infinity;

  constructor(private readonly stream: Pick<NodeJS.WriteStream, 'write'> = process.stderr) {}

  /** Counts a row, and writes if the last time was a while ago. */
  readonly show = ({ done, bad, total, verdict }: Progress): void => {
    if (verdict !== null && LOOK.includes(verdict)) this.#look += 1;
    if (now() - this.#shown < EVERY_MS) return;
    this.#shown = now();
    const parts = [total === null ? `${done} rows` : `${bar(done, total)} ${done}/${total} rows`];
    if (this.#look > 0) parts.push(`${this.#look} to look at`);
    if (bad > 0) parts.push(`${bad} unreadable`);
    this.stream.write(`\r\x1b[Kreplay: ${parts.join(', ')}`);
  };

  /** Takes the line away. */
  end(): void {
    if (this.#shown > -Infinity) this.stream.write('\r\x1b[K');
  }
}

function bar(done: number, total: number): string {
  const full = total === 0 ? WIDTH : Math.round((done / total) * WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}]`;
}
