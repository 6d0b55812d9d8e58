//! Intercepted HTTP calls, as a binding drives them.

#![allow(clippy::unwrap_used)]

use f3dx_cache_core::http::{HttpCall, StreamState};
use f3dx_cache_core::{Cache, Decision, End, Mode, Options, Refused, Repeats, Turn};
use std::path::{Path, PathBuf};

const URL: &str = "https://api.openai.com/v1/chat/completions";
const KEY: &str = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";
const JSON: &[(&str, &str)] =
    &[("content-type", "application/json"), ("x-request-id", "req_1"), ("set-cookie", "a=b")];
const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream")];

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    (folder, path)
}

fn open(path: &Path, mode: Mode) -> Cache {
    let options = Options { mode: Some(mode), path: Some(path.to_owned()), ..Options::default() };
    Cache::for_tests(options).unwrap()
}

fn body(prompt: &str, stream: bool) -> String {
    format!(
        r#"{{"model":"gpt-4o","stream":{stream},"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
    )
}

fn intercept(cache: &Cache, body: &str) -> Decision {
    let authorization = format!("Bearer {KEY}");
    let call = HttpCall {
        method: "POST",
        url: URL,
        headers: &[("authorization", &authorization), ("content-type", "application/json")],
        body: body.as_bytes(),
    };
    cache.intercept(&call).unwrap()
}

/// Records a response to `body`; returns whether it was recorded.
fn record(
    cache: &Cache,
    body: &str,
    status: u16,
    headers: &[(&str, &str)],
    chunks: &[&str],
    end: End,
) -> bool {
    let Decision::Send(mut exchange) = intercept(cache, body) else { panic!("not to be sent") };
    assert!(matches!(exchange.claim(1).unwrap(), Turn::Send));
    exchange.head(status, headers);
    for chunk in chunks {
        exchange.chunk(chunk.as_bytes());
    }
    exchange.finish(end).unwrap()
}

fn replay(cache: &Cache, body: &str) -> f3dx_cache_core::Replay {
    match intercept(cache, body) {
        Decision::Replay(replay) => replay,
        Decision::Refuse(refused) => panic!("{refused}"),
        _ => panic!("not replayed"),
    }
}

const ANSWER: &str = r#"{"id":"1","model":"gpt-4o-2024","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}"#;

#[test]
fn a_recorded_call_is_replayed_with_its_status_and_kept_headers() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let asked = body("Hello", false);
    assert!(record(&cache, &asked, 200, JSON, &[ANSWER], End::Eof));
    let cache = open(&path, Mode::Replay);
    let replay = replay(&cache, &asked);
    assert_eq!((replay.head.status, replay.body.as_slice()), (200, ANSWER.as_bytes()));
    assert_eq!(replay.head.header("x-request-id"), Some("req_1"));
    assert_eq!(replay.head.header("set-cookie"), None);
    let summary = cache.summary().unwrap();
    assert_eq!((summary.hits, summary.tokens_saved_input, summary.tokens_saved_output), (1, 7, 2));
}

#[test]
fn what_is_remembered_of_a_call_is_where_it_stands_not_what_stood_there() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let asked = body("Hello", false);
    assert!(record(&cache, &asked, 200, JSON, &[ANSWER], End::Eof));
    assert_eq!(replay(&cache, &asked).body, ANSWER.as_bytes());
    let entry = cache.entries().unwrap().next().unwrap().unwrap();
    assert!(cache.delete(&entry.fingerprint).unwrap());
    let other = ANSWER.replace("Hi", "Ho");
    assert!(record(&cache, &asked, 200, JSON, &[&other], End::Eof));
    assert_eq!(replay(&cache, &asked).body, other.as_bytes());
    let summary = cache.summary().unwrap();
    assert_eq!((summary.hits, summary.misses, summary.recorded), (2, 2, 2));
}

