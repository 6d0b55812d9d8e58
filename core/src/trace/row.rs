//! One recorded call, whatever wrote it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One recorded call of a trace file. What a format does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Where the row stands.
    pub source: Source,
    /// The run that the call belongs to.
    pub trace_id: Option<String>,
    /// The row's own name, such as the `custom_id` of a batch.
    pub case_id: Option<String>,
    /// The model that answered; if that is not known, the one that was asked.
    pub model: Option<String>,
    /// The provider's name, as the file spells it.
    pub provider: Option<String>,
    /// The system prompt; an empty one is `""`.
    pub system: Option<String>,
    /// The messages without the system prompt: `{"role", "content", ...}` each.
    pub messages: Vec<Value>,
    /// The tools that were offered, as the request had them.
    pub tools: Vec<Value>,
    /// The other members of the request, such as `temperature`.
    pub params: Map<String, Value>,
    /// The text of the output.
    pub output: Option<String>,
    /// The output's parts, where it has more than text.
    pub parts: Vec<Value>,
    /// The tool calls of the output.
    pub tool_calls: Vec<ToolCall>,
    /// What was counted.
    pub usage: Usage,
    /// How long the call took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Why the output ended, as the provider spells it.
    pub finish_reason: Option<String>,
    /// What went wrong, if there is no output.
    pub error: Option<String>,
    /// The fields of the row that no member above holds.
    pub extra: Map<String, Value>,
    /// The row as it stands in the file: for JSON lines its members, for parquet its columns.
    #[serde(skip)]
    pub own: Map<String, Value>,
}

/// Where a row stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// The file.
    pub file: String,
    /// The line at which the row starts, from 1; of a parquet file, the row.
    pub line: u64,
}

/// One tool call of an output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolCall {
    /// The provider's name for the call.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// The arguments, parsed where they are JSON, else the text.
    pub arguments: Option<Value>,
}

/// Tokens that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Of the request.
    pub input_tokens: Option<u64>,
    /// Of the output.
    pub output_tokens: Option<u64>,
}

impl Row {
    /// Returns what was asked, as text: the content of the last message of the user.
    pub fn prompt(&self) -> Option<String> {
        let asked = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
        let message = self.messages.iter().rfind(asked)?;
        content_text(message.get("content")?)
    }
}

/// Returns the text of a message's content: a string, or the text parts of an array.
pub(crate) fn content_text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
            let texts: Vec<_> = parts.iter().filter_map(text).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        _ => None,
    }
}
