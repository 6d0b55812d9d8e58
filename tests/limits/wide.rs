//! Objects of a million members, and very long names, strings, URLs and headers.

use crate::limit;
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Decision, End, Meta, Options, Turn};
use f3dx_cache_tests::torture::{Tally, rounds};

fn opened(folder: &tempfile::TempDir) -> Cache {
    Cache::open(folder.path().join("cache.redb"), Options::default()).unwrap()
}

#[test]
fn a_request_of_very_many_members_is_recorded_found_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    // Core without optimization takes its time.
    let members = rounds(100_000, 1_000_000);
    let peak = limit("wide", &folder.path().join("cache.redb"), members);
    let each = (peak << 10) / members as u64;
    assert!(each < 512, "{each} bytes for each member");
    let mut tally = Tally::of("a request of very many members");
    tally.count = members as u64;
    tally.note = format!("peak {} MB, {each} bytes for each member", peak / 1000);
    tally.finish();
}

#[test]
fn names_and_strings_of_ten_megabytes_are_requests() {
    let folder = tempfile::tempdir().unwrap();
    let cache = opened(&folder);
    let long = "é\\n".repeat(2_500_000);
    for request in [format!("{{\"{long}\":1}}"), format!("{{\"a\":\"{long}\"}}")] {
        cache.put(request.as_bytes(), b"long", Meta::default()).unwrap();
        assert_eq!(cache.get(request.as_bytes()).unwrap().unwrap().body, b"long");
    }
    // A miss beside them is explained on a screen.
    let explanation = cache.explain(format!("{{\"a\":\"{long}!\"}}").as_bytes()).unwrap();
    assert!(explanation.to_string().len() < 4_000);
    let error = cache.get(format!("{{\"{long}\":1,\"{long}\":2}}").as_bytes()).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
}

#[test]
fn a_url_and_headers_of_a_megabyte_are_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let cache = opened(&folder);
    let long = "x%2Fy".repeat(200_000);
    let url = format!("https://api.openai.com/{long}/v1/chat/completions?q={long}&key={long}");
    let headers = [("authorization", long.as_str()), ("openai-beta", long.as_str())];
    let call = HttpCall { method: "POST", url: &url, headers: &headers, body: b"{}" };
    let Decision::Send(mut exchange) = cache.intercept(&call).unwrap() else { panic!() };
    assert!(matches!(exchange.claim(1).unwrap(), Turn::Send));
    let returned = [("content-type", "application/json"), ("x-request-id", long.as_str())];
    exchange.head(200, &returned);
    exchange.chunk(b"{\"output\":1}");
    assert!(exchange.finish(End::Eof).unwrap());
    assert!(matches!(cache.intercept(&call).unwrap(), Decision::Replay(_)));
    for line in cache.warnings() {
        assert!(line.len() < 4_000, "a warning of {} bytes", line.len());
    }
}