#[test]
fn a_stream_is_complete_at_its_terminal_event_and_keeps_its_chunks() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let asked = body("Stream", true);
    let Decision::Send(mut exchange) = intercept(&cache, &asked) else { panic!() };
    exchange.claim(1).unwrap();
    exchange.head(200, EVENTS);
    let chunks = [r#"data: {"choices":[{"delta":{"content":"H"}}]}"#, "\n\n", "data: [DONE]\n\n"];
    let states: Vec<_> = chunks.iter().map(|chunk| exchange.chunk(chunk.as_bytes())).collect();
    assert_eq!(states, [StreamState::Open, StreamState::Open, StreamState::Complete]);
    // The caller closes right there, before the end of the body.
    assert!(exchange.finish(End::Left).unwrap());
    let replay = replay(&open(&path, Mode::Replay), &asked);
    let replayed: Vec<_> = replay.chunks().into_iter().map(|(chunk, _)| chunk).collect();
    assert_eq!(replayed, chunks.map(str::as_bytes));
}

#[test]
fn what_failed_is_not_recorded() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let open_stream = "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n\n";
    let error_event = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    let plain = body("x", false);
    let stream = body("x", true);
    for (asked, status, headers, chunks, end) in [
        (&plain, 429, JSON, &[r#"{"error":{}}"#][..], End::Eof),
        (&plain, 500, JSON, &["oops"], End::Eof),
        (&plain, 200, JSON, &[r#"{"error":{"message":"no"}}"#], End::Eof),
        (&plain, 200, JSON, &[ANSWER], End::Failed),
        (&plain, 200, JSON, &[&ANSWER[..40]], End::Eof),
        (&stream, 200, EVENTS, &[open_stream], End::Eof),
        (&stream, 200, EVENTS, &[open_stream], End::Left),
        (&stream, 200, EVENTS, &[open_stream, error_event, "data: [DONE]\n\n"], End::Eof),
    ] {
        let recorded = record(&cache, asked, status, headers, chunks, end);
        assert!(!recorded, "{status} {chunks:?} {end:?}");
    }
    assert_eq!(cache.stats().unwrap().entries, 0);
    assert_eq!(cache.summary().unwrap().refused, 8);
}

#[test]
fn a_changed_prompt_is_refused_with_the_difference() {
    let (_folder, path) = place();
    record(&open(&path, Mode::Record), &body("Hello", false), 200, JSON, &[ANSWER], End::Eof);
    let cache = open(&path, Mode::Replay);
    let cache = cache.session(Some("t::a".into()), Some("cargo test t::a".into()));
    let Decision::Refuse(Refused::Miss(miss)) = intercept(&cache, &body("Hello!", false)) else {
        panic!("not refused")
    };
    let text = miss.to_string();
    for part in ["/body/messages/0/content", "\"Hello\"", "\"Hello!\"", "cargo test t::a"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(cache.refused_misses(), [text]);
}

#[test]
fn a_retry_is_replayed_in_its_order() {
    let (_folder, path) = place();
    let options = |mode| Options {
        mode: Some(mode),
        path: Some(path.clone()),
        repeats: Some(Repeats::Sequence),
        record_status: Some(vec![429]),
        ..Options::default()
    };
    let asked = body("Hello", false);
    let cache = Cache::for_tests(options(Mode::Record)).unwrap();
    assert!(record(&cache, &asked, 429, JSON, &[r#"{"error":{}}"#], End::Eof));
    assert!(record(&cache, &asked, 200, JSON, &[ANSWER], End::Eof));
    let cache = Cache::for_tests(options(Mode::Replay)).unwrap();
    assert_eq!(replay(&cache, &asked).head.status, 429);
    assert_eq!(replay(&cache, &asked).head.status, 200);
    assert!(matches!(intercept(&cache, &asked), Decision::Refuse(_)));
}

#[test]
fn no_key_reaches_the_file() {
    let (folder, path) = place();
    let cache = open(&path, Mode::Record);
    let other = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let asked = body(&format!("My keys are {KEY} and {other}"), false);
    let echo = ANSWER.replace("Hi", &format!("You said {KEY} and {other}"));
    let headers = [("content-type", "application/json"), ("x-request-id", KEY)];
    assert!(record(&cache, &asked, 200, &headers, &[&echo], End::Eof));
    assert_eq!(cache.warnings().len(), 1);
    cache.close().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [KEY, other] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
}

/// A key without a format, sent in a header and in `model`.
fn intercept_with_opaque_key(cache: &Cache) -> Decision {
    let call = HttpCall {
        method: "POST",
        url: URL,
        headers: &[("authorization", "Bearer opaque.credential.7")],
        body: br#"{"model":"m opaque.credential.7","input":"x"}"#,
    };
    cache.intercept(&call).unwrap()
}

#[test]
fn what_was_sent_is_not_kept_as_the_model() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let Decision::Send(mut exchange) = intercept_with_opaque_key(&cache) else { panic!() };
    exchange.claim(1).unwrap();
    exchange.head(200, JSON);
    exchange.chunk(br#"{"choices":[{"finish_reason":"stop"}]}"#);
    assert!(exchange.finish(End::Eof).unwrap());
    let entry = cache.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(entry.meta.model.as_deref(), Some("m [secret]"));
}

#[test]
fn what_was_sent_is_not_told_by_a_refusal() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let Decision::Send(mut exchange) = intercept_with_opaque_key(&cache) else { panic!() };
    exchange.claim(1).unwrap();
    exchange.head(200, JSON);
    exchange.chunk(br#"{"error":{"type":"no such key: opaque.credential.7"}}"#);
    assert!(!exchange.finish(End::Eof).unwrap());
    let refusals = cache.summary().unwrap().refusals;
    assert!(refusals[0].why.contains("no such key: [secret]"), "{}", refusals[0].why);
}

#[test]
fn of_two_that_miss_one_waits_for_the_recording() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let asked = body("Hello", false);
    let Decision::Send(mut first) = intercept(&cache, &asked) else { panic!() };
    let Decision::Send(mut second) = intercept(&cache, &asked) else { panic!() };
    assert!(matches!(first.claim(1).unwrap(), Turn::Send));
    assert!(matches!(second.claim(2).unwrap(), Turn::Wait));
    first.head(200, JSON);
    first.chunk(ANSWER.as_bytes());
    assert!(first.finish(End::Eof).unwrap());
    let Turn::Replay(replay) = second.claim(2).unwrap() else { panic!("not recorded") };
    assert_eq!(replay.body, ANSWER.as_bytes());
    let summary = cache.summary().unwrap();
    assert_eq!((summary.misses, summary.hits, summary.recorded), (1, 1, 1));
}

#[test]
fn a_holder_that_gives_up_frees_the_next() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Record);
    let asked = body("Hello", false);
    let Decision::Send(mut first) = intercept(&cache, &asked) else { panic!() };
    let Decision::Send(mut second) = intercept(&cache, &asked) else { panic!() };
    assert!(matches!(first.claim(1).unwrap(), Turn::Send));
    assert!(matches!(second.claim(2).unwrap(), Turn::Wait));
    drop(first);
    assert!(matches!(second.claim(2).unwrap(), Turn::Send));
}

#[test]
fn a_missing_file_is_an_empty_cache_for_tests() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Replay);
    let Decision::Refuse(refused) = intercept(&cache, &body("Hello", false)) else { panic!() };
    assert!(refused.to_string().contains("there is no cache file yet"), "{refused}");
    assert!(!path.exists());
    // Once somebody records it, it is there.
    record(&open(&path, Mode::Record), &body("Hello", false), 200, JSON, &[ANSWER], End::Eof);
    assert_eq!(replay(&cache, &body("Hello", false)).body, ANSWER.as_bytes());
}

#[test]
fn off_passes_every_call() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Off);
    assert!(matches!(intercept(&cache, &body("Hello", false)), Decision::Pass));
    assert!(!path.exists());
}

