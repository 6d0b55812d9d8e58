//! What is said of a call that fails says nothing of its secrets.

use crate::corpus::secrets;
use crate::recorded::{Answer, Call, Place, TEST, ask, contains, send};
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Decision, Meta, Mode, Options, fingerprint};

#[test]
fn an_explanation_shows_no_secret_of_either_request() {
    for (one, other) in secrets(1).into_iter().zip(secrets(2)).filter(|(one, _)| one.has_format) {
        let mut place = Place::new(Options::default());
        let call = |key: &str| {
            let text = format!("Is {key} valid? api_key: {key}");
            Call {
                url: format!("https://gw.corp/{}/v1/messages", key.replace('\n', "")),
                ..Call::saying(&text)
            }
        };
        place.record(&call(&one.text), &Answer::saying("yes"));
        assert_eq!(place.replay(&call(&other.text)), None);
        assert!(place.said.contains("nearest"), "{}", place.said);
        for secret in [&one.text, &other.text] {
            assert_eq!(place.leak(secret), None);
        }
    }
}

#[test]
fn a_refused_call_is_told_without_its_secrets() {
    for secret in secrets(3).iter().filter(|secret| !secret.text.contains('\n')) {
        let mut place = Place::new(Options::default());
        place.record(&Call::saying("x"), &Answer::saying("y"));
        let cache = place.open(Mode::Replay);
        let header = format!("Bearer {}", secret.text);
        let key = &secret.text;
        // No inference; on a local server that nobody named; a body that is no answer.
        for url in [
            format!("https://api.openai.com/v1/files/{key}?key={key}"),
            format!("http://127.0.0.1:9/{key}/v1/chat/completions"),
        ] {
            let headers = [("authorization", header.as_str())];
            let call = HttpCall { method: "POST", url: &url, headers: &headers, body: b"{}" };
            if let Decision::Refuse(refused) = cache.intercept(&call).unwrap() {
                place.said += &refused.to_string();
            }
        }
        assert!(!cache.warnings().is_empty() && !cache.refused_misses().is_empty());
        place.hear(&cache);
        let recording = place.open(Mode::Record);
        let call = Call::saying(&format!("key {key}")).with_header("authorization", &header);
        let failed =
            format!("{{\"error\":{{\"type\":\"bad_key\",\"message\":\"{key} is wrong\"}}}}");
        let failed = Answer { chunks: vec![failed.into()], ..Answer::saying("") };
        assert!(!send(&recording, &call, &failed));
        place.hear(&recording);
        assert!(place.said.contains("bad_key"), "{}", place.said);
        assert_eq!(place.leak(key), None);
    }
}

#[test]
fn an_error_about_a_request_quotes_no_secret() {
    for secret in secrets(4) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("c.redb"), Options::default()).unwrap();
        let name = serde_json::to_string(&secret.text).unwrap();
        for request in [
            format!("{{{name}:1,{name}:2}}"),
            format!("{{\"a\":{name}"),
            format!("{{{name}}}"),
            format!("[{name},NaN]"),
            format!("{name} {name}"),
        ] {
            let errors = [
                cache.get(request.as_bytes()).unwrap_err(),
                cache.put(request.as_bytes(), b"x", Meta::default()).map(drop).unwrap_err(),
                fingerprint(request.as_bytes()).unwrap_err(),
                cache.explain(request.as_bytes()).map(drop).unwrap_err(),
            ];
            for error in errors {
                let error = format!("{error} {error:?}");
                // No more of it than its beginning, which names the issuer.
                assert!(!contains(error.as_bytes(), &secret.text.as_bytes()[..12]), "{error}");
            }
        }
    }
}

#[test]
fn a_test_that_is_named_by_a_key_is_stored_without_it() {
    use f3dx_cache_core::Scope;
    for secret in secrets(6).into_iter().filter(|secret| secret.has_format) {
        let options = Options { scope: Some(Scope::Test), ..Options::default() };
        let mut place = Place::new(options);
        let name = format!("{TEST}[{}]", secret.text);
        let command = format!("pytest --f3dx-cache=record '{name}'");
        let cache = place.open(Mode::Record).session(Some(name.clone()), Some(command.clone()));
        let answer = Answer::saying(&format!("sk-proj-{}", "a1B2c3D4e5".repeat(4)));
        assert!(send(&cache, &Call::saying("x"), &answer));
        assert!(!cache.warnings().is_empty());
        place.hear(&cache);
        let replaying = place.open(Mode::Replay).session(Some(name), Some(command));
        assert!(matches!(ask(&replaying, &Call::saying("x")), Decision::Replay(_)));
        assert!(matches!(ask(&replaying, &Call::saying("y")), Decision::Refuse(_)));
        place.hear(&replaying);
        assert_eq!(place.leak(&secret.text), None);
    }
}

#[test]
fn what_is_put_by_hand_holds_no_secret_of_its_request() {
    for secret in secrets(8).into_iter().filter(|secret| secret.has_format) {
        let mut place = Place::new(Options::default());
        let cache = place.open(Mode::Record);
        let request = serde_json::json!({"prompt": format!("is {} ok?", secret.text)}).to_string();
        let meta = Meta { source: Some(secret.text.clone()), ..Meta::default() };
        let response = serde_json::json!({"answer": secret.text}).to_string();
        cache.put(request.as_bytes(), response.as_bytes(), meta).unwrap();
        let replayed = cache.get(request.as_bytes()).unwrap().unwrap().body;
        assert_eq!(String::from_utf8_lossy(&replayed), "{\"answer\":\"[secret]\"}");
        place.hear(&cache);
        assert_eq!(place.leak(&secret.text), None);
    }
}
