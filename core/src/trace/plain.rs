//! Rows of no program in particular: `prompt` or `messages`, and `output`.

use super::bad::Bad;
use super::fields::Fields;
use super::messages::{
    error_text, put_answer, put_messages, put_parts, put_usage, tool_call, user,
};
use super::row::content_text;
use super::{Row, Usage};
use serde_json::{Map, Value};

/// Whether the members are those of a plain row.
pub(super) fn fits(members: &Map<String, Value>) -> bool {
    ["prompt", "messages"].iter().any(|name| members.get(*name).is_some_and(|of| !of.is_null()))
}

/// Makes a row of the members.
pub(super) fn row(members: Map<String, Value>) -> Result<Row, Bad> {
    let mut fields = Fields::new(members);
    let mut row = Row {
        trace_id: fields.text("trace_id")?,
        case_id: name(&mut fields),
        model: fields.text("model")?,
        provider: fields.text("provider")?,
        tools: fields.list("tools")?.unwrap_or_default(),
        params: fields.object("params")?.unwrap_or_default(),
        usage: Usage {
            input_tokens: fields.count("input_tokens")?,
            output_tokens: fields.count("output_tokens")?,
        },
        finish_reason: fields.text("finish_reason")?,
        error: fields.take("error").as_ref().and_then(error_text),
        ..Row::default()
    };
    row.latency_ms = fields.number("latency_ms")?;
    if row.latency_ms.is_none() {
        row.latency_ms = fields.number("duration_ms")?;
    }
    put_usage(&mut row, &mut fields)?;
    for name in ["system_prompt", "system"] {
        if let Some(system) = fields.take(name) {
            let text = content_text(&system);
            row.system = Some(text.ok_or_else(|| Bad::member(name, "a text", &system))?);
        }
    }
    if let Some(messages) = fields.list("messages")? {
        if let Some(other) = messages.iter().find(|message| !message.is_object()) {
            return Err(Bad::member("messages", "an array of objects", other));
        }
        put_messages(&mut row, messages);
    }
    match fields.take("prompt") {
        None => {}
        Some(Value::Array(messages)) if messages.iter().all(Value::is_object) => {
            put_messages(&mut row, messages);
        }
        Some(prompt @ (Value::String(_) | Value::Array(_))) if row.messages.is_empty() => {
            row.messages.push(user(prompt));
        }
        // It repeats what the messages say.
        Some(prompt @ Value::String(_)) => fields.put("prompt", prompt),
        Some(other) => return Err(Bad::member("prompt", "a string", &other)),
    }
    put_output(&mut row, fields.take("output"));
    for call in fields.list("tool_calls")?.unwrap_or_default() {
        let read = tool_call(&call);
        let wanted = "an array of objects with a `name`";
        row.tool_calls.push(read.ok_or_else(|| Bad::member("tool_calls", wanted, &call))?);
    }
    row.extra = fields.rest();
    Ok(row)
}

/// Takes the first member that names the row.
fn name(fields: &mut Fields) -> Option<String> {
    ["case_id", "custom_id", "id"].into_iter().find_map(|name| match fields.take(name)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        other => {
            fields.put(name, other);
            None
        }
    })
}

/// Puts the output into the row: a text, a message, parts, or a JSON value, which is its text.
fn put_output(row: &mut Row, output: Option<Value>) {
    match output {
        None => {}
        Some(Value::String(text)) => row.output = Some(text),
        Some(message @ Value::Object(_)) if message.get("role").is_some() => {
            put_answer(row, &message);
        }
        Some(Value::Array(parts)) if !parts.is_empty() && parts.iter().all(is_part) => {
            put_parts(row, parts);
        }
        Some(other) => row.output = Some(other.to_string()),
    }
}

fn is_part(part: &Value) -> bool {
    part.get("type").is_some_and(Value::is_string)
}
