//! The loop: rows in, several under way at once, a report out.

use super::output::recorded;
use super::target::{Outputs, Target, panic_text};
use super::{ReplayOptions, Report, ReportRow};
use crate::cache::Cache;
use crate::diff::{Differ, ModelCalls, Question, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::trace::{BadRow, Row, Traces};
use serde::Serialize;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long the caller of a replay hears nothing at most.
const TICK: Duration = Duration::from_millis(100);

/// A replay: where new outputs come from, and what compares them with the recorded ones.
///
/// ```
/// use f3dx_cache_core::replay::{Replay, ReplayOptions, Target};
/// use f3dx_cache_core::trace::{Row, TraceOptions, Traces};
/// use std::ops::ControlFlow;
///
/// struct Shouting;
///
/// impl Target for Shouting {
///     fn output(&self, row: &Row) -> Result<String, String> {
///         row.prompt().map(|prompt| prompt.to_uppercase()).ok_or("no prompt".into())
///     }
/// }
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("traces.jsonl");
/// std::fs::write(&path, "{\"prompt\": \"hi\", \"output\": \"HI\"}").unwrap();
/// let mut traces = Traces::open(&path, &TraceOptions::default())?;
/// let replay = Replay::new(&Shouting, ReplayOptions::default());
/// let report = replay.run(&mut traces, &mut |_| ControlFlow::Continue(()))?;
/// assert!(report.is_ok());
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
pub struct Replay<'a> {
    target: &'a dyn Target,
    options: ReplayOptions,
    models: Option<&'a dyn ModelCalls>,
    embedder: Option<&'a dyn ModelCalls>,
    cache: Option<Cache>,
}

/// Rows to replay: the traces of a file, or any others.
pub trait Rows: Iterator<Item = Result<Row>> {
    /// Returns how many rows could not be read so far.
    fn bad(&self) -> u64;

    /// Returns the first of them.
    fn bad_rows(&self) -> &[BadRow];
}

impl Rows for Traces {
    fn bad(&self) -> u64 {
        self.bad()
    }

    fn bad_rows(&self) -> &[BadRow] {
        self.bad_rows()
    }
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The rows that are done.
    pub done: u64,
    /// The rows that could not be read.
    pub bad: u64,
    /// How many rows there are, where that is known.
    pub total: Option<u64>,
    /// What the row came to that was done just now; absent if there is no news.
    pub verdict: Option<Verdict>,
}

impl<'a> Replay<'a> {
    /// Makes a replay that calls no model to compare.
    pub fn new(target: &'a dyn Target, options: ReplayOptions) -> Self {
        Self { target, options, models: None, embedder: None, cache: None }
    }

    /// Compares by way of `models`, as [`Differ::with_models`].
    #[must_use]
    pub fn with_models(mut self, models: &'a dyn ModelCalls) -> Self {
        self.models = Some(models);
        self
    }

    /// Compares by way of `embedder`, as [`Differ::with_embedder`].
    #[must_use]
    pub fn with_embedder(mut self, embedder: &'a dyn ModelCalls) -> Self {
        self.embedder = Some(embedder);
        self
    }