#[test]
fn a_key_in_a_path_is_not_shown() {
    let (_folder, path) = place();
    let authorization = format!("Bearer {KEY}");
    let headers = [("authorization", authorization.as_str())];
    let call = |url| HttpCall { method: "POST", url, headers: &headers, body: b"{}" };
    let cache = open(&path, Mode::Record);
    let url = format!("https://gateway.corp/{KEY}/v1/chat/completions");
    let Decision::Send(mut exchange) = cache.intercept(&call(&url)).unwrap() else { panic!() };
    exchange.head(500, JSON);
    assert!(!exchange.finish(End::Eof).unwrap());
    let shown = cache.summary().unwrap().refusal_lines().join("\n");
    assert!(shown.contains("gateway.corp/[secret") && !shown.contains(KEY), "{shown}");

    let url = format!("https://api.openai.com/{KEY}/models");
    let decision = open(&path, Mode::Replay).intercept(&call(&url)).unwrap();
    let Decision::Refuse(refused) = decision else { panic!("not refused") };
    assert!(!refused.to_string().contains(KEY), "{refused}");
}

#[test]
fn a_retry_takes_the_place_of_an_answer_that_is_not_recorded() {
    let (_folder, path) = place();
    let options = |mode| Options {
        mode: Some(mode),
        path: Some(path.clone()),
        repeats: Some(Repeats::Sequence),
        ..Options::default()
    };
    let asked = body("again", false);
    let cache = Cache::for_tests(options(Mode::Record)).unwrap();
    assert!(!record(&cache, &asked, 429, JSON, &["{}"], End::Eof));
    assert!(!record(&cache, &asked, 200, JSON, &[ANSWER], End::Failed));
    // A call that was given up has no answer either.
    drop(intercept(&cache, &asked));
    assert!(record(&cache, &asked, 200, JSON, &[ANSWER], End::Eof));
    let second = ANSWER.replace("Hi", "Ho");
    assert!(record(&cache, &asked, 200, JSON, &[&second], End::Eof));
    let cache = Cache::for_tests(options(Mode::Replay)).unwrap();
    assert_eq!(replay(&cache, &asked).body, ANSWER.as_bytes());
    assert_eq!(replay(&cache, &asked).body, second.as_bytes());
}

