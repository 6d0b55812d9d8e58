//! How to read a trace.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How to read a trace. An object of these members is what every language passes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceOptions {
    /// Whether a row that cannot be read is an error; else it is counted, and reading goes on.
    pub strict: bool,
    /// The format; told from the content if it is not given.
    pub format: Option<Format>,
    /// The input file of an OpenAI batch, whose requests are joined to the responses by `custom_id`.
    pub input: Option<PathBuf>,
}

/// What a trace file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The rows of f3dx, as JSON lines.
    F3dx,
    /// The rows of f3dx, as parquet.
    F3dxParquet,
    /// OpenTelemetry `gen_ai` spans, as the SDK for Python writes them.
    Otel,
    /// OpenTelemetry `gen_ai` spans in the JSON form of OTLP.
    Otlp,
    /// The output file of an OpenAI batch.
    OpenaiBatch,
    /// The results of an Anthropic message batch.
    AnthropicBatch,
    /// Rows with `prompt` or `messages`, and `output`.
    Plain,
}

impl TraceOptions {
    /// Reads options from a JSON object; an empty text is the defaults.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is no such object.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        let wrong = "a JSON object of trace options is needed";
        // An array would be taken for the members in their order.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(Error::new(ErrorKind::InvalidArgument, wrong));
        }
        serde_json::from_slice(json)
            .map_err(|cause| Error::new(ErrorKind::InvalidArgument, wrong).because(cause))
    }
}

impl Format {
    /// Returns the name used by every binding, such as `openai_batch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F3dx => "f3dx",
            Self::F3dxParquet => "f3dx_parquet",
            Self::Otel => "otel",
            Self::Otlp => "otlp",
            Self::OpenaiBatch => "openai_batch",
            Self::AnthropicBatch => "anthropic_batch",
            Self::Plain => "plain",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_an_object_of_known_members() {
        assert_eq!(TraceOptions::from_json(b"").unwrap(), TraceOptions::default());
        let options = TraceOptions::from_json(br#"{"strict": true, "format": "openai_batch"}"#);
        assert_eq!(options.unwrap().format, Some(Format::OpenaiBatch));
        for wrong in ["[]", r#"{"strictt": true}"#, r#"{"format": "csv"}"#] {
            let error = TraceOptions::from_json(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn a_name_is_what_json_says() {
        for format in [Format::F3dx, Format::F3dxParquet, Format::AnthropicBatch, Format::Otlp] {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
    }
}
