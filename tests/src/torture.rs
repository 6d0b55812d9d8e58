//! How much a proof does, and what it reports.
//!
//! `make test` runs a sample. `make torture` sets `TORTURE_REPORT` to a file, runs
//! the full counts, and prints the rows that the proofs append to it as a table.

use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;

/// The variable that asks for the full counts; its value is the report's path.
const REPORT: &str = "TORTURE_REPORT";

/// Returns `full` under `make torture`, `sample` otherwise.
pub fn rounds(sample: usize, full: usize) -> usize {
    if std::env::var_os(REPORT).is_some() { full } else { sample }
}

/// One row of the report: how often something was tried, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// What was tried.
    pub what: String,
    /// How many times.
    pub count: u64,
    /// Acknowledged recordings that are gone, and misses of what was recorded.
    pub lost: u64,
    /// Answers with other bytes than were recorded.
    pub wrong: u64,
    /// Processes that ended by a signal or a panic.
    pub crashed: u64,
    /// Processes that the watchdog ended.
    pub hung: u64,
    /// Anything worth saying; empty if there is nothing.
    #[serde(default)]
    pub note: String,
}

impl Tally {
    /// Begins a row.
    pub fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// Appends the row to the report, if there is one, and fails the test if
    /// anything went wrong.
    ///
    /// # Panics
    ///
    /// If something was lost, wrong, crashed or hung, or if nothing was tried.
    pub fn finish(self) {
        if let Some(path) = std::env::var_os(REPORT) {
            let mut line = serde_json::to_string(&self).expect("a row is JSON");
            line.push('\n');
            // One write each, so that rows of several processes do not mix.
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(line.as_bytes()))
                .expect("the report is written");
        }
        assert!(self.count > 0, "nothing was tried: {self:?}");
        assert_eq!((self.lost, self.wrong, self.crashed, self.hung), (0, 0, 0, 0), "{self:?}");
    }
}
