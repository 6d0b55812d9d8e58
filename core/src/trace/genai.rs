//! Calls of models in spans, by the semantic conventions of OpenTelemetry for `gen_ai`: those of
//! today, those before, and the attributes of OpenLLMetry.

mod content;

use super::Row;
use super::bad::Bad;
use super::fields::count;
use super::messages::{parsed, put_answer, put_messages, put_parts, user};
use super::row::content_text;
use content::{answer_parts, indexed, input_messages};
use serde_json::{Map, Value, json};

/// A span, however it was spelled.
pub(super) struct Span {
    pub trace_id: Option<String>,
    pub span_id: Option<String>,
    pub latency_ms: Option<f64>,
    /// What went wrong; empty if it was not said.
    pub error: Option<String>,
    pub attributes: Map<String, Value>,
    pub events: Vec<Event>,
    /// The other members.
    pub rest: Map<String, Value>,
}

/// An event of a span.
pub(super) struct Event {
    pub name: String,
    pub attributes: Map<String, Value>,
    /// The other members.
    pub rest: Map<String, Value>,
}

/// Operations in which no model is asked for an output, or which only hold such calls.
const OTHERS: [&str; 7] = [
    "create_agent",
    "embeddings",
    "execute_tool",
    "invoke_agent",
    "invoke_workflow",
    "rerank",
    "retrieval",
];

/// Makes a row of a span, if a model was called in it.
pub(super) fn row(span: Span) -> Result<Option<Row>, Bad> {
    let mut attributes = span.attributes;
    let is_genai = |name: &String| name.starts_with("gen_ai.");
    let told = span.events.iter().any(|event| is_genai(&event.name));
    if !told && !attributes.keys().any(is_genai) {
        return Ok(None);
    }
    let operation = attributes.get("gen_ai.operation.name").and_then(Value::as_str);
    if operation.is_some_and(|operation| OTHERS.contains(&operation)) {
        return Ok(None);
    }
    let mut row = Row {
        trace_id: span.trace_id,
        case_id: span.span_id,
        latency_ms: span.latency_ms,
        ..Row::default()
    };
    let mut messages = Vec::new();
    let mut answers = Vec::new();
    let mut events = Vec::new();
    for event in span.events {
        take_event(event, &mut attributes, &mut messages, &mut answers, &mut events);
    }
    put_names(&mut row, &mut attributes);
    put_system(&mut row, &mut attributes);
    put_asked(&mut row, &mut attributes, messages);
    put_answered(&mut row, &mut attributes, answers);
    row.error = span.error.map(|said| {
        let kind = attributes.get("error.type").and_then(Value::as_str);
        if said.is_empty() { kind.unwrap_or("the span failed").to_owned() } else { said }
    });
    row.extra = span.rest;
    if !attributes.is_empty() {
        row.extra.insert("attributes".to_owned(), Value::Object(attributes));
    }
    if !events.is_empty() {
        row.extra.insert("events".to_owned(), Value::Array(events));
    }
    Ok(Some(row))
}

/// Takes what an event says; one of another kind goes to `others`.
fn take_event(
    event: Event,
    attributes: &mut Map<String, Value>,
    messages: &mut Vec<Value>,
    answers: &mut Vec<Value>,
    others: &mut Vec<Value>,
) {
    let mut said = event.attributes;
    match event.name.as_str() {
        "gen_ai.client.inference.operation.details"
        | "gen_ai.content.prompt"
        | "gen_ai.content.completion" => {
            for (name, value) in said {
                attributes.entry(name).or_insert(value);
            }
        }
        "gen_ai.choice" => answers.push(Value::Object(said_by(&mut said))),
        name => {
            let role = name.strip_prefix("gen_ai.").and_then(|name| name.strip_suffix(".message"));
            if let Some(role) = role {
                let mut message = said_by(&mut said);
                message.entry("role").or_insert_with(|| role.into());
                messages.push(Value::Object(message));
                return;
            }
            let mut other = event.rest;
            other.insert("name".to_owned(), event.name.into());
            other.insert("attributes".to_owned(), Value::Object(said));
            others.push(Value::Object(other));
        }
    }
}

/// Returns the message of an event, whose members may be JSON in a string.
fn said_by(said: &mut Map<String, Value>) -> Map<String, Value> {
    let inner = said.remove("gen_ai.event.content").as_ref().and_then(parsed);
    let mut message = match inner {
        Some(Value::Object(message)) => message,
        _ => Map::new(),
    };
    for (name, value) in std::mem::take(said) {
        if name.starts_with("gen_ai.") {
            continue;
        }
        let structured = matches!(name.as_str(), "message" | "tool_calls" | "parts");
        let value = if structured { parsed(&value).unwrap_or_default() } else { value };
        message.insert(name, value);
    }
    message
}

fn take_text(attributes: &mut Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match attributes.remove(*name)? {
        Value::String(text) => Some(text),
        other => {
            attributes.insert((*name).to_owned(), other);
            None
        }
    })
}

