//! Memory does not grow with the file.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

/// How much a reader may take, in KiB.
const LIMIT: u64 = 50 << 10;
const SIZE: usize = 64_000_000;

/// Reads the file in a process of its own; returns its rows and how much memory it took.
fn read(path: &Path) -> (u64, u64) {
    let done = Command::new(env!("CARGO_BIN_EXE_read_traces")).arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let words: Vec<&str> = said.split_whitespace().collect();
    let ["rows", rows, "bad", "0", "seconds", _, "peak", peak] = words[..] else {
        panic!("{said}");
    };
    (rows.parse().unwrap(), peak.parse().unwrap())
}

/// Writes a file of `SIZE` bytes: `head`, what `row` says of each number, and `tail`.
fn write(path: &Path, head: &str, row: impl Fn(u64, &mut String), tail: &str) -> u64 {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(head.as_bytes()).unwrap();
    let (mut rows, mut written, mut text) = (0, 0, String::new());
    while written < SIZE {
        text.clear();
        row(rows, &mut text);
        file.write_all(text.as_bytes()).unwrap();
        written += text.len();
        rows += 1;
    }
    file.write_all(tail.as_bytes()).unwrap();
    file.into_inner().unwrap().sync_data().unwrap();
    rows
}

#[test]
fn many_lines_are_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let filling = "All work and no play. ".repeat(80);
    let row = |number: u64, text: &mut String| {
        writeln!(text, r#"{{"prompt": "{number}", "output": "{filling}", "seed": {number}}}"#)
            .unwrap();
    };
    let written = write(&path, "", row, "");
    let (rows, peak) = read(&path);
    assert_eq!(rows, written);
    assert!(peak < LIMIT, "{peak} KiB");
}

#[test]
fn one_document_of_otlp_is_read_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spans.json");
    let filling = "All work and no play. ".repeat(80);
    let row = |number: u64, text: &mut String| {
        let comma = if number == 0 { "" } else { "," };
        let key = "gen_ai.completion";
        let attribute = format!(r#"{{"key": "{key}", "value": {{"stringValue": "{filling}"}}}}"#);
        let ids = format!(r#""traceId": "{number:032x}", "spanId": "{number:016x}""#);
        write!(text, r#"{comma}{{{ids}, "attributes": [{attribute}]}}"#).unwrap();
    };
    let head = r#"{"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": ["#;
    let written = write(&path, head, row, "]}]}]}");
    let (rows, peak) = read(&path);
    assert_eq!(rows, written);
    assert!(peak < LIMIT, "{peak} KiB");
}
