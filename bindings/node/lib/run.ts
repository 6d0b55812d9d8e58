/**
 * One run of a test runner, as its owner sees it: the process that starts the workers.
 *
 * Workers learn of it from two environment variables, leave what they did in its folder,
 * and the owner adds that up, compacts and tells.
 */

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { Cache } from './cache.js';
import type { Mode } from './options.js';
import { mergeSummaries, summaryLines, type Summary } from './summary.js';

/** What one session did, on which file. */
export interface Did {
  mode: Mode;
  path: string;
  summary: Summary;
}

/** What a worker leaves when a test file ends. */
export interface Report {
  did: Did[];
  warnings: string[];
}

/** The variables that tell a worker of its run. */
export interface RunVariables {
  /** What was recorded in the run is a hit in `refresh`. */
  F3DX_CACHE_RUN_ID: string;
  /** Where reports are left. */
  F3DX_CACHE_RUN_FOLDER: string;
}

// Of this process: the next run of a watching runner replaces them, an outer run's stay.
let own: string | undefined;
let runs = 0;

/**
 * Begins a run: sets the variables that workers inherit, and returns them.
 *
 * A run within another, whose id is set already, is part of that one.
 */
export function beginRun(): RunVariables {
  const outer = process.env.F3DX_CACHE_RUN_ID;
  if (!outer || outer === own) {
    own = `${Date.now()}-${process.pid}${runs === 0 ? '' : `-${runs}`}`;
    runs += 1;
  }
  const variables = {
    F3DX_CACHE_RUN_ID: outer && outer !== own ? outer : own!,
    F3DX_CACHE_RUN_FOLDER: mkdtempSync(join(tmpdir(), 'f3dx-cache-run-')),
  };
  Object.assign(process.env, variables);
  return variables;
}

/** Ends a run: compacts what was recorded in, and returns the lines that tell of the run. */
export async function endRun(): Promise<string[]> {
  const folder = process.env.F3DX_CACHE_RUN_FOLDER;
  if (folder === undefined) return [];
  delete process.env.F3DX_CACHE_RUN_FOLDER;
  if (process.env.F3DX_CACHE_RUN_ID === own) delete process.env.F3DX_CACHE_RUN_ID;
  const reports = readdirSync(folder).map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report,
  );
  rmSync(folder, { recursive: true, force: true });
  const did = merged(reports.flatMap((report) => report.did));
  const warnings = reports.flatMap((report) => report.warnings);
  warnings.push(...(await compact(did)));
  return [
    ...did.flatMap(({ summary, mode, path }) => summaryLines(summary, mode, path)),
    ...[...new Set(warnings)].map((warning) => `warning: ${warning}`),
  ];
}

let left = 0;

/** Leaves what a test file did for the owner of the run, if there is one. */
export function leaveReport(report: Report): void {
  const folder = process.env.F3DX_CACHE_RUN_FOLDER;
  const isEmpty = report.did.length === 0 && report.warnings.length === 0;
  if (isEmpty || !folder || !existsSync(folder)) return;
  left += 1;
  // Its own name, also where modules are loaded anew for each test file.
  const name = `${process.pid}-${threadId}-${process.hrtime.bigint()}-${left}.json`;
  writeFileSync(join(folder, name), JSON.stringify(report));
}

/** Adds up what was done in the same mode on the same file; what did nothing is left out. */
export function merged(did: Did[]): Did[] {
  const groups = new Map<string, Did[]>();
  for (const one of did) {
    if (isNothing(one.summary)) continue;
    const key = JSON.stringify([one.path, one.mode]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => ({
      ...group[0]!,
      summary: mergeSummaries(group.map(({ summary }) => summary)),
    }));
}

function isNothing(summary: Summary): boolean {
  const { hits, misses, recorded, refused, refusals } = summary;
  return hits + misses + recorded + refused + refusals.length === 0;
}

/** Gives back the space that recording left behind; returns what went wrong. */
async function compact(did: Did[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const { mode, path, summary } of did) {
    // Opening a file that the tests have removed again would make it anew.
    if (summary.recorded === 0 || !existsSync(path)) continue;
    try {
      using cache = Cache.open(path, { mode });
      await cache.compact();
    } catch (error) {
      warnings.push(`not compacted, nothing is lost: ${(error as Error).message}`);
    }
  }
  return warnings;
}
