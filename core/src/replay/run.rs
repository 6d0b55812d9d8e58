//! The loop: rows in, several under way at once, a report out.

use super::output::{recorded, uncompared};
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
        let note = match uncompared(row) {
            Some(uncompared) => format!("{}\n{uncompared}", comparison.note),
            None => comparison.note,
        };
        Ok(ReportRow {
            after: Some(after),
            verdict: comparison.verdict,
            // So that every reader of the report has the same number.
            score: comparison.score.map(|score| (score * 1e6).round() / 1e6),
            mode: Some(comparison.mode),
            note,
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
