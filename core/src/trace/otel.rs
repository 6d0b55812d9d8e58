//! Spans of OpenTelemetry, as the SDK for Python writes them and as OTLP does.

use super::Row;
use super::bad::Bad;
use super::fields::Fields;
use super::genai::{self, Event, Span};
use serde_json::{Map, Value};

/// Whether the members are those of a span of the SDK for Python.
pub(super) fn fits(members: &Map<String, Value>) -> bool {
    let named = |context: &Value| context.get("trace_id").is_some_and(Value::is_string);
    members.get("context").is_some_and(named) && members.contains_key("attributes")
}

/// Whether the members are those of a span of OTLP.
pub(super) fn fits_otlp(members: &Map<String, Value>) -> bool {
    members.contains_key("traceId") && members.contains_key("spanId")
}

/// Makes a row of a span of the SDK for Python, if a model was called in it.
pub(super) fn row(members: Map<String, Value>) -> Result<Option<Row>, Bad> {
    let mut fields = Fields::new(members);
    let mut context = fields.within("context")?;
    let attributes = fields.object("attributes")?.unwrap_or_default();
    let mut events = Vec::new();
    for event in fields.list("events")?.unwrap_or_default() {
        let Value::Object(event) = event else {
            return Err(Bad::member("events", "an array of objects", &event));
        };
        let mut event = Fields::new(event);
        let (name, attributes) = (event.text("name")?, event.object("attributes")?);
        events.push(Event {
            name: name.unwrap_or_default(),
            attributes: attributes.unwrap_or_default(),
            rest: event.rest(),
        });
    }
    let time = |name| {
        let text = fields.peek(name)?.as_str()?;
        humantime::parse_rfc3339(text).ok()
    };
    let times = time("start_time").zip(time("end_time"));
    let mut status = fields.within("status")?;
    let failed = status.text("status_code")?.is_some_and(|code| code == "ERROR");
    let error = failed.then(|| status.take("description"));
    genai::row(Span {
        trace_id: hex(context.text("trace_id")?),
        span_id: hex(context.text("span_id")?),
        latency_ms: times.and_then(|(start, end)| {
            let took = end.duration_since(start).ok()?;
            Some(took.as_nanos() as f64 / 1e6)
        }),
        error: error.map(said),
        attributes,
        events,
        rest: fields.rest(),
    })
}

/// Makes a row of a span of OTLP, if a model was called in it.
pub(super) fn otlp_row(members: Map<String, Value>) -> Result<Option<Row>, Bad> {
    let mut fields = Fields::new(members);
    let attributes = attributes(&mut fields)?;
    let mut events = Vec::new();
    for event in fields.list("events")?.unwrap_or_default() {
        let Value::Object(event) = event else {
            return Err(Bad::member("events", "an array of objects", &event));
        };
        let mut event = Fields::new(event);
        let attributes = self::attributes(&mut event)?;
        let name = event.text("name")?.unwrap_or_default();
        events.push(Event { name, attributes, rest: event.rest() });
    }
    let time = |name| fields.peek(name).and_then(integer);
    let times = time("startTimeUnixNano").zip(time("endTimeUnixNano"));
    let mut status = fields.within("status")?;
    let failed = match status.take("code") {
        Some(Value::String(code)) => code == "STATUS_CODE_ERROR",
        code => code.is_some_and(|code| code.as_f64() == Some(2.0)),
    };
    let error = failed.then(|| status.take("message"));
    genai::row(Span {
        trace_id: fields.text("traceId")?,
        span_id: fields.text("spanId")?,
        latency_ms: times.map(|(start, end)| (end - start) as f64 / 1e6),
        error: error.map(said),
        attributes,
        events,
        rest: fields.rest(),
    })
}

fn said(description: Option<Value>) -> String {
    match description {
        Some(Value::String(text)) if !text.is_empty() => text,
        _ => String::new(),
    }
}

fn hex(id: Option<String>) -> Option<String> {
    id.map(|id| id.strip_prefix("0x").map(str::to_owned).unwrap_or(id))
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().map(i128::from),
        _ => None,
    }
}

/// Takes the attributes of a span or an event of OTLP.
fn attributes(fields: &mut Fields) -> Result<Map<String, Value>, Bad> {
    let mut attributes = Map::new();
    for mut attribute in fields.list("attributes")?.unwrap_or_default() {
        let value = attribute.get_mut("value").map(Value::take).unwrap_or_default();
        let Some(name) = attribute.get("key").and_then(Value::as_str) else {
            let wanted = "an array of objects with `key` and `value`";
            return Err(Bad::member("attributes", wanted, &attribute));
        };
        attributes.insert(name.to_owned(), plain(value));
    }
    Ok(attributes)
}

/// Turns a value of OTLP, `{"stringValue": ...}`, into that value.
fn plain(value: Value) -> Value {
    let Value::Object(members) = value else { return Value::Null };
    let Some((kind, mut value)) = members.into_iter().next() else { return Value::Null };
    match kind.as_str() {
        "intValue" => match value.as_str().and_then(|text| text.parse::<i64>().ok()) {
            Some(integer) => integer.into(),
            None => value,
        },
        "arrayValue" => match value.get_mut("values").map(Value::take) {
            Some(Value::Array(items)) => items.into_iter().map(plain).collect(),
            _ => Value::Array(Vec::new()),
        },
        "kvlistValue" => {
            let members = value.get_mut("values").map(Value::take);
            let Some(Value::Array(members)) = members else { return Value::Object(Map::new()) };
            let member = |mut member: Value| {
                let name = member.get("key")?.as_str()?.to_owned();
                Some((name, plain(member.get_mut("value").map(Value::take)?)))
            };
            Value::Object(members.into_iter().filter_map(member).collect())
        }
        _ => value,
    }
}