    /// Keeps model calls in `cache` and, if the target has a name, its outputs.
    ///
    /// A replay that ended early goes on where it was, since what was answered is there. The
    /// outputs of a target without a name are not kept; an interceptor beneath it may do that,
    /// call by call.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Replays `rows`: each is a row of the report, in their order. What goes wrong with one,
    /// even a panic of the target, is in its row; without a recorded output the target is not
    /// asked.
    ///
    /// Rows are read as they are needed. `progress` is called on this thread, after each row and
    /// at least every 100 ms; a [`ControlFlow::Break`] ends the replay after the calls that are
    /// under way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Callback`] if `progress` ended it; [`ErrorKind::InvalidArgument`] for an
    /// option outside its domain or one that lacks its model; those of the rows, and those of the
    /// cache.
    pub fn run(
        &self,
        rows: &mut dyn Rows,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Report> {
        self.options.check()?;
        let worker = Worker {
            outputs: Outputs::new(self.target, self.options.target.clone(), self.cache.clone())?,
            differ: self.differ()?,
            stopped: AtomicBool::new(false),
        };
        let report = Report::new(self.options.target.clone(), self.options.diff.clone());
        let (jobs, taken) = mpsc::channel();
        let (results, done) = mpsc::channel();
        let taken = Mutex::new(taken);
        // Belongs to the closure: however that ends, `jobs` is dropped, which ends the workers.
        let round = Round { jobs, done, report, rows, progress };
        thread::scope(|scope| {
            let round = round;
            for _ in 0..self.options.concurrency {
                let (worker, taken, results) = (&worker, &taken, results.clone());
                let run = move || worker.run(taken, &results);
                thread::Builder::new().spawn_scoped(scope, run).map_err(no_thread)?;
            }
            let report = round.run(&self.options);
            worker.stopped.store(report.is_err(), Ordering::Relaxed);
            report
        })
    }

    fn differ(&self) -> Result<Differ<'a>> {
        let mut differ = Differ::new(self.options.diff.clone())?;
        if let Some(models) = self.models {
            differ = differ.with_models(models);
        }
        if let Some(embedder) = self.embedder {
            differ = differ.with_embedder(embedder);
        }
        if let Some(cache) = &self.cache {
            differ = differ.with_cache(cache.clone());
        }
        Ok(differ)
    }
}

/// A row and its number.
type Job = (usize, Row);
type Done = (usize, Result<ReportRow>);

/// What the calling thread does: it hands rows out and puts results in order.
struct Round<'a> {
    jobs: Sender<Job>,
    done: Receiver<Done>,
    report: Report,
    rows: &'a mut dyn Rows,
    progress: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
}

impl Round<'_> {
    fn run(mut self, options: &ReplayOptions) -> Result<Report> {
        let limit = options.limit.unwrap_or(u64::MAX);
        let total = total(self.rows, limit);
        let mut slots: Vec<Option<ReportRow>> = Vec::new();
        let mut under_way = 0;
        let mut done = 0;
        let mut more = true;
        loop {
            // One row more than there are workers, so that none waits for reading.
            while more && under_way <= options.concurrency {
                more = (slots.len() as u64) < limit;
                let next = if more { self.rows.next() } else { None };
                let Some(row) = next.transpose()? else {
                    more = false;
                    break;
                };
                self.hand_out((slots.len(), row))?;
                slots.push(None);
                under_way += 1;
            }
            if under_way == 0 {
                break;
            }
            let verdict = match self.done.recv_timeout(TICK) {
                Ok((at, row)) => {
                    let row = row?;
                    under_way -= 1;
                    done += 1;
                    let verdict = row.verdict;
                    slots[at] = Some(row);
                    Some(verdict)
                }
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            };
            let news = Progress { done, bad: self.rows.bad(), total, verdict };
            if (self.progress)(&news).is_break() {
                return Err(interrupted(done));
            }
        }
        for row in slots.into_iter().flatten() {
            self.report.push(row);
        }
        self.report.totals.bad = self.rows.bad();
        self.report.bad_rows = self.rows.bad_rows().to_vec();
        Ok(self.report)
    }

    fn hand_out(&self, job: Job) -> Result<()> {
        self.jobs.send(job).map_err(|_| gone())
    }
}

/// What each of the other threads does with rows.
struct Worker<'a> {
    outputs: Outputs<'a>,
    differ: Differ<'a>,
    /// Whether nobody waits for what is not yet begun.
    stopped: AtomicBool,
}

