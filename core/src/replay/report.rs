//! What a replay came to, row by row.

use crate::diff::{Change, DiffMode, DiffOptions, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::trace::{BadRow, Row, Source};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::SystemTime;

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
    #[serde(deserialize_with = "known_options")]
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

/// Reads options without those that a newer library added: what was asked for is not asked for
/// again.
fn known_options<'de, D: Deserializer<'de>>(from: D) -> Result<DiffOptions, D::Error> {
    let mut members: Map<String, Value> = Map::deserialize(from)?;
    let known = serde_json::to_value(DiffOptions::default()).map_err(D::Error::custom)?;
    members.retain(|name, _| known.get(name).is_some());
    serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)
}

impl Report {
    /// The version of the form of reports.
    pub const VERSION: u32 = 1;

    /// Returns an empty report, made now.
    pub fn new(target: Option<String>, options: DiffOptions) -> Self {
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        Self {
            version: Self::VERSION,
            created_at: now.to_string(),
            target,
            options,
            totals: Totals::default(),
            models: BTreeMap::new(),
            rows: Vec::new(),
            bad_rows: Vec::new(),
        }
    }

    /// Adds a row and counts it.
    pub fn push(&mut self, row: ReportRow) {
        self.totals.count(row.verdict);
        self.models.entry(row.model.clone().unwrap_or_default()).or_default().count(row.verdict);
        self.rows.push(row);
    }

    /// Returns whether nothing needs a look: every row could be read, and each new output may
    /// stand in the place of the old one.
    pub fn is_ok(&self) -> bool {
        let totals = &self.totals;
        totals.rows == totals.same + totals.equivalent && totals.bad == 0
    }

    /// Returns the report as `json`, `markdown`, `junit` or `html`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] for any other format.
    pub fn render(&self, format: &str) -> Result<String> {
        match format {
            "json" => Ok(self.to_json()),
            "markdown" => Ok(self.to_markdown()),
            "junit" => Ok(self.to_junit()),
            "html" => Ok(self.to_html()),
            _ => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("unknown format {format:?}; the formats are {}", Self::FORMATS.join(", ")),
            )),
        }
    }

    /// The formats of [`Report::render`].
    pub const FORMATS: [&str; 4] = ["json", "markdown", "junit", "html"];
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

    /// Returns the rows that came to `verdict`.
    pub fn of(&self, verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Same => self.same,
            Verdict::Equivalent => self.equivalent,
            Verdict::Different => self.different,
            Verdict::Inconclusive => self.inconclusive,
            Verdict::Error => self.error,
            Verdict::Skipped => self.skipped,
        }
    }
}

impl ReportRow {
    /// Returns a row of which nothing is known yet but what the trace says.
    pub(super) fn of(row: &Row, before: Option<String>) -> Self {
        Self {
            source: row.source.clone(),
            trace_id: row.trace_id.clone(),
            case_id: row.case_id.clone(),
            model: row.model.clone(),
            prompt: row.prompt(),
            before,
            after: None,
            verdict: Verdict::Error,
            score: None,
            mode: None,
            note: String::new(),
            differences: Vec::new(),
            more: 0,
        }
    }
}
