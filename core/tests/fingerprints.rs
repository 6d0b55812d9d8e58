//! The conformance cases that every language runs.

#![allow(clippy::unwrap_used)]

use f3dx_cache_core::{Fingerprint, canonicalize, fingerprint};
use serde_json::Value;

const VECTORS: &str = include_str!("../../tests/fixtures/fingerprints.jsonl");

#[test]
fn every_vector_holds() {
    let mut failures = Vec::new();
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        if let Err(failure) = check(&vector) {
            failures.push(format!("{}: {failure}", vector["id"]));
        }
    }
    assert!(VECTORS.lines().count() >= 159);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(vector: &Value) -> Result<(), String> {
    let input = bytes(&vector["input_hex"]);
    match vector["expect"].as_str() {
        Some("ok") => {
            let canonical = canonicalize(&input).map_err(|error| error.to_string())?;
            if canonical != bytes(&vector["canonical_hex"]) {
                return Err(format!("became {}", String::from_utf8_lossy(&canonical)));
            }
            let expected: Fingerprint = vector["blake3"].as_str().unwrap().parse().unwrap();
            let found = fingerprint(&input).map_err(|error| error.to_string())?;
            (found == expected).then_some(()).ok_or(format!("fingerprint {found}"))
        }
        Some("error") => {
            let Err(error) = canonicalize(&input) else {
                return Err("accepted".to_owned());
            };
            let (kind, at) = error.json_kind().ok_or("no place")?;
            if vector["error"] != kind.name() || at > input.len() {
                return Err(error.to_string());
            }
            fingerprint(&input).is_err().then_some(()).ok_or("fingerprinted".to_owned())
        }
        other => Err(format!("unknown expectation {other:?}")),
    }
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits: Vec<u32> = hex.as_str().unwrap().chars().map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
