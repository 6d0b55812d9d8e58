//! The policy for HTTP calls: any method, URL, headers and body.
//!
//! The marker `SECRET` stands for a credential: it becomes a key that is sent in a
//! header, and wherever else the input has the marker.

use super::input::Input;
use f3dx_cache_core::http::{Classified, HttpCall, HttpPolicy, RequestDocument};
use f3dx_cache_core::json::Document;
use f3dx_cache_core::secrets::{Redactor, SentSecrets};
use f3dx_cache_core::{Options, canonicalize, is_http_document};

const MARKER: &str = "SECRET";

/// Checks what is promised about a call made of `data`: options, method, URL and
/// headers as fields, and the body.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let key = key_of(data);
    let options = Options::from_json(&input.text()).unwrap_or_default();
    let policy = HttpPolicy::new(&options, &|_| None)
        .or_else(|_| HttpPolicy::new(&Options::default(), &|_| None))
        .expect("the defaults are right");
    let method = input.text();
    let mut url = input.text().into_owned();
    if let Some((path, query)) = url.split_once('?') {
        url = format!("{path}?{}", query.replace(MARKER, &key));
    }
    let headers = input.text().replace(MARKER, &key);
    let headers = pairs(&headers);
    let body = replaced(input.rest(), &key);
    let call = HttpCall { method: &method, url: &url, headers: &headers, body: &body };

    let classified = policy.classify(&call);
    assert_eq!(policy.classify(&call), classified, "the same call, the same answer");
    assert_eq!(policy.classify_now(&call, &|_| None), classified);
    drop((policy.overlooked(&call), format!("{call:?}")));
    let other_case = method.to_ascii_lowercase();
    let same = HttpCall { method: &other_case, ..call };
    assert_eq!(policy.classify(&same), classified, "the case of the method says nothing");

    // What no option names takes no part, and a credential never does.
    let unnamed = format!("x-{key}");
    let bearer = format!("Bearer {key}");
    let mut more = vec![(unnamed.as_str(), "1"), ("authorization", &bearer)];
    more.extend_from_slice(&headers);
    let more = HttpCall { headers: &more, ..call };
    assert_eq!(policy.classify(&more), classified, "headers that take no part");
    match classified {
        Classified::Pass => {}
        Classified::Unrecorded { reason } => assert!(!reason.contains(&key), "{reason}"),
        Classified::Inference(document) => inference(&policy, &more, &document, &key),
    }
}

fn inference(policy: &HttpPolicy, call: &HttpCall<'_>, document: &RequestDocument, key: &str) {
    let canonical = &document.canonical;
    assert_eq!(canonicalize(canonical).ok().as_ref(), Some(canonical), "it is canonical");
    is_document(canonical);
    if let Ok(body) = canonicalize(call.body) {
        // But for what is too deep, and so is bytes, or multipart by its header.
        let spelled = policy.classify(&HttpCall { body: &body, ..*call });
        if body_is_json(canonical) {
            assert_eq!(spelled, Classified::Inference(document.clone()), "the spelling is nothing");
        }
    }
    let redactor = Redactor::new(&[]).expect("no pattern is wrong");
    let sent = SentSecrets::of(call);
    let stored = redactor.request_of_call(canonical, &sent).expect("a document is JSON");
    let text = String::from_utf8_lossy(&stored);
    assert!(!text.contains(key), "what was sent is stored: {text}");
    is_document(&stored);
    assert_eq!(canonicalize(&stored).ok().as_deref(), Some(&*stored), "it is canonical");
}

fn is_document(text: &[u8]) {
    assert!(is_http_document(Document::parse(text).expect("a document is JSON").root()));
}

fn body_is_json(document: &[u8]) -> bool {
    let document = Document::parse(document).expect("a document is JSON");
    let body = document.root().get("body").expect("it has a body");
    body.get("blake3").is_none() && body.get("multipart").is_none()
}

/// Returns a key that no mutation guesses.
pub(super) fn key_of(data: &[u8]) -> String {
    format!("k{}", &blake3::hash(data).to_hex()[..24])
}

/// Returns `bytes` with `key` in place of each marker.
pub(super) fn replaced(bytes: &[u8], key: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at..].starts_with(MARKER.as_bytes()) {
            true => out.extend_from_slice(key.as_bytes()),
            false => out.push(bytes[at]),
        }
        at += if bytes[at..].starts_with(MARKER.as_bytes()) { MARKER.len() } else { 1 };
    }
    out
}

/// Reads headers as they stand in a message: `name: value` lines.
pub(super) fn pairs(lines: &str) -> Vec<(&str, &str)> {
    lines.lines().filter_map(|line| line.split_once(':')).collect()
}
