//! Rows of f3dx: one run of an agent each, the same members as JSON lines and as parquet.

use super::bad::Bad;
use super::fields::Fields;
use super::value::parse_inner;
use super::{Row, ToolCall, Usage};
use serde_json::{Map, Value, json};

/// Whether the members are those of f3dx.
pub(super) fn fits(members: &Map<String, Value>) -> bool {
    let has = |name| members.contains_key(name);
    has("duration_ms") && (has("iterations") || has("tool_calls_executed"))
}

/// Makes a row of the members.
pub(super) fn row(members: Map<String, Value>) -> Result<Row, Bad> {
    let mut fields = Fields::new(members);
    let mut row = Row {
        trace_id: fields.text("trace_id")?,
        model: fields.text("model")?,
        system: fields.text("system_prompt")?,
        output: fields.text("output")?,
        usage: Usage {
            input_tokens: fields.count("input_tokens")?,
            output_tokens: fields.count("output_tokens")?,
        },
        latency_ms: fields.number("duration_ms")?,
        ..Row::default()
    };
    if let Some(prompt) = fields.text("prompt")? {
        row.messages.push(json!({"role": "user", "content": prompt}));
    }
    let mut calls = fields.list("tool_calls")?;
    if let Some(text) = fields.text("tool_calls_json")?
        && calls.is_none()
    {
        match parse_inner(&text) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => calls = Some(items),
            Some(other) => return Err(Bad::member("tool_calls_json", "an array", &other)),
        }
    }
    for call in calls.unwrap_or_default() {
        let Some(name) = call.get("name").and_then(Value::as_str) else {
            return Err(Bad::member("tool_calls", "an array of objects with a `name`", &call));
        };
        row.tool_calls.push(ToolCall {
            id: call.get("id").and_then(Value::as_str).map(str::to_owned),
            name: name.to_owned(),
            arguments: call.get("arguments").filter(|value| !value.is_null()).cloned(),
        });
    }
    row.extra = fields.rest();
    Ok(row)
}
