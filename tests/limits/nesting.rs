//! Documents nested as deep as may be, and deeper.

use f3dx_cache_core::http::{Classified, HttpCall, HttpPolicy};
use f3dx_cache_core::{
    Cache, Decision, End, ErrorKind, JsonErrorKind, Meta, Options, Turn, fingerprint,
};

fn nested(levels: usize) -> Vec<u8> {
    ["[".repeat(levels), "]".repeat(levels)].concat().into_bytes()
}

fn objects(levels: usize) -> Vec<u8> {
    ["{\"a\":".repeat(levels), "1".to_owned(), "}".repeat(levels)].concat().into_bytes()
}

fn call(body: &[u8]) -> HttpCall<'_> {
    HttpCall {
        method: "POST",
        url: "https://api.openai.com/v1/chat/completions",
        headers: &[],
        body,
    }
}

#[test]
fn a_request_of_127_levels_is_recorded_and_one_of_128_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("c.redb"), Options::default()).unwrap();
    for request in [nested(127), objects(127)] {
        cache.put(&request, b"deep", Meta::default()).unwrap();
        assert_eq!(cache.get(&request).unwrap().unwrap().body, b"deep");
        assert!(cache.explain(&request).is_ok());
    }
    for request in [nested(128), objects(128), nested(1_000_000), objects(1_000_000)] {
        let errors = [
            cache.put(&request, b"x", Meta::default()).map(drop).unwrap_err(),
            cache.get(&request).map(drop).unwrap_err(),
            cache.explain(&request).map(drop).unwrap_err(),
            fingerprint(&request).map(drop).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidJson);
            assert_eq!(error.json_kind().unwrap().0, JsonErrorKind::TooDeep, "{error}");
            assert!(error.to_string().contains("127"), "{error}");
        }
    }
}

#[test]
fn a_body_of_more_than_126_levels_is_identified_by_its_bytes() {
    let policy = HttpPolicy::new(&Options::default(), &|_| None).unwrap();
    let document = |body: &[u8]| match policy.classify(&call(body)) {
        Classified::Inference(document) => String::from_utf8(document.canonical).unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(!document(&nested(126)).contains("blake3"));
    for levels in [127, 128, 1_000_000] {
        let digest = document(&nested(levels));
        assert!(digest.contains(&format!("\"bytes\":{}", 2 * levels)), "{levels}");
        assert!(fingerprint(digest.as_bytes()).is_ok());
    }
}

#[test]
fn calls_with_bodies_nested_too_deep_are_recorded_and_stay_two() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("c.redb"), Options::default()).unwrap();
    for levels in [126, 127, 128, 5_000] {
        let body = objects(levels);
        let Decision::Send(mut exchange) = cache.intercept(&call(&body)).unwrap() else {
            panic!("{levels} levels are not recorded yet")
        };
        assert!(matches!(exchange.claim(1).unwrap(), Turn::Send));
        exchange.head(200, &[("content-type", "application/json")]);
        exchange.chunk(format!("{{\"output\":{levels}}}").as_bytes());
        assert!(exchange.finish(End::Eof).unwrap());
    }
    for levels in [126, 127, 128, 5_000] {
        let body = objects(levels);
        let Decision::Replay(replay) = cache.intercept(&call(&body)).unwrap() else { panic!() };
        assert_eq!(replay.body, format!("{{\"output\":{levels}}}").as_bytes());
    }
}

#[test]
fn a_response_nested_too_deep_is_refused_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("c.redb"), Options::default()).unwrap();
    let Decision::Send(mut exchange) = cache.intercept(&call(b"{}")).unwrap() else { panic!() };
    exchange.head(200, &[("content-type", "application/json")]);
    let mut deep = b"{\"output\":".to_vec();
    deep.extend(objects(100_000));
    deep.push(b'}');
    exchange.chunk(&deep);
    assert!(!exchange.finish(End::Eof).unwrap());
    let lines = cache.summary().unwrap().refusal_lines();
    assert!(lines[0].contains("nested too deep"), "{lines:?}");
}
