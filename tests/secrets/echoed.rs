//! The ways in which a response repeats a secret, and what becomes of them.

use crate::corpus::secrets;
use crate::recorded::{Answer, Call, Place, TEST, contains};
use f3dx_cache_core::Options;
use f3dx_cache_tests::torture::{Tally, rounds};
use serde_json::{Value, json};

/// Returns an answer of each shape that repeats `secret`.
pub fn shapes(secret: &str) -> Vec<(&'static str, Answer)> {
    let json = Answer::saying(&format!("Your key is {secret}."));
    let whole = json.chunks[0].clone();
    let arguments = json!({"api_key": secret}).to_string();
    let nested = json!({"role": "assistant", "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}]});
    let nested =
        json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": nested}]});
    let escaped: String =
        format!("\"{secret}\"").chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let sentence = format!("It is {secret}, I think.");
    vec![
        ("JSON in one piece", json.clone()),
        (
            "JSON cut anywhere",
            Answer { chunks: whole.chunks(7).map(<[u8]>::to_vec).collect(), ..json.clone() },
        ),
        ("arguments of a tool call", unary(nested.to_string())),
        ("JSON with every letter escaped", unary(format!("{{\"output\":\"{escaped}\"}}"))),
        (
            "a header",
            Answer { headers: vec![("x-request-id".into(), secret.replace('\n', " "))], ..json },
        ),
        ("an event stream, cut anywhere", cut(deltas(&sentence, usize::MAX), 11)),
        ("deltas of 3 letters", one_each(deltas(&sentence, 3))),
        ("deltas of 1 letter", one_each(deltas(&sentence, 1))),
        ("deltas of Anthropic", one_each(anthropic(&sentence))),
        ("deltas of Responses", one_each(responses(&sentence))),
        ("deltas of two choices, mixed", one_each(two_choices(&sentence))),
        ("arguments in deltas", one_each(tool_deltas(&arguments))),
        ("lines of JSON", lines(&sentence)),
        ("an array of chunks, as Gemini streams", unary(gemini(&sentence))),
    ]
}

fn unary(body: String) -> Answer {
    Answer { content_type: "application/json", headers: vec![], chunks: vec![body.into()] }
}

fn stream(chunks: Vec<Vec<u8>>) -> Answer {
    Answer { content_type: "text/event-stream", headers: vec![], chunks }
}

fn one_each(events: Vec<String>) -> Answer {
    stream(events.into_iter().map(String::into_bytes).collect())
}

fn cut(events: Vec<String>, length: usize) -> Answer {
    stream(events.concat().into_bytes().chunks(length).map(<[u8]>::to_vec).collect())
}

fn pieces(text: &str, length: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(length.min(letters.len())).map(|piece| piece.iter().collect()).collect()
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn choice(index: usize, delta: &Value, reason: &Value) -> String {
    event(&json!({"id": "1", "choices": [
        {"index": index, "delta": delta, "finish_reason": reason}]}))
}

fn deltas(text: &str, length: usize) -> Vec<String> {
    let mut events: Vec<_> = pieces(text, length)
        .iter()
        .map(|piece| choice(0, &json!({"content": piece}), &Value::Null))
        .collect();
    events.push(choice(0, &json!({}), &json!("stop")));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn two_choices(text: &str) -> Vec<String> {
    let mut events = Vec::new();
    for piece in pieces(text, 2) {
        events.push(choice(0, &json!({"content": piece}), &Value::Null));
        events.push(choice(1, &json!({"content": "la "}), &Value::Null));
    }
    events.extend([0, 1].map(|index| choice(index, &json!({}), &json!("stop"))));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn tool_deltas(arguments: &str) -> Vec<String> {
    let mut events = Vec::new();
    for piece in pieces(arguments, 4) {
        for index in [0, 1] {
            let arguments = if index == 0 { piece.as_str() } else { "[1," };
            let call = json!({"index": index, "function": {"arguments": arguments}});
            events.push(choice(0, &json!({"tool_calls": [call]}), &Value::Null));
        }
    }
    events.push(choice(0, &json!({}), &json!("tool_calls")));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn anthropic(text: &str) -> Vec<String> {
    let mut events = Vec::new();
    for piece in pieces(text, 5) {
        let delta = json!({"type": "text_delta", "text": piece});
        let data = json!({"type": "content_block_delta", "index": 0, "delta": delta});
        events.push(format!("event: content_block_delta\r\ndata: {data}\r\n\r\n"));
    }
    events.push("event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n".to_owned());
    events
}

fn responses(text: &str) -> Vec<String> {
    let mut events = Vec::new();
    for (n, piece) in pieces(text, 5).iter().enumerate() {
        events.push(event(&json!({"type": "response.output_text.delta", "sequence_number": n,
            "output_index": 0, "content_index": 0, "item_id": "m1", "delta": piece,
            "obfuscation": "q1W2"})));
    }
    events.push(event(&json!({"type": "response.output_text.done", "text": text})));
    events.push(event(&json!({"type": "response.completed"})));
    events
}

fn lines(text: &str) -> Answer {
    let mut lines: Vec<String> = pieces(text, 6)
        .iter()
        .map(|piece| json!({"message": {"role": "assistant", "content": piece}, "done": false}))
        .map(|line| format!("{line}\n"))
        .collect();
    lines.push("{\"done\":true}\n".to_owned());
    let chunks = lines.into_iter().map(String::into_bytes).collect();
    Answer { content_type: "application/x-ndjson", headers: vec![], chunks }
}

fn gemini(text: &str) -> String {
    let mut chunks: Vec<Value> = pieces(text, 6)
        .iter()
        .map(|piece| json!({"candidates": [{"content": {"parts": [{"text": piece}]}}]}))
        .collect();
    chunks.push(json!({"candidates": [{"finishReason": "STOP"}]}));
    Value::Array(chunks).to_string()
}

fn said(body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn what_is_not_secret_in_a_stream_stays_as_it_was() {
    for secret in secrets(7) {
        let secret = secret.text.replace('\n', "");
        let call = Call::saying("x").with_header("x-api-key", &secret);
        let text = format!("It is {secret}, I think; yes, {secret}.");
        for length in [1, 2, 5, 1000] {
            let mut place = Place::new(Options::default());
            assert!(place.record(&call, &one_each(deltas(&text, length))));
            let body = place.replay(&call).unwrap();
            assert_eq!(said(&body), "It is [secret], I think; yes, [secret].", "{length}");
        }
    }
}

#[test]
fn a_stream_keeps_its_chunks_when_a_secret_is_taken_out() {
    let secret = secrets(3)[0].text.clone();
    let call = Call::saying("x").with_header("x-api-key", &secret);
    let mut place = Place::new(Options::default());
    let body = json!({"model": "m", "stream": true, "messages": [{"content": secret}]});
    let call = Call { body: body.to_string().into_bytes(), ..call };
    let events = deltas(&format!("ab{secret}cd"), 4);
    let count = events.len();
    place.record(&call, &one_each(events));
    let cache = place.open(f3dx_cache_core::Mode::Replay);
    let f3dx_cache_core::Decision::Replay(replay) = crate::recorded::ask(&cache, &call) else {
        panic!("it is recorded")
    };
    let chunks = replay.chunks();
    assert_eq!(chunks.len(), count);
    for (chunk, _) in chunks {
        let chunk = String::from_utf8_lossy(chunk);
        assert!(chunk.starts_with("data: ") && chunk.ends_with("\n\n"), "{chunk:?}");
    }
}

#[test]
fn a_secret_of_the_model_is_reported_with_the_test_and_replaced_if_asked() {
    for secret in secrets(11).into_iter().filter(|secret| secret.has_format) {
        for (shape, answer) in shapes(&secret.text) {
            if shape == "a header" && secret.text.contains('\n') {
                continue;
            }
            let call = Call::saying("make one up");
            let mut kept = Place::new(Options::default());
            assert!(kept.record(&call, &answer));
            let warned = kept.said.contains(TEST) && kept.said.contains("holds a secret");
            assert!(warned, "{} in {shape}: {}", secret.text, kept.said);
            assert!(!contains(kept.said.as_bytes(), secret.text.as_bytes()), "{}", kept.said);

            let options = Options { redact_responses: Some(true), ..Options::default() };
            let mut replaced = Place::new(options);
            assert!(replaced.record(&call, &answer));
            replaced.replay(&call).unwrap();
            assert_eq!(replaced.leak(&secret.text), None, "{} in {shape}", secret.issuer);
            assert!(replaced.said.contains(", replaced"), "{}", replaced.said);
        }
    }
}

#[test]
fn a_key_that_was_sent_as_the_beginning_of_a_longer_word_is_not_kept() {
    const MORE: [&str; 4] = [".txt", "-old", "_2", "/x"];
    let mut tally = Tally::of("keys sent with a suffix, repeated without it");
    let with_format = secrets(1).into_iter().filter(|secret| secret.has_format);
    for (n, secret) in with_format.enumerate() {
        for more in MORE.iter().cycle().skip(n).take(rounds(1, MORE.len())) {
            let mut place = Place::new(Options::default());
            for (shape, answer) in shapes(&secret.text) {
                place
                    .record(&Call::saying(&format!("open {}{more} {shape}", secret.text)), &answer);
                let leak = place.leak(&secret.text);
                assert_eq!(leak, None, "{} before {more:?}, answered by {shape}", secret.issuer);
                tally.count += 1;
            }
        }
    }
    tally.finish();
}

#[test]
fn frames_that_repeat_a_secret_are_not_recorded() {
    let secret = secrets(5)[0].text.clone();
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream";
    let call = Call { url: url.to_owned(), ..Call::of(r#"{"messages":[]}"#) };
    let call = call.with_header("Authorization", &format!("Bearer {secret}"));
    let answer = |text: &str| {
        let mut chunks: Vec<_> = pieces(text, 5)
            .iter()
            .map(|piece| frame("contentBlockDelta", &json!({"delta": {"text": piece}}).to_string()))
            .collect();
        chunks.push(frame("messageStop", "{}"));
        chunks.push(frame("metadata", "{}"));
        let content_type = "application/vnd.amazon.eventstream";
        Answer { content_type, headers: vec![], chunks }
    };
    let mut place = Place::new(Options::default());
    assert!(!place.record(&call, &answer(&format!("it is {secret}."))));
    assert!(place.said.contains("it repeats a secret"), "{}", place.said);
    assert!(place.record(&call, &answer("it is a secret.")));
    assert_eq!(place.leak(&secret), None);
}

/// Builds a frame of AWS; nobody here reads its checksums.
fn frame(name: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (header, value) in [(":message-type", "event"), (":event-type", name)] {
        headers.push(header.len() as u8);
        headers.extend_from_slice(header.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = (headers.len() + payload.len() + 16) as u32;
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame
}