impl Worker<'_> {
    fn run(&self, jobs: &Mutex<Receiver<Job>>, results: &Sender<Done>) {
        // The lock is held until there is a row, and not while it is replayed.
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok((at, row)) = next() {
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            let done =
                catch_unwind(AssertUnwindSafe(|| self.replay(&row))).unwrap_or_else(|panic| {
                    let note = format!("the comparison panicked: {}", panic_text(panic.as_ref()));
                    Ok(ReportRow { note, ..ReportRow::of(&row, recorded(&row).ok()) })
                });
            if results.send((at, done)).is_err() {
                return;
            }
        }
    }

    fn replay(&self, row: &Row) -> Result<ReportRow> {
        let before = match recorded(row) {
            Ok(before) => before,
            Err(note) => return Ok(ReportRow { note, ..ReportRow::of(row, None) }),
        };
        let after = match self.outputs.output(row)? {
            Ok(after) => after,
            Err(note) => return Ok(ReportRow { note, ..ReportRow::of(row, Some(before)) }),
        };
        let question = Question { system: row.system.clone(), prompt: row.prompt() };
        let comparison = self.differ.compare(&question, before.as_bytes(), after.as_bytes())?;
        Ok(ReportRow {
            after: Some(after),
            verdict: comparison.verdict,
            // So that every reader of the report has the same number.
            score: comparison.score.map(|score| (score * 1e6).round() / 1e6),
            mode: Some(comparison.mode),
            note: comparison.note,
            differences: comparison.differences,
            more: comparison.more,
            ..ReportRow::of(row, Some(before))
        })
    }
}

/// Returns how many rows there will be, if they know it.
fn total(rows: &dyn Rows, limit: u64) -> Option<u64> {
    let (least, most) = rows.size_hint();
    (most == Some(least)).then(|| (least as u64).min(limit))
}

fn interrupted(done: u64) -> Error {
    Error::new(ErrorKind::Callback, format!("the replay was interrupted after {done} rows"))
}

fn no_thread(cause: io::Error) -> Error {
    let what = "cannot start a thread for each row under way; a lower `concurrency` needs fewer";
    Error::new(ErrorKind::Io, what).because(cause)
}

