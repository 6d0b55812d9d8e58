//! Runs the tables that every language runs: `tests/fixtures/http_*.jsonl`.

#![allow(clippy::unwrap_used)]

use f3dx_cache_core::http::{
    Classified, HttpCall, HttpPolicy, StreamState, StreamWatcher, Verdict,
};
use f3dx_cache_core::secrets::{Redactor, SentSecrets};
use f3dx_cache_core::{Identity, IdentityPolicy, Options};
use serde_json::Value;
use std::path::Path;

fn table(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(case: &'a Value, member: &str) -> &'a str {
    case.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn options(case: &Value) -> Options {
    let options = case.get("options").map_or_else(|| "{}".to_owned(), Value::to_string);
    Options::from_json(&options).unwrap()
}

fn pairs(case: &Value) -> Vec<(&str, &str)> {
    let headers = case.get("headers").and_then(Value::as_array).into_iter().flatten();
    headers.map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
}

fn body(case: &Value) -> Vec<u8> {
    let Some(hex) = case.get("body_hex").and_then(Value::as_str) else {
        return text(case, "body").as_bytes().to_vec();
    };
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn policy(case: &Value) -> HttpPolicy {
    let env = |name: &str| case.get("env")?.get(name)?.as_str().map(ToOwned::to_owned);
    HttpPolicy::new(&options(case), &env).unwrap()
}

#[test]
fn every_call_of_the_table_is_what_it_says() {
    let table = table("http_calls.jsonl");
    assert!(table.len() >= 80);
    let mut wrong = Vec::new();
    for case in &table {
        let (headers, body) = (pairs(case), body(case));
        let call = HttpCall {
            method: text(case, "method"),
            url: text(case, "url"),
            headers: &headers,
            body: &body,
        };
        let mut check = |what: &str, is: String, should: &str| {
            if is != should {
                wrong.push(format!(
                    "{}: {what}\n  is     {is}\n  should {should}",
                    text(case, "id")
                ));
            }
        };
        match policy(case).classify(&call) {
            Classified::Pass => check("expect", "pass".to_owned(), text(case, "expect")),
            Classified::Unrecorded { .. } => {
                check("expect", "unrecorded".to_owned(), text(case, "expect"));
            }
            Classified::Inference(request) => {
                check("expect", "inference".to_owned(), text(case, "expect"));
                let identity = IdentityPolicy::from_options(&options(case)).unwrap();
                let redact = options(case).redact.unwrap_or_default();
                let redactor = Redactor::new(&redact).unwrap();
                let sent = SentSecrets::of(&call);
                let stored = redactor.request_of_call(&request.canonical, &sent).unwrap();
                check(
                    "document",
                    String::from_utf8_lossy(&stored).into_owned(),
                    text(case, "document"),
                );
                let identity = Identity::new(&identity.unwrap_or_default()).unwrap();
                let address = identity.address(&stored).unwrap();
                check(
                    "fingerprint",
                    blake3::hash(&address).to_hex().to_string(),
                    text(case, "fingerprint"),
                );
                if let Some(model) = case.get("model") {
                    let is = request.model.unwrap_or_default();
                    check("model", is, model.as_str().unwrap());
                }
                if let Some(stream) = case.get("stream") {
                    check("stream", request.stream.to_string(), &stream.to_string());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_document_is_canonical_and_stays_itself() {
    for case in table("http_calls.jsonl") {
        let document = text(&case, "document").as_bytes();
        if document.is_empty() {
            continue;
        }
        assert_eq!(
            f3dx_cache_core::canonicalize(document).unwrap(),
            document,
            "{}",
            text(&case, "id")
        );
        let redactor = Redactor::new(&options(&case).redact.unwrap_or_default()).unwrap();
        assert_eq!(redactor.request(document).unwrap(), document, "{}", text(&case, "id"));
        let parsed = f3dx_cache_core::json::Document::parse(document).unwrap();
        assert!(f3dx_cache_core::is_http_document(parsed.root()), "{}", text(&case, "id"));
    }
}

#[test]
fn every_response_of_the_table_is_recorded_or_refused_as_it_says() {
    let table = table("http_responses.jsonl");
    let mut wrong = Vec::new();
    for case in &table {
        let policy = policy(case);
        let chunks: Vec<&[u8]> = case["chunks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c.as_str().unwrap().as_bytes())
            .collect();
        let headers = pairs(case);
        let content_type =
            headers.iter().find(|(name, _)| *name == "content-type").map(|(_, v)| *v);
        let (status, eof) =
            (case["status"].as_u64().unwrap() as u16, case["eof"].as_bool().unwrap());
        let call = HttpCall {
            method: "POST",
            url: text(case, "url"),
            headers: &[],
            body: text(case, "request_body").as_bytes(),
        };
        assert!(matches!(policy.classify(&call), Classified::Inference(_)), "{}", text(case, "id"));
        let (is, reason) = match policy.verdict(status, content_type, &chunks.concat(), eof) {
            Verdict::Record => ("record", String::new()),
            Verdict::Refuse(reason) => ("refuse", reason),
        };
        if is != text(case, "expect") || reason != text(case, "reason") {
            wrong.push(format!("{}: {is} {reason}", text(case, "id")));
        }
        // The watcher knows nothing of statuses, nor of bodies that are no answer at all.
        if status != 200 || chunks.is_empty() || content_type == Some("text/html") {
            continue;
        }
        // The watcher says the same, whatever the cuts.
        for size in [1, 7, usize::MAX] {
            let mut watcher = StreamWatcher::new(content_type);
            for piece in chunks.iter().flat_map(|chunk| chunk.chunks(size)) {
                watcher.push(piece);
            }
            let complete = watcher.finish(eof) == StreamState::Complete;
            if complete != (text(case, "expect") == "record") {
                wrong.push(format!("{}: watched in pieces of {size}", text(case, "id")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_that_is_sent_or_arrives_makes_it_panic(
        host in "(api\\.openai\\.com|\\PC{0,12}|\\[[0-9a-f:]{0,8}\\]?)(:[0-9]{0,6})?",
        rest in "(/v1/chat/completions)?[/?&=%.~a-f0-9\\PC]{0,24}",
        content_type in "(text/event-stream|application/json|multipart/form-data; ?boundary=\"?b|application/vnd.amazon.eventstream|\\PC{0,9})",
        body in "(--b\r\n|data: |\\{\"stream\":false|[\\[\\]{}\",:a1\\\\\r\n-]|\\PC){0,24}",
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..48),
    ) {
        let policy = HttpPolicy::new(&Options::from_json(r#"{"hosts":["*.a"]}"#).unwrap(), &|_| None).unwrap();
        for body in [body.as_bytes(), &bytes] {
            let headers = [("content-type", content_type.as_str()), ("authorization", &rest)];
            let url = format!("https://{host}{rest}");
            let call = HttpCall { method: "POST", url: &url, headers: &headers, body };
            if let Classified::Inference(request) = policy.classify(&call) {
                // Whatever it was, its document is canonical.
                let again = f3dx_cache_core::canonicalize(&request.canonical).unwrap();
                proptest::prop_assert_eq!(&again, &request.canonical);
                let redactor = Redactor::new(&[]).unwrap();
                redactor.request_of_call(&request.canonical, &SentSecrets::of(&call)).unwrap();
            }
            let _ = policy.verdict(200, Some(&content_type), body, true);
            let _ = f3dx_cache_core::http::facts_of(Some(&content_type), body);
        }
    }
}