#[test]
fn a_stand_in_for_a_key_spoils_no_prompt_and_no_answer() {
    let (_folder, path) = place();
    let asked = body("Say anything", false);
    let call = |headers| HttpCall { method: "POST", url: URL, headers, body: asked.as_bytes() };
    let cache = open(&path, Mode::Record);
    let headers = [("authorization", "Bearer anything")];
    let Decision::Send(mut exchange) = cache.intercept(&call(&headers)).unwrap() else { panic!() };
    let answer = ANSWER.replace("Hi", "anything");
    exchange.head(200, JSON);
    exchange.chunk(answer.as_bytes());
    assert!(exchange.finish(End::Eof).unwrap());
    let headers = [("authorization", "Bearer another-placeholder")];
    let decision = open(&path, Mode::Replay).intercept(&call(&headers)).unwrap();
    let Decision::Replay(replay) = decision else { panic!("not replayed") };
    assert_eq!(replay.body, answer.as_bytes());
}

#[test]
fn a_local_server_that_nobody_named_passes_and_is_told_of() {
    let (_folder, path) = place();
    let cache = open(&path, Mode::Replay);
    let call = |url| HttpCall { method: "POST", url, headers: &[], body: b"{}" };
    let passes = |url| matches!(cache.intercept(&call(url)).unwrap(), Decision::Pass);
    assert!(passes("http://localhost:8000/items"));
    assert!(cache.warnings().is_empty());
    assert!(passes("http://localhost:8000/v1/chat/completions"));
    let [warning] = &cache.warnings()[..] else { panic!("{:?}", cache.warnings()) };
    assert!(warning.contains(r#"hosts = ["localhost:8000"] records it"#), "{warning}");
}

#[test]
fn the_way_to_record_depends_on_who_chose_the_mode() {
    let (_folder, path) = place();
    let Decision::Refuse(refused) = intercept(&open(&path, Mode::Replay), &body("x", false)) else {
        panic!("not refused")
    };
    assert!(
        refused.to_string().contains(r#"mode="record" where the cache is opened"#),
        "{refused}"
    );
}