/// No worker ends before there are no more rows.
fn gone() -> Error {
    Error::new(ErrorKind::Callback, "the threads of the replay are gone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{DiffMode, DiffOptions};
    use crate::options::Options;
    use crate::trace::Source;
    use crate::{Mode, replay::Target};
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;

    /// Rows in memory.
    struct Given(std::vec::IntoIter<Result<Row>>);

    impl Iterator for Given {
        type Item = Result<Row>;

        fn next(&mut self) -> Option<Self::Item> {
            self.0.next()
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            self.0.size_hint()
        }
    }

    impl Rows for Given {
        fn bad(&self) -> u64 {
            1
        }

        fn bad_rows(&self) -> &[BadRow] {
            &[]
        }
    }

    /// A target made of a closure.
    struct By<F>(F);

    impl<F: Fn(&Row) -> Result<String, String> + Sync> Target for By<F> {
        fn output(&self, row: &Row) -> Result<String, String> {
            (self.0)(row)
        }
    }

    fn row(line: u64) -> Row {
        Row {
            source: Source { file: "traces.jsonl".into(), line },
            model: Some("gpt-4o".into()),
            messages: vec![serde_json::json!({"role": "user", "content": format!("Q{line}")})],
            output: Some(format!("A{line}")),
            ..Row::default()
        }
    }

    fn rows(count: u64) -> Given {
        Given((1..=count).map(|line| Ok(row(line))).collect::<Vec<_>>().into_iter())
    }

    fn options() -> ReplayOptions {
        let diff = DiffOptions { mode: DiffMode::Bytes, ..DiffOptions::default() };
        ReplayOptions { diff, ..ReplayOptions::default() }
    }

    fn on(_: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn run(target: &dyn Target, options: ReplayOptions, rows: &mut Given) -> Report {
        Replay::new(target, options).run(rows, &mut on).unwrap()
    }

    #[test]
    fn rows_stay_in_order_though_the_first_ends_last() {
        let last = Barrier::new(2);
        let target = By(|row: &Row| {
            if matches!(row.source.line, 1 | 4) {
                last.wait();
            }
            Ok(format!("A{}", row.source.line))
        });
        let report = run(&target, options(), &mut rows(9));
        let lines: Vec<_> = report.rows.iter().map(|row| row.source.line).collect();
        assert_eq!(lines, (1..=9).collect::<Vec<_>>());
        assert_eq!((report.totals.rows, report.totals.same, report.totals.bad), (9, 9, 1));
        assert_eq!(report.models["gpt-4o"].same, 9);
    }

    #[test]
    fn as_many_rows_are_under_way_as_asked_for_and_no_more() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let together = Barrier::new(3);
        let target = By(|_: &Row| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Passed only if three are under way at once.
            together.wait();
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(String::new())
        });
        run(&target, ReplayOptions { concurrency: 3, ..options() }, &mut rows(30));
        assert_eq!(most.into_inner(), 3);
    }

    #[test]
    fn rows_are_read_as_they_are_needed() {
        let mut rows = rows(1_000);
        let target = By(|_: &Row| Ok(String::new()));
        let stop = |_: &Progress| ControlFlow::Break(());
        let error = Replay::new(&target, options()).run(&mut rows, &mut { stop }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Callback);
        assert!(error.to_string().contains("interrupted"), "{error}");
        assert!(rows.0.len() >= 1_000 - 5, "{} are left", rows.0.len());
    }

    #[test]
    fn what_goes_wrong_with_a_row_is_in_its_row() {
        let target = By(|row: &Row| match row.source.line {
            1 => Err("429: slow down".to_owned()),
            2 => panic!("no row {}", 2),
            3 => Err("x".repeat(5_000)),
            4 => Err(" ".to_owned()),
            5 => Err("bad key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD".to_owned()),
            _ => Ok("another".to_owned()),
        });
        let report = run(&target, options(), &mut rows(6));
        let notes: Vec<_> = report.rows.iter().map(|row| row.note.as_str()).collect();
        assert_eq!(notes[0], "429: slow down");
        assert_eq!(notes[1], "the target panicked: no row 2");
        assert_eq!(notes[2].chars().count(), 2_001);
        assert_eq!(notes[3], "the target failed and did not say why");
        assert!(!notes[4].contains("abcdefgh"), "{}", notes[4]);
        assert_eq!((report.totals.error, report.totals.different), (5, 1));
        assert_eq!(report.rows[0].before.as_deref(), Some("A1"));
        assert_eq!((&report.rows[0].after, report.rows[0].mode), (&None, None));
    }

    #[test]
    fn without_a_recorded_output_the_target_is_not_asked() {
        let target = By(|_: &Row| panic!("asked"));
        let rows = vec![Ok(Row { output: None, ..row(1) })];
        let report = run(&target, options(), &mut Given(rows.into_iter()));
        assert_eq!(report.totals.error, 1);
        assert!(report.rows[0].note.contains("recorded without capture_messages"));
    }

    #[test]
    fn a_failure_of_the_rows_ends_the_replay() {
        let failure = Error::new(ErrorKind::InvalidRow, "traces.jsonl:2:1: no JSON");
        let rows = vec![Ok(row(1)), Err(failure)];
        let target = By(|_: &Row| Ok(String::new()));
        let error =
            Replay::new(&target, options()).run(&mut Given(rows.into_iter()), &mut on).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRow);
    }

    #[test]
    fn progress_tells_of_each_row() {
        let target = By(|_: &Row| Ok("another".to_owned()));
        let mut heard = Vec::new();
        let mut hear = |news: &Progress| {
            heard.extend(news.verdict.map(|verdict| (news.done, news.total, verdict)));
            ControlFlow::Continue(())
        };
        let limited = ReplayOptions { limit: Some(2), ..options() };
        Replay::new(&target, limited).run(&mut rows(5), &mut hear).unwrap();
        assert_eq!(heard, [(1, Some(2), Verdict::Different), (2, Some(2), Verdict::Different)]);
    }

    #[test]
    fn two_replays_with_equal_outputs_have_equal_reports() {
        let target = By(|row: &Row| Ok(format!("B{}", row.source.line % 3)));
        let one = run(&target, options(), &mut rows(20));
        let mut two = run(&target, ReplayOptions { concurrency: 1, ..options() }, &mut rows(20));
        two.created_at.clone_from(&one.created_at);
        assert_eq!(one.to_json(), two.to_json());
    }

    fn cache(folder: &tempfile::TempDir, mode: Mode) -> Cache {
        let options = Options { mode: Some(mode), ..Options::default() };
        Cache::open(folder.path().join("llm.redb"), options).unwrap()
    }

    #[test]
    fn a_named_target_is_asked_once() {
        let folder = tempfile::tempdir().unwrap();
        let calls = AtomicUsize::new(0);
        let target = By(|row: &Row| {
            calls.fetch_add(1, Ordering::SeqCst);
            Ok(format!("B{}, call {}", row.source.line, calls.load(Ordering::SeqCst)))
        });
        let named = ReplayOptions { target: Some("v2".into()), ..options() };
        let replay = |mode, options: ReplayOptions| {
            let replay = Replay::new(&target, options).with_cache(cache(&folder, mode));
            let report = replay.run(&mut rows(8), &mut on).unwrap();
            (serde_json::to_string(&report.rows).unwrap(), calls.swap(0, Ordering::SeqCst))
        };
        let (first, asked) = replay(Mode::Record, named.clone());
        assert_eq!(asked, 8);
        assert_eq!(replay(Mode::Record, named.clone()), (first.clone(), 0));
        assert_eq!(replay(Mode::Replay, named.clone()), (first, 0));
        // Under another name nothing is known, and without one nothing is kept.
        assert_eq!(replay(Mode::Record, ReplayOptions { target: Some("v3".into()), ..named }).1, 8);
        assert_eq!(replay(Mode::Record, options()).1, 8);
        assert_eq!(replay(Mode::Record, options()).1, 8);
    }

    #[test]
    fn equal_rows_have_the_output_that_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let calls = AtomicUsize::new(0);
        let target = By(|_: &Row| Ok(calls.fetch_add(1, Ordering::SeqCst).to_string()));
        let named = ReplayOptions { target: Some("v2".into()), ..options() };
        let equal = || Given((0..8).map(|_| Ok(row(1))).collect::<Vec<_>>().into_iter());
        let replay = Replay::new(&target, named).with_cache(cache(&folder, Mode::Record));
        let report = replay.run(&mut equal(), &mut on).unwrap();
        let again = replay.run(&mut equal(), &mut on).unwrap();
        for row in report.rows.iter().chain(&again.rows) {
            assert_eq!(row.after, report.rows[0].after);
        }
    }

    #[test]
    fn an_interrupted_replay_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let calls = AtomicUsize::new(0);
        let target = By(|_: &Row| Ok(calls.fetch_add(1, Ordering::SeqCst).to_string()));
        let named = ReplayOptions { target: Some("v2".into()), ..options() };
        let replay = Replay::new(&target, named).with_cache(cache(&folder, Mode::Record));
        let mut until_ten = |news: &Progress| match news.done {
            10.. => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        replay.run(&mut rows(50), &mut until_ten).unwrap_err();
        replay.run(&mut rows(50), &mut on).unwrap();
        assert_eq!(calls.into_inner(), 50);
    }

    #[test]
    fn in_replay_mode_a_miss_is_explained_in_its_row() {
        let folder = tempfile::tempdir().unwrap();
        drop(cache(&folder, Mode::Record));
        let target = By(|_: &Row| panic!("asked"));
        let named = ReplayOptions { target: Some("v2".into()), ..options() };
        let replay = Replay::new(&target, named).with_cache(cache(&folder, Mode::Replay));
        let report = replay.run(&mut rows(1), &mut on).unwrap();
        assert_eq!(report.totals.error, 1);
        assert!(report.rows[0].note.contains("llm.redb"), "{}", report.rows[0].note);
    }
}
