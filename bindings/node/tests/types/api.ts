/** The public API as types: what may be written, and what may not. */

import {
  Cache,
  CacheError,
  CacheMissError,
  canonicalize,
  diff,
  fingerprint,
  modelCall,
  override,
  readTraces,
  recover,
  replay,
  Report,
  Traces,
  use,
  verify,
  version,
  type BadRow,
  type Change,
  type Claim,
  type Comparison,
  type DiffMode,
  type DiffOptions,
  type Difference,
  type Entry,
  type ErrorKind,
  type JsonRule,
  type Meta,
  type Mode,
  type ModelCall,
  type Nearest,
  type Options,
  type Progress,
  type ReplayOptions,
  type ReportRow,
  type Request,
  type Row,
  type Stats,
  type Summary,
  type TestOptions,
  type Totals,
  type TraceFormat,
  type Usage,
  type Use,
  type UseOptions,
  type Verdict,
  type Verification,
} from 'f3dx-cache';

/** Compiles only if both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<A>() {
  return <B>(_value: B, _same: Same<A, B>): void => undefined;
}

export function opening(): void {
  is<Cache>()(Cache.open(), true);
  is<Cache>()(Cache.open('llm.redb', { mode: 'record', lockTimeoutMs: 100 }), true);
  is<Cache>()(
    Cache.forTests({ path: 'llm.redb', hostAliases: { '127.0.0.1:*': 'api.openai.com' } }),
    true,
  );
  is<Cache>()(Cache.open().session('a test'), true);
  // @ts-expect-error A mode is one of five words.
  Cache.open('llm.redb', { mode: 'replays' });
  // @ts-expect-error Options are in camel case.
  Cache.open('llm.redb', { lock_timeout_ms: 100 });
  // @ts-expect-error The path of a cache opened by hand is its first argument.
  Cache.open({ path: 'llm.redb' });
  // @ts-expect-error A cache is opened, not made.
  new Cache();
}

export function rules(): Options {
  const options: Options = {
    hosts: ['127.0.0.1:*'],
    normalize: ['uuid', { at: '/messages/*', pattern: '[0-9]+', replace: '0' }],
    ignore: ['/metadata'],
    repeats: 'sequence',
    scope: 'test',
    // `undefined` is as good as absent, under exactOptionalPropertyTypes too.
    redact: undefined,
  };
  // @ts-expect-error Hosts are a list.
  options.hosts = '127.0.0.1';
  // @ts-expect-error There is no such preset.
  options.normalize = ['uuids'];
  // @ts-expect-error A rule has a pattern.
  options.normalize = [{ at: '/id' }];
  return options;
}

export async function calling(cache: Cache): Promise<void> {
  const request = { model: 'gpt-4o', messages: [] };
  is<Buffer | null>()(cache.get(request), true);
  is<Buffer | null>()(cache.peek('{}'), true);
  is<Promise<string>>()(cache.put(request, 'text', { response_duration_ms: 3 }), true);
  await cache.put(new Uint8Array(), new Uint8Array(), { model: 'gpt-4o' });
  is<boolean>()(cache.has(request), true);
  is<Promise<boolean>>()(cache.delete(request), true);
  is<string>()(cache.fingerprint(request), true);
  is<Meta | null>()(cache.meta(request), true);
  is<Stats>()(cache.stats(), true);
  is<Summary>()(cache.summary(), true);
  is<Promise<void>>()(cache.flush(), true);
  for (const entry of cache.entries()) is<Entry>()(entry, true);
  const { nearest } = cache.explain(request);
  is<Nearest | null | undefined>()(nearest, true);
  is<Difference | undefined>()(nearest?.differences[0], true);
  // @ts-expect-error A request is given.
  cache.get();
  // @ts-expect-error A number is no request.
  cache.get(1);
  // @ts-expect-error A response is bytes or text.
  await cache.put(request, { answer: 1 });
  // @ts-expect-error What is known of an entry has its names.
  await cache.put(request, 'text', { duration: 3 });
  // @ts-expect-error A miss is null.
  const text: string = cache.get(request).toString();
  // @ts-expect-error The path is the file's.
  cache.path = text;
  // @ts-expect-error Internal.
  cache.native;
}

export async function claiming(cache: Cache): Promise<void> {
  const claimed = await cache.claim({});
  if (claimed.recorded) {
    // @ts-expect-error There is nothing to claim.
    claimed.claim.release();
    return;
  }
  is<Claim>()(claimed.claim, true);
  claimed.claim.release();
}

export async function using(): Promise<void> {
  const recording = use({ mode: 'replay', test: 'a test', hosts: undefined });
  is<Use>()(recording, true);
  is<Cache>()(recording.cache, true);
  is<Promise<void>>()(recording.close(), true);
  override({ mode: 'off' });
  const options: UseOptions & TestOptions = {};
  use(options);
  // @ts-expect-error The path is an option.
  use('llm.redb');
  // @ts-expect-error The cache is what was opened.
  recording.cache = recording.cache;
}

export function failing(error: unknown): string | undefined {
  if (error instanceof CacheMissError) {
    is<'miss' | ErrorKind>()(error.kind, true);
    return error.explanation;
  }
  if (!(error instanceof CacheError)) return undefined;
  is<JsonRule | undefined>()(error.rule, true);
  // @ts-expect-error There is no such kind.
  if (error.kind === 'not_found') return undefined;
  // @ts-expect-error Only a miss explains itself.
  return error.explanation;
}

export function reading(): void {
  using traces = readTraces('runs.jsonl', { strict: true, format: 'otel', input: undefined });
  is<Traces>()(traces, true);
  for (const row of traces) {
    is<Row>()(row, true);
    is<string | null>()(row.prompt, true);
    is<number | null>()(row.usage.input_tokens, true);
    is<unknown>()(row.extra.team, true);
    // @ts-expect-error Results have the names of their JSON.
    row.traceId;
  }
  is<number>()(traces.bad, true);
  is<BadRow[]>()(traces.badRows, true);
  is<TraceFormat | null>()(traces.format, true);
  // @ts-expect-error There is no such format.
  readTraces('runs.csv', { format: 'csv' });
}

export async function comparing(call: ModelCall): Promise<void> {
  is<Comparison>()(diff('a', { n: 1 }), true);
  is<Comparison>()(diff(new Uint8Array(), null, { mode: 'structured', fencedJson: true }), true);
  is<Promise<Comparison>>()(diff('a', 'b', { call, judgeModel: 'gpt-5-mini' }), true);
  is<Promise<Comparison>>()(diff('a', 'b', { embed: (texts) => texts.map(() => [1]) }), true);
  const options: DiffOptions = {};
  is<Comparison | Promise<Comparison>>()(diff('a', 'b', options), true);
  const { ok, verdict, mode, differences } = diff('a', 'b');
  is<boolean>()(ok, true);
  is<Verdict>()(verdict, true);
  is<DiffMode>()(mode, true);
  is<Change[]>()(differences, true);
  // @ts-expect-error Options are in camel case.
  diff('a', 'b', { judge_model: 'gpt-5-mini' });
  // @ts-expect-error There is no such mode.
  diff('a', 'b', { mode: 'json' });
  // @ts-expect-error An output is there.
  diff('a', undefined);
}

export async function replaying(): Promise<void> {
  const progress = ({ done, total }: Progress) => console.log(done, total);
  const options: ReplayOptions = { progress, concurrency: 8, signal: AbortSignal.timeout(1000) };
  const report = await replay('runs.jsonl', async (row) => row.output ?? '', options);
  is<Report>()(report, true);
  is<boolean>()(report.ok, true);
  is<Totals | undefined>()(report.totals, false);
  is<Totals>()(report.totals, true);
  is<ReportRow[]>()(report.rows, true);
  is<string>()(report.html(), true);
  is<Promise<void>>()(report.save('report.xml'), true);
  is<Promise<Report>>()(Report.load('report.json'), true);
  await replay(readTraces('runs.jsonl'), () => 'an answer', { progress: false });
  // @ts-expect-error An output is a string.
  await replay('runs.jsonl', (row) => row.output);
  // @ts-expect-error A report is read, not changed.
  report.target = 'v2';
  // @ts-expect-error A report is made by a replay.
  new Report('{}');
  // @ts-expect-error A client is none of ours to guess.
  modelCall({});
}

export async function whole(): Promise<void> {
  const request: Request = { model: 'gpt-4o' };
  is<Buffer>()(canonicalize(request), true);
  is<string>()(fingerprint('{}'), true);
  is<string>()(version, true);
  is<Promise<Verification>>()(verify('llm.redb'), true);
  // @ts-expect-error A recovery has a target.
  await recover('llm.redb');
  const mode: Mode = 'read_only';
  const usage: Usage = { input_tokens: 1, output_tokens: 2 };
  void [mode, usage];
}
