//! Secrets, rules and pointers on any request: what is stored, and what is hashed.

use super::input::Input;
use f3dx_cache_core::http::Chunk;
use f3dx_cache_core::json::{Document, Pointer, PointerSet, differences};
use f3dx_cache_core::secrets::{Redactor, SentSecrets};
use f3dx_cache_core::{Identity, IdentityPolicy, Options, canonicalize, suggest_preset};
use std::fmt::Write;
use std::sync::LazyLock;

/// Checks what is promised about options and a request made of `data`: options,
/// pointers and two texts as fields, and the request.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = Options::from_json(&input.text()).unwrap_or_default();
    let policy = IdentityPolicy::from_options(&options).ok().flatten().unwrap_or_default();
    let pointer = input.text();
    let (before, after) = (input.text(), input.text());
    let which = input.byte();
    let rest = input.rest();
    pointers(&pointer);
    planted(data, which, &before, &after);
    let _ = suggest_preset(&before, &after);
    response(rest, which);
    let Ok(request) = canonicalize(rest) else { return };
    redacted(&policy, &request);
    addressed(&policy, &request);
    compared(&request);
}

/// A pointer is its text, and its segments make it again.
fn pointers(text: &str) {
    let parsed = Pointer::parse(text);
    if let Ok(pointer) = &parsed {
        assert_eq!(pointer.to_string(), text);
        let mut again = Pointer::default();
        pointer.segments().for_each(|segment| again.push(&segment));
        assert_eq!(&again, pointer);
    }
    let set = PointerSet::parse(&[text.to_owned()]);
    assert_eq!(set.is_ok(), parsed.is_ok() && !text.is_empty());
}

/// A key in the format of any issuer never survives between two words.
fn planted(data: &[u8], which: u8, before: &str, after: &str) {
    let hex = blake3::hash(data).to_hex();
    let hex = hex.as_str();
    let keys = [
        format!("sk-ant-api03-{hex}"),
        format!("sk-proj-{hex}"),
        format!("sk-{hex}a1"),
        format!("ghp_{}", &hex[..36]),
        format!("AKIA{}", hex[..16].to_uppercase()),
        format!("AIza{}", &hex[..35]),
        format!("xoxb-{hex}"),
        format!("hf_{}", &hex[..34]),
        format!("gsk_{}", &hex[..52]),
        format!("xai-{hex}"),
        format!("pplx-{}", &hex[..48]),
        format!("Bearer {hex}"),
        format!("eyJ{}.eyJ{}.{}", &hex[..16], &hex[16..32], &hex[32..]),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{hex}\n-----END RSA PRIVATE KEY-----"),
    ];
    let key = &keys[usize::from(which) % keys.len()];
    let text = format!("{before} {key} {after}");
    let mut request = String::from("{\"messages\":[{\"content\":");
    request.push_str(&serde_json::to_string(&text).expect("a text is JSON"));
    write!(request, ",\"tools\":{{\"x-api-key\":\"{hex}\"}}}}],\"model\":\"m\"}}").expect("a text");
    let request = canonicalize(request.as_bytes()).expect("it is JSON");
    let redactor = Redactor::new(&[]).expect("no pattern is wrong");
    assert!(!redactor.is_clean(&request));
    let stored = redactor.request(&request).expect("it is JSON");
    let stored = String::from_utf8_lossy(&stored);
    // Any 16 digits in a row of it would be too many.
    let planted = hex.as_bytes().windows(16).map(|part| std::str::from_utf8(part).expect("hex"));
    for part in planted {
        let found = stored.contains(part) || stored.contains(&part.to_uppercase());
        assert!(!found, "{key} is in {stored}");
    }
    let cleaned = redactor.response(text.as_bytes(), None, &SentSecrets::default(), true, &mut []);
    assert!(!cleaned.found.is_empty());
    assert!(!cleaned.body.windows(key.len()).any(|window| window == key.as_bytes()));
}

/// Replacing in a response moves the ends of its chunks along, in order.
fn response(body: &[u8], which: u8) {
    static DIGITS: LazyLock<Redactor> =
        LazyLock::new(|| Redactor::new(&["[0-9]{6,}".to_owned()]).expect("the pattern is right"));
    let redactor = &*DIGITS;
    let step = u64::from(which) + 1;
    let length = body.len() as u64;
    let mut chunks: Vec<Chunk> = (1..=length.div_ceil(step).min(500))
        .map(|n| Chunk { end: (n * step).min(length), at_ms: n })
        .collect();
    let replaced = redactor.response(body, None, &SentSecrets::default(), true, &mut chunks).body;
    assert!(chunks.is_sorted_by_key(|chunk| chunk.end));
    let last = chunks.last().map_or(0, |chunk| chunk.end);
    assert!(last <= replaced.len() as u64);
    if chunks.len() < 500 {
        assert_eq!(last, replaced.len() as u64, "the last chunk ends with the body");
    }
}

/// What is stored is canonical, and a clean request is stored as it is.
fn redacted(policy: &IdentityPolicy, request: &[u8]) {
    let plain = Redactor::new(&[]).expect("no pattern is wrong");
    let stored = plain.request(request).expect("it is JSON");
    assert_eq!(canonicalize(&stored).ok().as_deref(), Some(&*stored), "it is canonical");
    assert_eq!(plain.request(&stored).expect("it is JSON"), stored, "placeholders stay");
    let Ok(redactor) = Redactor::new(policy.redact()) else { return };
    let stored = redactor.request(request).expect("it is JSON");
    assert_eq!(redactor.request(request).expect("it is JSON"), stored);
    assert_eq!(canonicalize(&stored).ok().as_deref(), Some(&*stored), "it is canonical");
    if redactor.is_clean(request) {
        assert_eq!(stored, request, "what is clean stays");
    }
}

/// What is hashed is canonical, and the same each time; a pure policy hashes what is stored.
fn addressed(policy: &IdentityPolicy, request: &[u8]) {
    let identity = Identity::new(policy).expect("it was checked");
    let address = identity.address(request).expect("it is JSON");
    assert_eq!(identity.address(request).expect("it is JSON"), address);
    assert_eq!(canonicalize(&address).ok().as_deref(), Some(&*address), "it is canonical");
    if identity.is_pure() {
        assert_eq!(address, request);
    }
}

/// Differences are where two requests differ, and only there.
fn compared(request: &[u8]) {
    let mut other = canonicalize(request).expect("it is JSON");
    if let Some(at) = other.iter().rposition(u8::is_ascii_alphanumeric) {
        other[at] = if other[at] == b'1' { b'2' } else { b'1' };
    }
    let (Ok(one), Ok(two)) = (Document::parse(request), Document::parse(&other)) else { return };
    let found = differences(one.root(), two.root(), 4);
    assert_eq!(found.list.is_empty(), one.text() == two.text());
    assert!(found.list.len() <= 4 && (found.more == 0 || found.list.len() == 4));
    for difference in found.list {
        let pointer = Pointer::parse(&difference.path).expect("a path is a pointer");
        if let Some(requested) = difference.requested {
            let node = two.root().pointer(pointer.as_str()).expect("it stands there");
            assert_eq!(requested, node.text());
        }
    }
}
