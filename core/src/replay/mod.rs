//! Running recorded traces again, and saying what changed.
//!
//! A [`Replay`] asks a [`Target`] for a new output of each row and compares it with the recorded
//! one; the [`Report`] has forms for programs, people, CI and the browser.

mod html;
mod json;
mod junit;
mod markdown;
mod options;
mod output;
mod report;
mod run;
#[cfg(test)]
mod sample;
mod target;
mod wording;

pub use crate::trace::BadRow;
pub use options::ReplayOptions;
pub use report::{Report, ReportRow, Totals};
pub use run::{Progress, Replay, Rows};
pub use target::Target;
