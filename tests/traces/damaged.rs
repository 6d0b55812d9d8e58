//! Files that are damaged, or odd: what can be read is, and the rest is reported with its place.

use crate::{fixture, outcome};
use f3dx_cache_core::ErrorKind;
use f3dx_cache_core::trace::{Format, TraceOptions, Traces};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const ROW: &str = r#"{"prompt": "p", "output": "first"}"#;
const LAST: &str = r#"{"prompt": "p", "output": "last"}"#;

/// Puts what is wrong between two rows that are right, and returns what is said of it.
fn said_of(wrong: impl AsRef<[u8]>) -> String {
    let text = [ROW.as_bytes(), b"\n", wrong.as_ref(), b"\n", LAST.as_bytes(), b"\n"].concat();
    let (rows, bad) = outcome(text);
    assert_eq!(rows, ["first", "last"]);
    assert_eq!(bad.len(), 1);
    bad[0].clone()
}

#[test]
fn a_last_line_that_is_cut_off_is_reported() {
    let (rows, bad) = outcome(format!("{ROW}\n{}", &LAST[..20]));
    assert_eq!(rows, ["first"]);
    assert_eq!(bad, ["2:21: it ends within a value"]);
}

#[test]
fn a_last_line_without_its_end_is_read() {
    assert_eq!(outcome(format!("{ROW}\n{LAST}")), (vec!["first".into(), "last".into()], vec![]));
}

#[test]
fn invalid_utf8_is_reported() {
    assert_eq!(said_of(b"{\"prompt\": \"\xff\"}"), "2:13: it is not UTF-8");
}

#[test]
fn half_a_surrogate_pair_is_reported() {
    let row = r#"{"prompt": "p", "output": "a\ud800b"}"#;
    assert_eq!(said_of(row), "2:29: half of a surrogate pair is escaped");
}

