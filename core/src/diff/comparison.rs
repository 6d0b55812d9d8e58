//! What a comparison came to.

use super::options::DiffMode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How two outputs compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They are equal, as the deciding mode has it.
    Same,
    /// They differ in wording or detail, but either answers as well.
    Equivalent,
    /// They differ.
    Different,
    /// The modes that ran could not tell.
    Inconclusive,
    /// They could not be compared, or there is no new output.
    Error,
    /// The comparison would have needed more model calls than `max_judge_calls`.
    Skipped,
}

impl Verdict {
    /// Whether the new output may stand in the place of the old one.
    pub fn is_ok(self) -> bool {
        matches!(self, Self::Same | Self::Equivalent)
    }
}

/// How two outputs compare, who says so, and where they differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// How they compare.
    pub verdict: Verdict,
    /// How sure the deciding mode is, where it measures that: for `embedding` the cosine, from -1
    /// to 1; for `judge` the share of votes for the verdict.
    pub score: Option<f64>,
    /// The mode that decided.
    pub mode: DiffMode,
    /// The reason, for people: one line, or a line and a short text diff below it.
    pub note: String,
    /// The first places where two JSON values differ.
    pub differences: Vec<Change>,
    /// How many there are besides.
    pub more: usize,
    /// How long each mode that ran took, in milliseconds.
    pub timings: BTreeMap<DiffMode, f64>,
}

/// One place where two JSON values differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The JSON Pointer (RFC 6901) of the place.
    pub path: String,
    /// What happened there.
    pub kind: ChangeKind,
    /// The canonical JSON before; absent if it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<RawValue>>,
    /// The canonical JSON after; absent if it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<RawValue>>,
}

/// What happened at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only the new value has it.
    Added,
    /// Only the old value has it.
    Removed,
    /// Both have a value of one type there.
    Changed,
    /// The values are of different types.
    TypeChanged,
}
