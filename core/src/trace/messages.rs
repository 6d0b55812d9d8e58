//! Messages, outputs and requests, as the formats have them in common.

use super::bad::Bad;
use super::fields::{Fields, count};
use super::row::content_text;
use super::value::parse_inner;
use super::{Row, ToolCall};
use serde_json::{Map, Value, json};

/// Puts messages into the row; those of the system that come first are its system prompt.
pub(super) fn put_messages(row: &mut Row, messages: Vec<Value>) {
    let mut messages = messages.into_iter().peekable();
    while let Some(text) = messages.peek().and_then(system_text) {
        match &mut row.system {
            Some(system) if !system.is_empty() => *system = format!("{system}\n\n{text}"),
            system => *system = Some(text),
        }
        messages.next();
    }
    row.messages.extend(messages);
}

fn system_text(message: &Value) -> Option<String> {
    let role = message.get("role")?.as_str()?;
    matches!(role, "system" | "developer").then(|| content_text(message.get("content")?))?
}

/// Returns a message of the user.
pub(super) fn user(content: impl Into<Value>) -> Value {
    json!({"role": "user", "content": content.into()})
}

/// Puts the members of a request into the row, whichever of the known APIs it is for.
pub(super) fn put_request(row: &mut Row, request: Map<String, Value>) -> Result<(), Bad> {
    let mut request = Fields::new(request);
    let model = request.text("model")?;
    row.model = row.model.take().or(model);
    for name in ["system", "instructions"] {
        if let Some(system) = request.take(name) {
            let text = content_text(&system);
            row.system = Some(text.ok_or_else(|| Bad::member(name, "a text", &system))?);
        }
    }
    for name in ["messages", "input", "prompt"] {
        match request.take(name) {
            None => {}
            Some(Value::Array(messages)) if messages.iter().all(Value::is_object) => {
                put_messages(row, messages);
            }
            Some(content) => row.messages.push(user(content)),
        }
    }
    if row.tools.is_empty() {
        row.tools = request.list("tools")?.unwrap_or_default();
    }
    row.params.extend(request.rest());
    Ok(())
}

/// Puts an assistant's message, as chat completions have it, into the row.
pub(super) fn put_answer(row: &mut Row, message: &Value) {
    match message.get("content") {
        Some(Value::Array(parts)) => put_parts(row, parts.clone()),
        content => row.output = content.and_then(content_text),
    }
    if row.output.is_none() {
        row.output = message.get("refusal").and_then(Value::as_str).map(str::to_owned);
    }
    if let Some(calls) = message.get("tool_calls").and_then(Value::as_array) {
        row.tool_calls.extend(calls.iter().filter_map(tool_call));
    }
}

/// Puts the parts of an output into the row: the texts, the tool calls, and all of them if there
/// are other ones.
pub(super) fn put_parts(row: &mut Row, parts: Vec<Value>) {
    let mut texts = Vec::new();
    let mut others = false;
    for part in &parts {
        match part.get("type").and_then(Value::as_str) {
            Some("text" | "output_text") => {
                texts.extend(part.get("text").and_then(Value::as_str));
            }
            Some("refusal") => texts.extend(part.get("refusal").and_then(Value::as_str)),
            Some("tool_use" | "function_call" | "tool_call") => {
                row.tool_calls.extend(tool_call(part));
            }
            _ => others = true,
        }
    }
    if !texts.is_empty() {
        row.output = Some(texts.concat());
    }
    if others {
        row.parts = parts;
    }
}

/// Reads a tool call as OpenAI (two APIs), Anthropic or OpenTelemetry spell it.
pub(super) fn tool_call(call: &Value) -> Option<ToolCall> {
    let function = call.get("function").filter(|function| function.is_object()).unwrap_or(call);
    let name = function.get("name")?.as_str()?.to_owned();
    let id = ["call_id", "id"].iter().find_map(|id| call.get(*id)?.as_str());
    let arguments = ["arguments", "input"].iter().find_map(|name| function.get(*name));
    Some(ToolCall { id: id.map(str::to_owned), name, arguments: arguments.and_then(parsed) })
}

/// Parses what is JSON in a string; another value is as it is, and `null` is nothing.
pub(super) fn parsed(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(parse_inner(text).unwrap_or_else(|| value.clone())),
        other => Some(other.clone()),
    }
}

/// Puts token counts into the row, as `usage` of a response spells them; others stay.
pub(super) fn put_usage(row: &mut Row, body: &mut Fields) -> Result<(), Bad> {
    let Some(mut usage) = body.object("usage")? else { return Ok(()) };
    for name in ["input_tokens", "prompt_tokens"] {
        take_count(&mut usage, name, &mut row.usage.input_tokens);
    }
    for name in ["output_tokens", "completion_tokens"] {
        take_count(&mut usage, name, &mut row.usage.output_tokens);
    }
    if !usage.is_empty() {
        body.put("usage", usage);
    }
    Ok(())
}

fn take_count(usage: &mut Map<String, Value>, name: &str, tokens: &mut Option<u64>) {
    if let Some(counted) = usage.get(name).and_then(count)
        && tokens.is_none_or(|known| known == counted)
    {
        *tokens = Some(counted);
        usage.remove(name);
    }
}

/// Says what went wrong, from the value that says so.
pub(super) fn error_text(error: &Value) -> Option<String> {
    match error {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(members) => {
            let said = ["message", "error", "code", "type"]
                .iter()
                .find_map(|name| members.get(*name).and_then(error_text));
            Some(said.unwrap_or_else(|| error.to_string()))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_messages_of_the_system_are_its_prompt() {
        let mut row = Row::default();
        let late = json!({"role": "system", "content": "late"});
        put_messages(
            &mut row,
            vec![
                json!({"role": "system", "content": "a"}),
                json!({"role": "developer", "content": [{"type": "text", "text": "b"}]}),
                user("hi"),
                late.clone(),
            ],
        );
        assert_eq!(row.system.as_deref(), Some("a\n\nb"));
        assert_eq!(row.messages, [user("hi"), late]);
    }

    #[test]
    fn an_empty_system_prompt_is_one() {
        let mut row = Row::default();
        put_messages(&mut row, vec![json!({"role": "system", "content": ""})]);
        assert_eq!(row.system.as_deref(), Some(""));
    }

    #[test]
    fn the_arguments_of_a_tool_call_are_parsed_if_they_are_json() {
        let call = |arguments: &str| {
            let call = json!({"id": "c", "function": {"name": "f", "arguments": arguments}});
            tool_call(&call).unwrap().arguments.unwrap()
        };
        assert_eq!(call(r#"{"a": 1}"#), json!({"a": 1}));
        assert_eq!(call(r#"{"a": 1"#), json!(r#"{"a": 1"#));
    }

    #[test]
    fn an_error_is_said_by_its_innermost_message() {
        let error = json!({"type": "error", "error": {"type": "e", "message": "too long"}});
        assert_eq!(error_text(&error).as_deref(), Some("too long"));
        assert_eq!(error_text(&json!({"code": "batch_expired"})).as_deref(), Some("batch_expired"));
        assert_eq!(error_text(&json!(null)), None);
    }
}
