//! What is no secret stays as it is.

use crate::base64;
use crate::corpus::Random;
use crate::recorded::{Answer, Call, Place};
use f3dx_cache_core::Options;
use f3dx_cache_core::secrets::Redactor;

/// Texts that a hasty pattern takes for a secret.
fn texts() -> Vec<String> {
    let mut random = Random::of(4);
    let mut bytes =
        |length: usize| -> Vec<u8> { (0..length).map(|_| random.next() as u8).collect() };
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let uuid = hex(&bytes(16));
    let mut texts = vec![
        format!(
            "{}-{}-4{}-8{}-{}",
            &uuid[..8],
            &uuid[8..12],
            &uuid[13..16],
            &uuid[17..20],
            &uuid[20..]
        ),
        format!("sha256:{}", hex(&bytes(32))),
        format!("commit {}\nindex {}..{}", hex(&bytes(20)), hex(&bytes(4)), hex(&bytes(4))),
        format!("data:image/png;base64,{}", base64::encode(&bytes(30_000))),
        format!("{{\"embedding\": \"{}\"}}", base64::encode(&bytes(6_144))),
        format!("\"sha512-{}\"", base64::encode(&bytes(64))),
        format!("ETag: W/\"{}\"; page_token={}", hex(&bytes(8)), base64::encode(&bytes(48))),
        format!("call_{} toolu_{} chatcmpl-{}", hex(&bytes(12)), hex(&bytes(12)), hex(&bytes(14))),
        format!(
            "resp_{} msg_{} file-{} asst_{}",
            hex(&bytes(24)),
            hex(&bytes(24)),
            hex(&bytes(12)),
            hex(&bytes(12))
        ),
    ];
    texts.extend(
        [
            "The password is the one you chose; the secret key: patience. An API key is a token.",
            "Set OPENAI_API_KEY in your environment; api_key=os.environ[\"OPENAI_API_KEY\"].",
            "def login(user: str, password: str) -> Token: ...",
            "const apiKey = process.env.API_KEY; const secretKey = await loadSecretKey(42);",
            "password: ${DB_PASSWORD}; api_key: <your-api-key>; access_token: {{ token }}",
            "postgres://user:password@localhost:5432/db, redis://localhost:6379/0, http://[::1]:80/@x",
            "ssh://git@github.com:22/x.git and https://example.org/a:b@c",
            "SELECT key, password FROM users WHERE id = 12345678901234567890;",
            "the disk-image, a task-force, risk-free, sk-learn, fw_update, hf_hub, gsk_ and npm_config",
            "The bearer of this letter may pass. Bearer tokens are described in RFC 6750.",
            "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END CERTIFICATE-----",
            "{\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\",\"minLength\":8}}}",
            "ratio 16:9, at 12:30:45, {a: 1, b: 2}, x == y => z, k=v&k2=v2",
            "AKIA and ASIA begin keys of AWS, eyJ a JWT, AIza one of Google.",
            "Zażółć gęślą jaźń 東京都 🔑 пароль: дом",
        ]
        .map(str::to_owned),
    );
    texts
}

#[test]
fn ordinary_text_is_stored_as_it_is() {
    let redactor = Redactor::new(&[]).unwrap();
    for text in texts() {
        let request = f3dx_cache_core::canonicalize(
            serde_json::json!({"messages": [{"content": text}], "n": 1}).to_string().as_bytes(),
        )
        .unwrap();
        let stored = redactor.request(&request).unwrap();
        assert_eq!(String::from_utf8_lossy(&stored), String::from_utf8_lossy(&request));
    }
}

#[test]
fn ordinary_answers_bring_no_warning_and_come_back_as_they_were() {
    let mut place = Place::new(Options { redact_responses: Some(true), ..Options::default() });
    for text in texts() {
        let call = Call::saying(&text).with_header("Authorization", "Bearer not-needed");
        let answer = Answer::saying(&text);
        assert!(place.record(&call, &answer));
        assert_eq!(place.replay(&call).unwrap(), answer.chunks.concat());
    }
    assert!(!place.said.contains("secret ("), "{}", place.said);
}

#[test]
fn members_that_only_sound_like_secrets_tell_requests_apart() {
    let mut place = Place::new(Options::default());
    let bodies = [
        r#"{"max_tokens":1}"#,
        r#"{"max_tokens":2}"#,
        r#"{"token":"a"}"#,
        r#"{"token":"b"}"#,
        r#"{"key":"a"}"#,
        r#"{"key":"b"}"#,
        r#"{"next_page_token":"a"}"#,
        r#"{"next_page_token":"b"}"#,
        r#"{"secret":"a"}"#,
        r#"{"secret":"b"}"#,
        r#"{"properties":{"password":{"type":"string"}}}"#,
        r#"{"properties":{"password":{"type":"number"}}}"#,
    ];
    for body in bodies {
        assert!(place.record(&Call::of(body), &Answer::saying("x")), "{body}");
    }
    assert_eq!(place.count(), bodies.len() as u64);
}
