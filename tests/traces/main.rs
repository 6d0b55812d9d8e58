//! Traces that other programs wrote are read, and what is wrong in one is said with its place.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod anything;
mod damaged;
mod memory;
mod spans;
mod written;

use f3dx_cache_core::ErrorKind;
use f3dx_cache_core::trace::{Format, Row, TraceOptions, Traces};
use f3dx_cache_tests::repository;
use std::path::{Path, PathBuf};

/// Returns the path of a trace that the program which writes such traces wrote.
fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixtures/traces").join(name)
}

/// Reads a trace that has no bad row.
fn read(path: &Path, format: Format) -> Vec<Row> {
    let mut traces = Traces::open(path, &TraceOptions::default()).unwrap();
    let rows: Vec<Row> = traces.by_ref().map(Result::unwrap).collect();
    assert_eq!((traces.format(), traces.bad_rows()), (Some(format), &[][..]));
    rows
}

/// Reads a text: the outputs of its rows, and `line:column: reason` of the bad ones. Strict
/// reading must stop with the first of them.
fn outcome(text: impl AsRef<[u8]>) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    std::fs::write(&path, text).unwrap();
    let mut traces = Traces::open(&path, &TraceOptions::default()).unwrap();
    let rows = traces.by_ref().map(|row| row.unwrap().output.unwrap()).collect();
    let bad: Vec<String> = traces
        .bad_rows()
        .iter()
        .map(|bad| format!("{}:{}: {}", bad.source.line, bad.column, bad.reason))
        .collect();
    assert_eq!(traces.bad(), bad.len() as u64);

    let strict = TraceOptions { strict: true, ..TraceOptions::default() };
    let mut traces = Traces::open(&path, &strict).unwrap();
    let stopped = traces.by_ref().find_map(Result::err);
    let said = stopped.as_ref().map(ToString::to_string);
    assert_eq!(said, bad.first().map(|bad| format!("{}:{bad}", path.display())));
    if let Some(error) = stopped {
        assert_eq!(error.kind(), ErrorKind::InvalidRow);
        assert!(traces.next().is_none());
    }
    (rows, bad)
}
