//! Recorded traces: rows of files that other programs wrote.
//!
//! [`Traces`] reads them one at a time. Which [`Format`] a file has shows in its content:
//!
//! | format | how it is told |
//! | --- | --- |
//! | [`Format::F3dxParquet`] | the file begins with `PAR1` |
//! | [`Format::Otlp`] | the first member is `resourceSpans` (or `resourceLogs`, `resourceMetrics`) |
//! | [`Format::AnthropicBatch`] | a row has `custom_id` and `result` |
//! | [`Format::OpenaiBatch`] | a row has `custom_id`, and `response` or `error` |
//! | [`Format::Otel`] | a row has `context` with `trace_id`, and `attributes` |
//! | [`Format::F3dx`] | a row has `duration_ms`, and `iterations` or `tool_calls_executed` |
//! | [`Format::Plain`] | a row has `prompt` or `messages` |
//!
//! The first row that is told decides for the file. Texts may be compressed with gzip (it begins
//! with `1f 8b`). A row is a line of JSON; if the first line is `{` alone or begins with `[`, rows
//! are values over many lines, or the items of one array. Of OTLP, each span is a row, and no more
//! than one of them is in memory.
//!
//! Spans in which no model was called are passed over, and so are those of agents and workflows,
//! whose calls have spans of their own.

mod anthropic;
mod bad;
mod documents;
mod f3dx;
mod fields;
mod genai;
mod input;
mod join;
mod lines;
mod messages;
mod openai;
mod options;
mod otel;
mod parquet;
mod plain;
mod reading;
mod row;
mod traces;
mod value;

pub use bad::BadRow;
pub use options::{Format, TraceOptions};
pub use row::{Row, Source, ToolCall, Usage};
pub use traces::Traces;
