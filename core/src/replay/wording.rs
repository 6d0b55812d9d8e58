//! The words that the reports for people have in common.

use super::{Report, ReportRow};
use crate::diff::{Change, ChangeKind, DiffMode, Verdict};
use crate::summary::grouped;
use crate::trace::Source;

/// The verdicts, what needs a look first.
pub(super) const VERDICTS: [Verdict; 6] = [
    Verdict::Different,
    Verdict::Inconclusive,
    Verdict::Error,
    Verdict::Skipped,
    Verdict::Equivalent,
    Verdict::Same,
];

/// Returns a verdict as options and reports spell it.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Equivalent => "equivalent",
        Verdict::Different => "different",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Error => "error",
        Verdict::Skipped => "skipped",
    }
}

/// Returns a mode as options and reports spell it.
pub(super) fn mode(mode: DiffMode) -> &'static str {
    match mode {
        DiffMode::Bytes => "bytes",
        DiffMode::Structured => "structured",
        DiffMode::Embedding => "embedding",
        DiffMode::Judge => "judge",
        DiffMode::Cascade => "cascade",
    }
}

/// Returns the sentence that a report begins with.
pub(super) fn headline(report: &Report) -> String {
    let totals = &report.totals;
    let rows = match totals.rows {
        1 => "1 row".to_owned(),
        rows => format!("{} rows", grouped(rows)),
    };
    let change = totals.different + totals.inconclusive + totals.error;
    let mut line = match (totals.rows, change) {
        (0, _) => "No row was replayed".to_owned(),
        (_, 0) if totals.skipped > 0 => format!("No change found in {rows}"),
        (1, 0) => "The row is unchanged".to_owned(),
        (_, 0) => format!("All {rows} are unchanged"),
        (_, 1) => format!("1 of {rows} needs a look"),
        (_, change) => format!("{} of {rows} need a look", grouped(change)),
    };
    if totals.skipped > 0 {
        line.push_str(&format!(", {} skipped", grouped(totals.skipped)));
    }
    if totals.bad > 0 {
        line.push_str(&format!(", {} could not be read", grouped(totals.bad)));
    }
    line
}

/// Returns where something stands, such as `traces.jsonl:12`.
pub(super) fn place(source: &Source) -> String {
    format!("{}:{}", source.file, source.line)
}

/// Returns what a row is called: as the trace names it, else by its line.
pub(super) fn name(row: &ReportRow) -> String {
    let name = row.case_id.as_ref().or(row.trace_id.as_ref());
    name.filter(|name| !name.is_empty())
        .cloned()
        .unwrap_or_else(|| format!("line {}", row.source.line))
}

/// Returns what a JSON pointer is called: the empty one is the whole document.
pub(super) fn pointer(change: &Change) -> &str {
    if change.path.is_empty() { "(the whole document)" } else { &change.path }
}

/// Returns what happened at a place.
pub(super) fn kind(change: &Change) -> &'static str {
    match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
        ChangeKind::TypeChanged => "type changed",
    }
}

/// Returns what a row was compared by, such as `embedding 0.942`.
pub(super) fn measured(row: &ReportRow) -> Option<String> {
    let mode = mode(row.mode?);
    Some(row.score.map_or(mode.to_owned(), |score| format!("{mode} {score:.3}")))
}

/// Whether a character has no shape of its own, or turns the direction of a text: it could make a
/// text read as something else. Control characters below the space are none of these.
pub(super) fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
