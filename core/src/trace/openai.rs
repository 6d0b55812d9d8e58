//! Output files of OpenAI batches.

use super::Row;
use super::bad::Bad;
use super::fields::Fields;
use super::messages::{error_text, parsed, put_answer, put_parts, put_usage};
use super::row::content_text;
use serde_json::{Map, Value};

/// Whether the members are those of a response of a batch.
pub(super) fn fits(members: &Map<String, Value>) -> bool {
    let has = |name| members.contains_key(name);
    // A plain row may have an `error`, too.
    has("custom_id") && (has("response") || has("error") && !has("output"))
}

/// Makes a row of the members.
pub(super) fn row(members: Map<String, Value>) -> Result<Row, Bad> {
    let mut fields = Fields::new(members);
    let mut row = Row {
        case_id: fields.text("custom_id")?,
        error: fields.take("error").as_ref().and_then(error_text),
        ..Row::default()
    };
    if let Some(response) = fields.object("response")? {
        let mut response = Fields::new(response);
        let status = response.take("status_code");
        if let Some(body) = response.take("body") {
            let Value::Object(body) = body else {
                return Err(Bad::member("response", "an object with a `body` that is one", &body));
            };
            let mut body = Fields::new(body);
            put_body(&mut row, &mut body)?;
            let body = body.rest();
            if !body.is_empty() {
                response.put("body", body);
            }
        }
        if let Some(status) = status {
            let failed = status.as_u64().is_some_and(|status| status >= 400);
            if failed && row.error.is_none() {
                row.error = Some(format!("status {status}"));
            }
            response.put("status_code", status);
        }
        fields.put("response", response.rest());
    }
    row.extra = fields.rest();
    Ok(row)
}

/// Puts the body of a response into the row; what it has besides stays in the body.
fn put_body(row: &mut Row, body: &mut Fields) -> Result<(), Bad> {
    row.model = body.text("model")?;
    put_usage(row, body)?;
    if let Some(error) = body.take("error") {
        row.error = row.error.take().or_else(|| error_text(&error));
    }
    if body.has("choices") {
        put_choices(row, body.list("choices")?.unwrap_or_default(), body);
    } else if matches!(body.peek("output"), Some(Value::Array(_))) {
        put_items(row, body)?;
    }
    Ok(())
}

/// Chat completions, and completions of old. The first choice is the output.
fn put_choices(row: &mut Row, mut choices: Vec<Value>, body: &mut Fields) {
    let Some(Value::Object(first)) = choices.first_mut() else { return };
    if let Some(message) = first.remove("message") {
        put_answer(row, &message);
        let read = ["role", "content", "tool_calls", "refusal"];
        let Value::Object(mut rest) = message else { return };
        rest.retain(|name, value| !(value.is_null() || read.contains(&name.as_str())));
        if !rest.is_empty() {
            first.insert("message".to_owned(), Value::Object(rest));
        }
    } else {
        row.output = first.remove("text").as_ref().and_then(content_text);
    }
    if let Some(Value::String(reason)) = first.remove("finish_reason") {
        row.finish_reason = Some(reason);
    }
    first.retain(|name, value| !(value.is_null() || name == "index"));
    if choices.len() > 1 || choices[0].as_object().is_some_and(|first| !first.is_empty()) {
        body.put("choices", choices);
    }
}

/// The Responses API: items of output, and what was asked, repeated.
fn put_items(row: &mut Row, body: &mut Fields) -> Result<(), Bad> {
    let mut parts = Vec::new();
    for item in body.list("output")?.unwrap_or_default() {
        let content = item.get("content").and_then(Value::as_array);
        match (item.get("type").and_then(Value::as_str), content) {
            (Some("message"), Some(content)) => parts.extend(content.iter().cloned()),
            _ => parts.push(item),
        }
    }
    put_parts(row, parts);
    if let Some(instructions) = body.take("instructions") {
        row.system = content_text(&instructions);
    }
    row.tools = body.list("tools")?.unwrap_or_default();
    for name in ["temperature", "top_p", "max_output_tokens", "tool_choice", "reasoning", "text"] {
        if let Some(value) = body.take(name).as_ref().and_then(parsed) {
            row.params.insert(name.to_owned(), value);
        }
    }
    let why = body.take("incomplete_details");
    let why = why.as_ref().and_then(|why| why.get("reason")).and_then(Value::as_str);
    let status = body.text("status")?;
    row.finish_reason = why.map(str::to_owned).or(status);
    Ok(())
}
