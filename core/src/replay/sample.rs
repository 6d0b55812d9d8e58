//! Reports for the tests of the renderers.

use super::{BadRow, Report, ReportRow};
use crate::diff::{Change, ChangeKind, DiffMode, DiffOptions, Verdict};
use crate::trace::Source;
use serde_json::value::RawValue;

/// What a renderer must not let out of its place.
pub const HOSTILE: &str =
    "<script>window.pwned=1</script> </script> <!-- ]]> & \" ' ``` | \u{0}\u{2028}\u{202e}\r\nend";

/// One row of each verdict, and one that could not be read.
pub fn report() -> Report {
    let mut report = Report::new(Some("gpt-5 at temperature 0".into()), DiffOptions::default());
    report.created_at = "2026-11-25T08:00:00Z".into();
    let verdicts = [
        Verdict::Same,
        Verdict::Equivalent,
        Verdict::Different,
        Verdict::Inconclusive,
        Verdict::Error,
        Verdict::Skipped,
    ];
    for (at, verdict) in verdicts.into_iter().enumerate() {
        let model = row(1).model.filter(|_| verdict != Verdict::Skipped);
        report.push(ReportRow { verdict, model, ..row(at as u64 + 1) });
    }
    report.rows[4].after = None;
    report.rows[4].note = "the target panicked: no route to host".into();
    report.totals.bad = 2;
    let source = Source { file: "traces.jsonl".into(), line: 7 };
    report.bad_rows.push(BadRow { source, column: 12, reason: "the line ends early".into() });
    report
}

/// A row that came out different.
pub fn row(line: u64) -> ReportRow {
    let raw = |json: &str| RawValue::from_string(json.into()).ok();
    ReportRow {
        source: Source { file: "traces.jsonl".into(), line },
        trace_id: Some("t-1".into()),
        case_id: Some(format!("case-{line}")),
        model: Some("gpt-4o".into()),
        prompt: Some("What does it cost?".into()),
        before: Some("It costs $10.50 a month.".into()),
        after: Some("It costs $1050 a month.".into()),
        verdict: Verdict::Different,
        score: Some(0.942),
        mode: Some(DiffMode::Embedding),
        note: "the numbers differ: 10.50, 1050".into(),
        differences: vec![Change {
            path: "/price".into(),
            kind: ChangeKind::Changed,
            before: raw("10.50"),
            after: raw("1050"),
        }],
        more: 1,
    }
}

/// A row whose every text is hostile.
pub fn hostile_row() -> ReportRow {
    let text = || Some(HOSTILE.to_owned());
    let json = serde_json::to_string(HOSTILE).unwrap();
    ReportRow {
        source: Source { file: HOSTILE.into(), line: 1 },
        trace_id: text(),
        case_id: text(),
        model: text(),
        prompt: text(),
        before: text(),
        after: Some(format!("{HOSTILE} and more")),
        note: format!("{HOSTILE}\n- {HOSTILE}"),
        differences: vec![Change {
            path: format!("/{HOSTILE}"),
            kind: ChangeKind::Changed,
            before: RawValue::from_string(json).ok(),
            after: None,
        }],
        ..row(1)
    }
}
