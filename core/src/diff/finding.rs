//! What one layer says.

use super::comparison::{Change, Verdict};

/// What one layer says of two outputs.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub verdict: Verdict,
    /// How alike they are, from 0 to 1, if the layer measures it.
    pub score: Option<f64>,
    /// The reason, for people.
    pub note: String,
    /// The first places where two JSON values differ.
    pub differences: Vec<Change>,
    /// How many there are besides.
    pub more: usize,
}

impl Finding {
    /// Makes one without score and differences.
    pub fn new(verdict: Verdict, note: impl Into<String>) -> Self {
        Self { verdict, score: None, note: note.into(), differences: Vec::new(), more: 0 }
    }
}