#[test]
fn numbers_that_only_python_writes_are_reported() {
    let reason = "NaN and Infinity are not JSON";
    assert_eq!(said_of(r#"{"prompt": "p", "score": NaN}"#), format!("2:26: {reason}"));
    assert_eq!(said_of(r#"{"prompt": "p", "score": -Infinity}"#), format!("2:27: {reason}"));
}

#[test]
fn a_name_that_stands_twice_is_reported() {
    let reason = "a name stands twice in one object";
    assert_eq!(said_of(r#"{"prompt": "p", "prompt": "q"}"#), format!("2:17: {reason}"));
    let row = r#"{"prompt": "p", "meta": {"a": [{"b": 1, "b": 1}]}}"#;
    assert_eq!(said_of(row), format!("2:41: {reason}"));
}

#[test]
fn a_member_of_another_type_is_reported_at_its_name() {
    let row = r#"{"prompt": "p", "output": "o", "model": ["secret"]}"#;
    assert_eq!(said_of(row), "2:32: `model` is an array where a string is needed");
    let row = r#"{"prompt": "p", "output": "o", "input_tokens": -1}"#;
    assert_eq!(said_of(row), "2:32: `input_tokens` is no integer from 0 to 2^64 - 1");
}

#[test]
fn a_row_of_another_format_is_reported() {
    assert_eq!(said_of("[1]"), "2:1: an array stands where an object is needed");
    assert_eq!(said_of("{}"), "2:0: it has neither `prompt` nor `messages`");
}

#[test]
fn rows_of_no_known_format_are_all_bad() {
    let (rows, bad) = outcome("{\"a\": 1}\n{\"b\": 2}\n");
    assert_eq!((rows.len(), bad.len()), (0, 2));
    assert!(bad[0].contains("no known format"), "{}", bad[0]);
}

#[test]
fn what_a_row_holds_is_never_said() {
    let secret = "hunter2";
    for row in [
        format!(r#"{{"prompt": "{secret}", "output": }}"#),
        format!(r#"{{"{secret}": 1, "{secret}": 2}}"#),
        format!(r#"{{"prompt": "p", "model": {{"{secret}": "{secret}"}}}}"#),
        format!(r#"{{"prompt": "p", "messages": "{secret}"}}"#),
        format!(r#"{{"prompt": "p", "messages": ["{secret}"]}}"#),
        format!(r#"{{"prompt": "p", "output_tokens": "{secret}"}}"#),
        format!(r#"{{"prompt": "p", "output_tokens": 1{}}}"#, "0".repeat(400)),
        format!(r#""{secret}""#),
        secret.to_owned(),
    ] {
        let said = said_of(&row);
        assert!(!said.contains(secret) && !said.contains("000"), "{said}");
    }
}

#[test]
fn lines_may_end_as_on_windows_and_some_may_be_blank() {
    let text = format!("\r\n{ROW}\r\n   \r\n\r\n{LAST}\r\n");
    assert_eq!(outcome(text), (vec!["first".into(), "last".into()], vec![]));
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let marked = format!("\u{feff}{ROW}\n{LAST}\n");
    assert_eq!(outcome(marked), (vec!["first".into(), "last".into()], vec![]));
    // What is wrong later on its line still stands where an editor shows it.
    let (_, bad) = outcome("\u{feff}{\"prompt\": }\n");
    assert_eq!(bad, ["1:15: it is not JSON"]);
}

#[test]
fn a_line_of_50_mb_is_read() {
    let long = "x".repeat(50_000_000);
    let text = format!("{{\"prompt\": \"p\", \"output\": \"{long}\"}}\n{LAST}\n");
    let (rows, bad) = outcome(text);
    assert!(rows[0] == long && rows[1] == "last" && bad.is_empty());
}

#[test]
fn a_line_beyond_64_mib_is_reported_and_the_next_one_read() {
    let wrong = format!("{{\"prompt\": \"p\", \"output\": \"{}\"}}", "x".repeat(64 << 20));
    assert_eq!(said_of(wrong), "2:0: it is longer than 64 MiB");
}

#[test]
fn counts_may_be_spelled_as_floats_and_be_null() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl");
    let row = r#"{"prompt": "p", "output": null, "input_tokens": 12.0, "output_tokens": null,
        "seed": 123456789012345678901234567890}"#;
    std::fs::write(&path, row.replace('\n', "")).unwrap();
    let row = Traces::open(&path, &TraceOptions::default()).unwrap().next().unwrap().unwrap();
    assert_eq!((row.usage.input_tokens, row.usage.output_tokens), (Some(12), None));
    assert_eq!(row.extra["seed"].as_f64(), Some(1.2345678901234568e29));
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_read_also_in_several_members() {
    let packed = [gzip(&format!("{ROW}\n")), gzip(""), gzip(LAST)].concat();
    assert_eq!(outcome(packed), (vec!["first".into(), "last".into()], vec![]));
}

fn open(path: &Path, bytes: &[u8]) -> f3dx_cache_core::Result<Traces> {
    std::fs::write(path, bytes).unwrap();
    Traces::open(path, &TraceOptions::default())
}

#[test]
fn gzip_that_is_cut_off_is_an_error_after_the_rows_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.jsonl.gz");
    let mut text = String::new();
    for number in 0..20_000 {
        writeln!(text, r#"{{"prompt": "{}", "output": "o"}}"#, number * 7919 % 20_011).unwrap();
    }
    let packed = gzip(&text);
    let mut traces = open(&path, &packed[..packed.len() / 2]).unwrap();
    let rows = traces.by_ref().take_while(Result::is_ok).count();
    assert!((1000..20_000).contains(&rows), "{rows}");
    assert!(traces.next().is_none());

    let traces = open(&path, &packed[..packed.len() / 2]).unwrap();
    let error = traces.last().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRow);
    let said = format!("{}: the gzip stream is damaged or cut off", path.display());
    assert_eq!(error.to_string(), said);
}

#[test]
fn parquet_that_is_damaged_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.parquet");
    let whole = std::fs::read(fixture("f3dx.zstd.parquet")).unwrap();
    for length in (4..whole.len()).step_by(97) {
        let error = open(&path, &whole[..length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRow);
    }
    for at in (4..whole.len()).step_by(13) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        // Not every byte is covered by a checksum, so that some damage shows in no error.
        if let Ok(traces) = open(&path, &bytes) {
            for row in traces {
                if let Err(error) = row {
                    assert_eq!(error.kind(), ErrorKind::InvalidRow);
                }
            }
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_a_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.jsonl"), folder.path().to_owned()] {
        let error = Traces::open(&path, &TraceOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with(&path.display().to_string()));
    }
}

#[test]
fn an_empty_file_has_no_rows_and_no_format() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "\n\n", "\u{feff}"] {
        let mut traces = open(&folder.path().join("trace.jsonl"), text.as_bytes()).unwrap();
        assert!(traces.next().is_none());
        assert_eq!((traces.format(), traces.bad()), (None, 0));
    }
}

#[test]
fn a_format_that_is_given_is_not_guessed() {
    let given = |format| TraceOptions { format: Some(format), ..TraceOptions::default() };
    let mut traces = Traces::open(fixture("plain.jsonl"), &given(Format::F3dx)).unwrap();
    assert!(traces.next().is_none());
    assert_eq!((traces.format(), traces.bad()), (Some(Format::F3dx), 4));
    for (name, format) in [("f3dx.none.parquet", Format::F3dx), ("f3dx.jsonl", Format::F3dxParquet)]
    {
        let error = Traces::open(fixture(name), &given(format)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_plain_row_with_an_error_is_no_response_of_a_batch() {
    let row = r#"{"custom_id": "1", "prompt": "a", "output": "b", "error": null}"#;
    assert_eq!(outcome(row), (vec!["b".to_owned()], vec![]));
}

#[test]
fn items_of_one_array_are_rows() {
    let indented = format!("[\n  {ROW},\n  {{\"prompt\": 1}},\n  {LAST}\n]\n");
    let (rows, bad) = outcome(indented);
    assert_eq!(rows, ["first", "last"]);
    assert_eq!(bad, ["3:4: `prompt` is a number where a string is needed"]);
    assert_eq!(outcome(format!("[{ROW}, {LAST}]")).0, ["first", "last"]);
}

#[test]
fn values_over_many_lines_are_rows_and_one_that_is_broken_costs_no_other() {
    let row = "{\n  \"prompt\": \"}\\\"{\",\n  \"output\": \"first\"\n}\n";
    let last = row.replace("first", "last");
    let (rows, bad) = outcome(format!("{row}{{\n  \"prompt\": nul\n}}\n{last}"));
    assert_eq!(rows, ["first", "last"]);
    assert_eq!(bad, ["6:13: it is not JSON"]);
    let (rows, bad) = outcome(format!("{row}{last}{{\n  \"prompt\": "));
    assert_eq!(rows, ["first", "last"]);
    assert_eq!(bad, ["10:13: the file ends within a value"]);
}

#[test]
fn responses_without_a_clear_request_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("input.jsonl"), folder.path().join("output.jsonl"));
    let request = r#"{"custom_id": "a", "body": {"prompt": "p"}}"#;
    let twice = request.replace("\"a\"", "\"b\"");
    std::fs::write(&input, format!("{request}\n{twice}\n{{\"body\": 1}}\n{twice}\n")).unwrap();
    let of = |name: &str| format!("{{\"custom_id\": \"{name}\", \"response\": {{}}}}\n");
    std::fs::write(&output, ["a", "b", "c"].map(of).concat()).unwrap();
    let options = TraceOptions { input: Some(input.clone()), ..TraceOptions::default() };
    let mut traces = Traces::open(&output, &options).unwrap();
    let rows: Vec<_> = traces.by_ref().map(|row| row.unwrap().prompt().unwrap()).collect();
    assert_eq!(rows, ["p"]);
    let bad: Vec<_> = traces
        .bad_rows()
        .iter()
        .map(|bad| (bad.source.file.as_str(), bad.source.line, bad.reason.as_str()))
        .collect();
    let (input, output) = (input.display().to_string(), output.display().to_string());
    assert_eq!(
        bad,
        [
            (input.as_str(), 3, "it has no `custom_id`: no request of a batch"),
            (output.as_str(), 2, "two requests of the input have this `custom_id`"),
            (output.as_str(), 3, "no request of the input has this `custom_id`"),
        ]
    );
}
