//! What a replay came to, row by row.

use crate::diff::{Change, DiffMode, DiffOptions, Verdict};
use crate::trace::Source;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a replay came to. Its JSON form is the report of every language; two replays of one
/// trace with equal outputs have equal reports but for `created_at`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of this form: [`Report::VERSION`].
    pub version: u32,
    /// When it was made: RFC 3339, UTC, in whole seconds.
    pub created_at: String,
    /// What the new outputs came from, as the caller named it.
    pub target: Option<String>,
    /// How outputs were compared.
    pub options: DiffOptions,
    /// All rows.
    pub totals: Totals,
    /// The rows of each model; those that name none are under `""`.
    pub models: BTreeMap<String, Totals>,
    /// The rows, in the order of the file.
    pub rows: Vec<ReportRow>,
    /// The first rows that could not be read.
    pub bad_rows: Vec<BadRow>,
}

/// How many rows came to which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The rows that could be read.
    pub rows: u64,
    /// Rows that came to [`Verdict::Same`].
    pub same: u64,
    /// Rows that came to [`Verdict::Equivalent`].
    pub equivalent: u64,
    /// Rows that came to [`Verdict::Different`].
    pub different: u64,
    /// Rows that came to [`Verdict::Inconclusive`].
    pub inconclusive: u64,
    /// Rows that came to [`Verdict::Error`].
    pub error: u64,
    /// Rows that came to [`Verdict::Skipped`].
    pub skipped: u64,
    /// Rows that could not be read.
    pub bad: u64,
}

/// One row, its two outputs, and how they compare.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportRow {
    /// Where the row stands.
    pub source: Source,
    /// As the trace names it.
    pub trace_id: Option<String>,
    /// As the trace names it.
    pub case_id: Option<String>,
    /// As the trace names it.
    pub model: Option<String>,
    /// What was asked, as text.
    pub prompt: Option<String>,
    /// The recorded output.
    pub before: Option<String>,
    /// The new output; absent if the target failed.
    pub after: Option<String>,
    /// How they compare.
    pub verdict: Verdict,
    /// How alike they are, where the deciding mode measures it.
    pub score: Option<f64>,
    /// The mode that decided; absent where nothing was compared.
    pub mode: Option<DiffMode>,
    /// The reason, for people.
    pub note: String,
    /// The first places where two JSON values differ.
    pub differences: Vec<Change>,
    /// How many there are besides.
    pub more: usize,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Where it stands.
    pub source: Source,
    /// The byte of the line at which reading stopped, from 1; 0 if that is not known.
    pub column: u64,
    /// Why, without the row's content.
    pub reason: String,
}

impl Report {
    /// The version of the form of reports.
    pub const VERSION: u32 = 1;
}

impl Totals {
    /// Counts a row.
    pub fn count(&mut self, verdict: Verdict) {
        self.rows += 1;
        *match verdict {
            Verdict::Same => &mut self.same,
            Verdict::Equivalent => &mut self.equivalent,
            Verdict::Different => &mut self.different,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Error => &mut self.error,
            Verdict::Skipped => &mut self.skipped,
        } += 1;
    }
}
