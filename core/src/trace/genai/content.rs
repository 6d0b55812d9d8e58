//! Messages as attributes of spans spell them, turned into those of chat completions.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

type Members = Map<String, Value>;

/// Turns a message with `parts` into messages with `content`; each result of a tool is one.
pub(super) fn input_messages(message: Value) -> Vec<Value> {
    let Some(parts) = message.get("parts").and_then(Value::as_array) else { return vec![message] };
    let role = message.get("role").cloned().unwrap_or_else(|| "user".into());
    let (mut content, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for part in answer_parts(parts) {
        match part.get("type").and_then(Value::as_str) {
            Some("tool_call") => calls.push(function_call(&part)),
            Some("tool_call_response") => {
                let said =
                    ["response", "result", "content"].iter().find_map(|name| part.get(*name));
                let content = match said {
                    Some(Value::String(text)) => text.clone(),
                    said => said.map(Value::to_string).unwrap_or_default(),
                };
                results.push(json!({
                    "role": "tool", "tool_call_id": part.get("id"), "content": content,
                }));
            }
            _ => content.push(part),
        }
    }
    let mut messages = Vec::new();
    if !content.is_empty() || !calls.is_empty() || results.is_empty() {
        let mut message = json!({"role": role, "content": text_or_parts(content)});
        if !calls.is_empty() {
            message["tool_calls"] = Value::Array(calls);
        }
        messages.push(message);
    }
    messages.extend(results);
    messages
}

/// Gives text parts the name of their text that the providers' APIs use.
pub(super) fn answer_parts(parts: &[Value]) -> Vec<Value> {
    let renamed = |part: &Value| match (part.get("type"), part.get("content")) {
        (Some(kind), Some(content)) if kind == "text" => json!({"type": kind, "text": content}),
        _ => part.clone(),
    };
    parts.iter().map(renamed).collect()
}

/// Takes the attributes `prefix` + `0.content`, `prefix` + `0.tool_calls.1.name` and so on.
pub(super) fn indexed(attributes: &mut Members, prefix: &str) -> Vec<Members> {
    let mut all: BTreeMap<u32, (Members, BTreeMap<u32, Members>)> = BTreeMap::new();
    let names: Vec<String> =
        attributes.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
    for name in names {
        let Some((place, member)) = name[prefix.len()..].split_once('.') else { continue };
        let Ok(place) = place.parse() else { continue };
        let value = attributes.remove(&name).unwrap_or_default();
        let (message, calls) = all.entry(place).or_default();
        let call = member.strip_prefix("tool_calls.").and_then(|rest| rest.split_once('.'));
        match call.and_then(|(place, member)| Some((place.parse().ok()?, member))) {
            Some((place, member)) => {
                calls.entry(place).or_default().insert(member.to_owned(), value);
            }
            None => {
                message.insert(member.to_owned(), value);
            }
        }
    }
    let whole = |(mut message, calls): (Members, BTreeMap<u32, Members>)| {
        if !calls.is_empty() {
            let calls = calls.into_values().map(|call| function_call(&Value::Object(call)));
            message.insert("tool_calls".to_owned(), calls.collect());
        }
        message
    };
    all.into_values().map(whole).collect()
}

fn function_call(call: &Value) -> Value {
    let arguments = match call.get("arguments") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "{}".to_owned(),
    };
    let function = json!({"name": call.get("name"), "arguments": arguments});
    json!({"id": call.get("id"), "type": "function", "function": function})
}

fn text_or_parts(parts: Vec<Value>) -> Value {
    let text = |part: &Value| Some(part.get("text")?.as_str()?.to_owned());
    match parts.iter().map(text).collect::<Option<Vec<_>>>() {
        Some(texts) if texts.is_empty() => Value::Null,
        Some(texts) => Value::String(texts.join("\n")),
        None => Value::Array(parts),
    }
}
