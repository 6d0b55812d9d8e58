//! Replays as a user of the crate meets them.

#![allow(clippy::unwrap_used)]

use f3dx_cache_core::diff::{DiffMode, DiffOptions, Verdict};
use f3dx_cache_core::replay::{Progress, Replay, ReplayOptions, Report, Rows, Target};
use f3dx_cache_core::trace::{BadRow, Row, Source};
use f3dx_cache_core::{Cache, Error, ErrorKind, Mode, Options, Result};
use std::ops::ControlFlow;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

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
