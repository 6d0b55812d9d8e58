//! Spans of the OpenTelemetry SDK, in the forms in which they are written.

use crate::{fixture, read};
use f3dx_cache_core::trace::{Format, Row};
use serde_json::json;

fn check(rows: &[Row], lines: [u64; 5]) {
    let [chat, events, indexed, completion, failing] = rows else {
        panic!("{} rows", rows.len());
    };
    assert_eq!([0, 1, 2, 3, 4].map(|place: usize| rows[place].source.line), lines);
    assert_eq!(chat.trace_id.as_ref().unwrap().len(), 32);
    assert_eq!(chat.case_id.as_ref().unwrap().len(), 16);
    assert!(chat.latency_ms.unwrap() > 0.0);
    assert_eq!(chat.model.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!(chat.provider.as_deref(), Some("openai"));
    assert_eq!(chat.system.as_deref(), Some("You know prices."));
    assert_eq!(chat.prompt().as_deref(), Some("Tea?"));
    assert_eq!(chat.messages.len(), 3);
    let function = json!({"name": "price", "arguments": r#"{"of":"tea"}"#});
    let asked = json!([{"id": "call_1", "type": "function", "function": function}]);
    assert_eq!(chat.messages[1]["tool_calls"], asked);
    let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "3 €"});
    assert_eq!(chat.messages[2], result);
    assert_eq!(chat.output.as_deref(), Some("Tea is 3 €."));
    assert_eq!(chat.finish_reason.as_deref(), Some("stop"));
    assert_eq!((chat.usage.input_tokens, chat.usage.output_tokens), (Some(30), Some(7)));
    assert_eq!(chat.params["temperature"], 0.5);
    assert_eq!(chat.params["max_tokens"], 100);
    assert_eq!(chat.extra["attributes"]["gen_ai.response.id"], "chatcmpl-1");
    assert!(chat.extra["resource"]["attributes"].to_string().contains("shop"));

    assert_eq!(events.provider.as_deref(), Some("az.ai.openai"));
    assert_eq!(events.model.as_deref(), Some("gpt-4"));
    assert_eq!(events.system.as_deref(), Some(""));
    assert_eq!(events.prompt().as_deref(), Some("Weather in Oslo?"));
    assert_eq!(events.output.as_deref(), Some("Let me look."));
    assert_eq!(events.tool_calls[0].arguments, Some(json!({"city": "Oslo"})));
    assert_eq!(events.finish_reason.as_deref(), Some("tool_calls"));
    assert_eq!(events.extra["events"][0]["name"], "note");

    assert_eq!(indexed.system.as_deref(), Some("Be kind."));
    assert_eq!(indexed.messages, [json!({"role": "user", "content": "Hello"})]);
    assert_eq!(indexed.output.as_deref(), Some("Hello, dear."));
    assert_eq!(indexed.finish_reason.as_deref(), Some("stop"));
    assert_eq!((indexed.usage.input_tokens, indexed.usage.output_tokens), (Some(15), Some(5)));
    let function = json!({"name": "greet", "parameters": {"type": "object"}});
    assert_eq!(indexed.tools, [json!({"type": "function", "function": function})]);

    assert_eq!(completion.prompt().as_deref(), Some("Once upon"));
    assert_eq!(completion.output.as_deref(), Some("a time"));

    assert_eq!(failing.error.as_deref(), Some("slow down"));
    assert_eq!(failing.output, None);
}

#[test]
fn spans_of_the_sdk_are_read_from_lines() {
    check(&read(&fixture("otel.jsonl"), Format::Otel), [1, 3, 4, 5, 7]);
}

#[test]
fn spans_of_the_sdk_are_read_as_the_console_exporter_indents_them() {
    let text = std::fs::read_to_string(fixture("otel_console.json")).unwrap();
    let starts = text.lines().zip(1u64..).filter(|(line, _)| *line == "{");
    let starts: Vec<u64> = starts.map(|(_, number)| number).collect();
    let lines = [0, 2, 3, 4, 6].map(|place: usize| starts[place]);
    check(&read(&fixture("otel_console.json"), Format::Otel), lines);
}

#[test]
fn spans_of_otlp_are_read_from_a_document_on_each_line() {
    check(&read(&fixture("otlp.jsonl"), Format::Otlp), [1, 1, 2, 2, 2]);
}

#[test]
fn spans_of_otlp_are_read_from_one_document() {
    let text = std::fs::read_to_string(fixture("otlp.json")).unwrap();
    let id = |line: &&str| line.trim_start().starts_with("\"traceId\"");
    let starts = text.lines().zip(0u64..).filter(|(line, _)| id(line));
    // The brace stands on the line before the id.
    let starts: Vec<u64> = starts.map(|(_, number)| number).collect();
    let lines = [0, 2, 3, 4, 6].map(|place: usize| starts[place]);
    check(&read(&fixture("otlp.json"), Format::Otlp), lines);
}