fn put_names(row: &mut Row, attributes: &mut Map<String, Value>) {
    row.model = take_text(attributes, &["gen_ai.response.model", "gen_ai.request.model"]);
    row.provider = take_text(attributes, &["gen_ai.provider.name", "gen_ai.system"]);
    let mut tokens = |names: [&str; 2]| {
        names.iter().find_map(|name| {
            let counted = attributes.get(*name).and_then(count)?;
            attributes.remove(*name);
            Some(counted)
        })
    };
    row.usage.input_tokens = tokens(["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]);
    row.usage.output_tokens =
        tokens(["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]);
    if let Some(reasons) = attributes.remove("gen_ai.response.finish_reasons") {
        row.finish_reason = match parsed(&reasons) {
            Some(Value::Array(reasons)) => {
                reasons.first().and_then(Value::as_str).map(str::to_owned)
            }
            Some(Value::String(reason)) => Some(reason),
            _ => None,
        };
    }
    let asked =
        |name: &String| name.strip_prefix("gen_ai.request.").is_some_and(|of| of != "model");
    let params: Vec<String> = attributes.keys().filter(|name| asked(name)).cloned().collect();
    for name in params {
        let value = attributes.remove(&name).unwrap_or_default();
        row.params.insert(name["gen_ai.request.".len()..].to_owned(), value);
    }
    row.tools = match attributes.remove("gen_ai.tool.definitions").as_ref().and_then(parsed) {
        Some(Value::Array(tools)) => tools,
        Some(tool @ Value::Object(_)) => vec![tool],
        _ => Vec::new(),
    };
    for mut tool in indexed(attributes, "llm.request.functions.") {
        if let Some(parameters) = tool.get("parameters").and_then(parsed) {
            tool.insert("parameters".to_owned(), parameters);
        }
        row.tools.push(json!({"type": "function", "function": tool}));
    }
}

fn put_system(row: &mut Row, attributes: &mut Map<String, Value>) {
    let Some(system) = attributes.remove("gen_ai.system_instructions") else { return };
    row.system = match parsed(&system) {
        Some(Value::Array(parts)) => {
            let text = |part: &Value| {
                let said = part.get("content").or_else(|| part.get("text")).unwrap_or(part);
                said.as_str().map(str::to_owned)
            };
            Some(parts.iter().filter_map(text).collect::<Vec<_>>().join("\n\n"))
        }
        _ => content_text(&system),
    };
}

/// Puts in what was asked, which one of four places says.
fn put_asked(row: &mut Row, attributes: &mut Map<String, Value>, events: Vec<Value>) {
    if let Some(messages) = attributes.remove("gen_ai.input.messages") {
        return match parsed(&messages) {
            Some(Value::Array(messages)) => {
                put_messages(row, messages.into_iter().flat_map(input_messages).collect());
            }
            _ => row.messages.push(user(messages)),
        };
    }
    if let Some(prompt) = attributes.remove("gen_ai.prompt") {
        return match parsed(&prompt) {
            Some(Value::Array(messages)) if messages.iter().all(Value::is_object) => {
                put_messages(row, messages);
            }
            Some(Value::Object(mut said)) if said.contains_key("messages") => {
                match said.remove("messages") {
                    Some(Value::Array(messages)) => put_messages(row, messages),
                    _ => row.messages.push(user(prompt)),
                }
            }
            _ => row.messages.push(user(prompt)),
        };
    }
    let mut messages = indexed(attributes, "gen_ai.prompt.");
    if messages.is_empty() {
        return put_messages(row, events);
    }
    for message in &mut messages {
        message.entry("role").or_insert_with(|| "user".into());
    }
    put_messages(row, messages.into_iter().map(Value::Object).collect());
}

/// Puts in what was answered, which one of four places says.
fn put_answered(row: &mut Row, attributes: &mut Map<String, Value>, events: Vec<Value>) {
    let mut answer = |answer: &Value| {
        let message = answer.get("message").filter(|message| message.is_object());
        if let Some(Value::String(reason)) = answer.get("finish_reason") {
            row.finish_reason.get_or_insert_with(|| reason.clone());
        }
        match answer {
            Value::String(text) => row.output = Some(text.clone()),
            _ => match message.unwrap_or(answer).get("parts").and_then(Value::as_array) {
                Some(parts) => put_parts(row, answer_parts(parts)),
                None => put_answer(row, message.unwrap_or(answer)),
            },
        }
        if let Some(Value::String(text)) = answer.get("message") {
            row.output = Some(text.clone());
        }
    };
    for name in ["gen_ai.output.messages", "gen_ai.completion"] {
        if let Some(said) = attributes.remove(name) {
            return match parsed(&said) {
                Some(Value::Array(answers)) => answers.first().map(answer).unwrap_or_default(),
                Some(one @ Value::Object(_)) if one.get("content").is_some() => answer(&one),
                _ => answer(&said),
            };
        }
    }
    let answers = indexed(attributes, "gen_ai.completion.");
    if let Some(first) = answers.into_iter().map(Value::Object).chain(events).next() {
        answer(&first);
    }
}
