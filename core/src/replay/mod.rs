//! Running recorded traces again, and saying what changed.

mod report;

pub use report::{BadRow, Report, ReportRow, Totals};
