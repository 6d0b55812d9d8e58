//! The canonical form of any bytes, against `serde_json` and
//! `serde_json_canonicalizer`: whatever both sides accept, they agree on.
//!
//! The known departures are left out: an integer that no double holds keeps its
//! digits here, a duplicate key is refused here, and `serde_json` refuses integers
//! of more than 309 digits.

use f3dx_cache_core::json::{Canonicalizer, Document, Node, differences, to_canonical};
use f3dx_cache_core::{ErrorKind, JsonErrorKind, canonicalize, fingerprint};
use serde_json::Value;

/// Checks what is promised about the canonical form of `data`.
pub fn run(data: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(data).ok();
    let ours = match canonicalize(data) {
        Ok(ours) => ours,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidJson);
            let (kind, at) = error.json_kind().expect("an error of JSON has its kind");
            assert!(at <= data.len(), "{error}");
            assert!(fingerprint(data).is_err() && Document::parse(data).is_err());
            assert!(kind == JsonErrorKind::DuplicateKey || theirs.is_none(), "only we: {error}");
            return;
        }
    };
    assert_eq!(canonicalize(&ours).expect("it is JSON"), ours, "what is canonical stays");
    assert_eq!(
        fingerprint(data).expect("it is JSON"),
        fingerprint(&ours).expect("it is JSON"),
        "one document, one fingerprint"
    );
    let document = Document::parse(data).expect("it is JSON");
    assert_eq!(document.text().as_bytes(), ours);
    assert!(differences(document.root(), document.root(), 9).list.is_empty());
    used_before(data, &ours);
    let Some(theirs) = theirs else {
        assert!(data.len() > 300, "only we accept it");
        return;
    };
    if has_large_integer(document.root()) {
        return;
    }
    let expected = serde_json_canonicalizer::to_vec(&theirs).expect("it was parsed");
    assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&expected));
    assert_eq!(to_canonical(&theirs).expect("it was parsed"), expected);
}

/// A canonicalizer that has read other texts, wrong ones too, says the same.
fn used_before(data: &[u8], canonical: &[u8]) {
    let (mut canonicalizer, mut out) = (Canonicalizer::new(), Vec::new());
    for before in [&data[..data.len() / 2], br#"{"b":[1.0],"a":"\u0041","b":0}"#] {
        drop(canonicalizer.canonicalize(before, &mut out));
    }
    canonicalizer.canonicalize(data, &mut out).expect("it is JSON");
    assert_eq!(out, canonical);
}

/// Whether there is an integer that the two sides spell differently.
fn has_large_integer(node: Node<'_>) -> bool {
    let large = || {
        let digits = node.text().trim_start_matches('-');
        let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
        is_integer && !digits.parse().is_ok_and(|value: u64| value <= 1 << 53)
    };
    large()
        || node.items().any(has_large_integer)
        || node.members().any(|(_, value)| has_large_integer(value))
}
