//! What f3dx, the batches of OpenAI and Anthropic, and people write.

use crate::{fixture, read};
use f3dx_cache_core::trace::{Format, Row, ToolCall, TraceOptions, Traces, Usage};
use serde_json::{Value, json};

fn usage(input: u64, output: u64) -> Usage {
    Usage { input_tokens: Some(input), output_tokens: Some(output) }
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn call(id: &str, name: &str, arguments: Option<Value>) -> ToolCall {
    ToolCall { id: Some(id.into()), name: name.into(), arguments }
}

fn by_name(rows: Vec<Row>, name: &str) -> Row {
    rows.into_iter().find(|row| row.case_id.as_deref() == Some(name)).unwrap()
}

fn check_f3dx(rows: &[Row]) {
    assert_eq!(rows.len(), 3);
    let [first, second, third] = rows else { unreachable!() };
    assert_eq!(first.system.as_deref(), Some("Réponds brièvement."));
    assert_eq!(first.messages, [user("2+2?")]);
    assert_eq!(first.prompt().as_deref(), Some("2+2?"));
    assert_eq!(first.output.as_deref(), Some("4"));
    assert_eq!(first.usage, usage(11, 1));
    assert_eq!((&first.trace_id, &first.model), (&None, &None));
    assert!(first.latency_ms.unwrap() > 0.0);
    assert_eq!(first.extra["system_prompt_chars"], 21);
    assert_eq!(first.extra["max_tool_calls"], 20);
    assert!(first.extra["ts"].as_f64().unwrap() > 1.7e9);
    assert!(!first.extra.contains_key("duration_ms"));
    assert_eq!(first.own["output"], "4");

    assert_eq!(second.system.as_deref(), Some(""));
    assert_eq!(second.output.as_deref(), Some("21 °C in both.\n\"Mild\" 😀"));
    let calls = [call("call_0", "weather", None), call("call_1", "weather", None)];
    assert_eq!(second.tool_calls, calls);
    assert_eq!(second.usage, usage(80, 14));
    assert_eq!(second.extra["concurrent_tool_dispatch"], true);

    assert_eq!(third.output.as_deref(), Some(""));
    assert_eq!(third.usage, usage(4, 0));
    let lines: Vec<u64> = rows.iter().map(|row| row.source.line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn what_f3dx_captured_is_read() {
    check_f3dx(&read(&fixture("f3dx.jsonl"), Format::F3dx));
}

#[test]
fn what_f3dx_exports_as_parquet_is_read_in_each_codec() {
    for codec in ["snappy", "zstd", "gzip", "none", "v2"] {
        let rows = read(&fixture(&format!("f3dx.{codec}.parquet")), Format::F3dxParquet);
        check_f3dx(&rows);
        assert_eq!(rows[0].own["tool_calls_json"], "[]", "{codec}");
    }
}

#[test]
fn both_forms_of_a_trace_of_f3dx_make_the_same_rows() {
    let lines = read(&fixture("f3dx.jsonl"), Format::F3dx);
    let columns = read(&fixture("f3dx.zstd.parquet"), Format::F3dxParquet);
    for (mut line, mut column) in lines.into_iter().zip(columns) {
        (line.source, column.source) = Default::default();
        (line.own, column.own) = Default::default();
        assert_eq!(line, column);
    }
}

#[test]
fn what_f3dx_did_not_capture_is_absent() {
    let rows = read(&fixture("f3dx_uncaptured.jsonl"), Format::F3dx);
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!((&row.output, &row.system), (&None, &None));
        assert_eq!(row.messages, [] as [Value; 0]);
    }
    assert_eq!(rows[1].tool_calls.len(), 2);
}

#[test]
fn the_output_of_an_openai_batch_is_read() {
    let rows = read(&fixture("openai_batch_output.jsonl"), Format::OpenaiBatch);
    assert_eq!(rows.len(), 6);
    let row = |name: &str| by_name(rows.clone(), name);

    let text = row("request-1");
    assert_eq!(text.output.as_deref(), Some("Hello."));
    assert_eq!(text.model.as_deref(), Some("gpt-4o-mini-2024-07-18"));
    assert_eq!(text.finish_reason.as_deref(), Some("stop"));
    assert_eq!(text.usage, usage(22, 2));
    assert_eq!(text.source.line, 2);
    assert_eq!(text.extra["response"]["request_id"], "req_request-1");
    assert_eq!(text.extra["response"]["body"]["usage"], json!({"total_tokens": 24}));
    assert!(text.extra["response"]["body"].get("choices").is_none());

    let calling = row("request-2");
    assert_eq!(calling.output, None);
    assert_eq!(calling.tool_calls, [call("call_1", "weather", Some(json!({"city": "Bern"})))]);

    let limited = row("request-3");
    assert_eq!(limited.error.as_deref(), Some("Rate limit reached"));
    assert_eq!(limited.extra["response"]["status_code"], 429);
    let late = row("request-4");
    assert_eq!(late.error.as_deref(), Some("This request could not be executed in time."));

    let response = row("request-5");
    assert_eq!(response.output.as_deref(), Some("Blue."));
    assert_eq!(response.system.as_deref(), Some("Be brief."));
    assert_eq!(response.tool_calls, [call("call_7", "paint", Some(json!({"colour": "blue"})))]);
    assert_eq!(response.parts.len(), 3);
    assert_eq!(response.usage, usage(36, 8));
    assert_eq!(response.finish_reason.as_deref(), Some("completed"));

    let completion = row("request-6");
    assert_eq!(completion.output.as_deref(), Some(" red."));
    assert_eq!(completion.finish_reason.as_deref(), Some("length"));
}

#[test]
fn requests_of_an_openai_batch_are_joined_by_their_name() {
    let options = TraceOptions {
        input: Some(fixture("openai_batch_input.jsonl")),
        ..TraceOptions::default()
    };
    let traces = Traces::open(fixture("openai_batch_output.jsonl"), &options).unwrap();
    let rows: Vec<Row> = traces.map(Result::unwrap).collect();
    let row = |name: &str| by_name(rows.clone(), name);

    let text = row("request-1");
    assert_eq!(text.system.as_deref(), Some("You are a helpful assistant."));
    assert_eq!(text.messages, [user("Hello world!")]);
    assert_eq!(text.params["max_tokens"], 1000);
    assert_eq!(text.model.as_deref(), Some("gpt-4o-mini-2024-07-18"));
    assert_eq!(row("request-2").tools[0]["function"]["name"], "weather");
    let late = row("request-4");
    assert_eq!(late.model.as_deref(), Some("gpt-4o-mini"));
    assert_eq!(late.prompt().as_deref(), Some("Too late"));
    assert_eq!(row("request-5").prompt().as_deref(), Some("Name a colour."));
    assert_eq!(row("request-6").prompt().as_deref(), Some("Roses are"));
}

#[test]
fn the_results_of_an_anthropic_batch_are_read_in_their_order() {
    let rows = read(&fixture("anthropic_batch.jsonl"), Format::AnthropicBatch);
    let names: Vec<_> = rows.iter().map(|row| row.case_id.as_deref().unwrap()).collect();
    assert_eq!(names, ["second", "fourth", "first", "third", "fifth"]);
    let row = |name: &str| by_name(rows.clone(), name);

    let text = row("second");
    assert_eq!(text.output.as_deref(), Some("Hello again! It's nice to see you."));
    assert_eq!(text.model.as_deref(), Some("claude-sonnet-4-5"));
    assert_eq!(text.finish_reason.as_deref(), Some("end_turn"));
    assert_eq!(text.usage, usage(11, 36));
    assert_eq!(text.extra["result"]["message"]["id"], "msg_2");

    let using = row("first");
    assert_eq!(using.output.as_deref(), Some("I look."));
    assert_eq!(using.tool_calls, [call("toolu_1", "weather", Some(json!({"city": "Bern"})))]);

    assert_eq!(row("third").error.as_deref(), Some("prompt is too long"));
    assert_eq!(row("fourth").error.as_deref(), Some("canceled"));
    assert_eq!(row("fifth").error.as_deref(), Some("expired"));
}

#[test]
fn plain_rows_are_read() {
    let rows = read(&fixture("plain.jsonl"), Format::Plain);
    let [first, second, third, fourth] = &rows[..] else { panic!("{} rows", rows.len()) };
    assert_eq!(first.case_id.as_deref(), Some("1"));
    assert_eq!((first.output.as_deref(), first.model.as_deref()), (Some("4"), Some("m")));
    assert_eq!(Value::Object(first.extra.clone()), json!({"team": "blue"}));
    assert_eq!(second.system.as_deref(), Some(""));
    assert_eq!(second.prompt().as_deref(), Some("Hello"));
    assert_eq!(second.output.as_deref(), Some("Hello!"));
    assert_eq!(second.usage, usage(3, 2));
    assert_eq!(third.system.as_deref(), Some("JSON only"));
    assert_eq!(third.output.as_deref(), Some(r#"{"a":[1,2]}"#));
    assert_eq!((&fourth.output, fourth.error.as_deref()), (&None, Some("timeout")));
}
