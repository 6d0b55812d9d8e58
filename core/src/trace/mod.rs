//! Recorded traces: rows of files that other programs wrote.

mod row;

pub use row::{Row, Source, ToolCall, Usage};
