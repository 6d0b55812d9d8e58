//! Which format a row is of, and the row that it makes.

use super::bad::Bad;
use super::{Format, Row, anthropic, f3dx, openai, otel, plain};
use serde_json::{Map, Value};

/// Tells the format of a row from its members.
pub(super) fn detect(members: &Map<String, Value>) -> Option<Format> {
    // The most telling first: a plain row may have any other members.
    [
        Format::AnthropicBatch,
        Format::OpenaiBatch,
        Format::Otlp,
        Format::Otel,
        Format::F3dx,
        Format::Plain,
    ]
    .into_iter()
    .find(|format| fits(*format, members))
}

fn fits(format: Format, members: &Map<String, Value>) -> bool {
    match format {
        Format::F3dx | Format::F3dxParquet => f3dx::fits(members),
        Format::Otel => otel::fits(members),
        Format::Otlp => otel::fits_otlp(members),
        Format::OpenaiBatch => openai::fits(members),
        Format::AnthropicBatch => anthropic::fits(members),
        Format::Plain => plain::fits(members),
    }
}

/// Makes the row of the members; none if they are of another kind, such as a span of no model.
pub(super) fn row(format: Format, members: Map<String, Value>) -> Result<Option<Row>, Bad> {
    if !fits(format, &members) {
        return Err(Bad::row(match format {
            Format::F3dx | Format::F3dxParquet => {
                "it is no row of f3dx: `duration_ms` and `iterations` are needed"
            }
            Format::Otel => "it is no span: `context` and `attributes` are needed",
            Format::Otlp => "it is no span: `traceId` and `spanId` are needed",
            Format::OpenaiBatch => {
                "it is no response of a batch: `custom_id` and `response` or `error` are needed"
            }
            Format::AnthropicBatch => {
                "it is no result of a batch: `custom_id` and `result` are needed"
            }
            Format::Plain => "it has neither `prompt` nor `messages`",
        }));
    }
    match format {
        Format::F3dx | Format::F3dxParquet => f3dx::row(members).map(Some),
        Format::Otel => otel::row(members),
        Format::Otlp => otel::otlp_row(members),
        Format::OpenaiBatch => openai::row(members).map(Some),
        Format::AnthropicBatch => anthropic::row(members).map(Some),
        Format::Plain => plain::row(members).map(Some),
    }
}
