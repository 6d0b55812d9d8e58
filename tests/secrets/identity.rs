//! Which requests with secrets are one, and which are two.

use crate::corpus::secrets;
use crate::recorded::{Answer, Call, Place};
use f3dx_cache_core::Options;
use serde_json::json;

/// Two secrets of every format.
fn pairs() -> impl Iterator<Item = (String, String)> {
    secrets(1).into_iter().zip(secrets(2)).map(|(one, other)| (one.text, other.text))
}

/// Returns how many entries the two calls make.
fn entries(one: &Call, other: &Call) -> u64 {
    let mut place = Place::new(Options::default());
    place.record(one, &Answer::saying("1"));
    if place.replay(other).is_none() {
        place.record(other, &Answer::saying("2"));
    }
    place.count()
}

#[test]
fn two_prompts_about_two_keys_are_two_entries() {
    for (one, other) in pairs() {
        for text in ["Is KEY valid?", "CORP_API_KEY=KEY", "postgres://u:KEY@db/x", "KEY"] {
            let says = |key: &str| Call::saying(&text.replace("KEY", key));
            assert_eq!(entries(&says(&one), &says(&other)), 2, "{text}: {one} and {other}");
        }
    }
}

#[test]
fn two_developers_authorizations_of_an_mcp_tool_are_one_entry() {
    let tool = |tool: serde_json::Value| {
        Call::of(json!({"model": "m", "input": "x", "tools": [tool]}).to_string())
    };
    for (one, other) in pairs() {
        let authorization = |key: &str| tool(json!({"type": "mcp", "authorization": key}));
        assert_eq!(entries(&authorization(&one), &authorization(&other)), 1);
        let headers = |key: &str| {
            let headers = json!({"Authorization": format!("Bearer {key}"), "X-Corp-Token": key});
            tool(json!({"type": "mcp", "headers": headers}))
        };
        assert_eq!(entries(&headers(&one), &headers(&other)), 1);
    }
}

#[test]
fn the_key_that_a_call_is_sent_with_does_not_matter() {
    for (one, other) in pairs().filter(|(one, _)| !one.contains('\n')) {
        for name in ["authorization", "x-api-key", "cookie", "x-corp-token"] {
            let sent = |key: &str| Call::saying("x").with_header(name, key);
            assert_eq!(entries(&sent(&one), &sent(&other)), 1, "{name}");
        }
    }
}
