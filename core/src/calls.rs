//! Remembers where HTTP calls stand that were seen before.

use crate::fingerprint::Fingerprint;
use crate::http::HttpCall;
use crate::lock::try_lock;
use std::collections::HashMap;
use std::mem::{swap, take};
use std::sync::Mutex;
use twox_hash::XxHash3_128;

/// The addresses of calls, by how their callers spell them.
///
/// A call is found again if it is the same to the byte, its headers included, since what
/// they hold is replaced where it stands in the body. A hash only says where to look, so
/// it may be a fast one.
///
/// Bounded in two generations, as [`Memo`](crate::fingerprint::Memo) is.
#[derive(Default)]
pub(crate) struct Calls {
    generations: Mutex<Generations>,
}

/// All that a call is made of, in parts; the second is its URL and the last one its body.
pub(crate) type Spelling<'s> = &'s [&'s [u8]];

#[derive(Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    calls: HashMap<u64, (Vec<u8>, Fingerprint)>,
    bytes: usize,
}

/// Longer calls are not remembered: most of them are none of a provider's.
const LONGEST: usize = 64 << 10;

/// How many bytes the length of a part takes.
const LENGTH: usize = size_of::<u64>();

/// How long the calls of a generation may be together.
const GENERATION: usize = 2 << 20;

impl Calls {
    /// Returns the address of a call that is remembered.
    pub fn find(&self, call: Spelling<'_>) -> Option<Fingerprint> {
        self.find_at(hash_of(call)?, call)
    }

    /// Remembers the address of a call, which must depend on nothing but the call.
    pub fn insert(&self, call: Spelling<'_>, address: Fingerprint) {
        if let Some(hash) = hash_of(call) {
            self.insert_at(hash, call, address);
        }
    }

    fn find_at(&self, hash: u64, call: Spelling<'_>) -> Option<Fingerprint> {
        let mut generations = try_lock(&self.generations)?;
        if let Some(found) = generations.young.find(hash, call) {
            return Some(found);
        }
        generations.old.find(hash, call)?;
        let (text, found) = generations.old.calls.remove(&hash)?;
        generations.insert(hash, text, found);
        Some(found)
    }

    fn insert_at(&self, hash: u64, call: Spelling<'_>, address: Fingerprint) {
        if let Some(mut generations) = try_lock(&self.generations) {
            generations.insert(hash, text_of(call), address);
        }
    }
}

impl Generations {
    fn insert(&mut self, hash: u64, text: Vec<u8>, address: Fingerprint) {
        if self.young.bytes + text.len() > GENERATION {
            swap(&mut self.young, &mut self.old);
            take(&mut self.young);
        }
        self.young.bytes += text.len();
        if let Some((replaced, _)) = self.young.calls.insert(hash, (text, address)) {
            self.young.bytes -= replaced.len();
        }
    }
}

impl Generation {
    fn find(&self, hash: u64, call: Spelling<'_>) -> Option<Fingerprint> {
        let (text, address) = self.calls.get(&hash)?;
        is_text_of(text, call).then_some(*address)
    }
}

/// Spells a call that was read.
pub(crate) fn spelling_of<'c>(call: &HttpCall<'c>) -> Vec<&'c [u8]> {
    let headers = call.headers.iter().flat_map(|(name, value)| [*name, *value]);
    let before = [call.method, call.url].into_iter().chain(headers).map(str::as_bytes);
    before.chain([call.body]).collect()
}

/// Returns where to look for a call; `None` if it is too long to be remembered.
fn hash_of(call: Spelling<'_>) -> Option<u64> {
    let [_, url, .., body] = call else { return None };
    // Calls of one body to one URL take one place: there is hardly ever a second one.
    let [url, body] = [url, body].map(|part| XxHash3_128::oneshot(part) as u64);
    (length_of(call) <= LONGEST).then_some(url.rotate_left(32) ^ body)
}

fn length_of(call: Spelling<'_>) -> usize {
    call.iter().map(|part| part.len() + LENGTH).sum()
}

/// Returns a call as one text, so that two that differ in any part are two texts.
fn text_of(call: Spelling<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(length_of(call));
    for part in call {
        text.extend_from_slice(&(part.len() as u64).to_le_bytes());
        text.extend_from_slice(part);
    }
    text
}

/// Whether `text` is that of `call`.
fn is_text_of(text: &[u8], call: Spelling<'_>) -> bool {
    let mut rest = Some(text);
    for part in call {
        let length = (part.len() as u64).to_le_bytes();
        rest = rest.and_then(|rest| rest.strip_prefix(&length)?.strip_prefix(*part));
    }
    rest.is_some_and(<[u8]>::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: u32) -> Vec<u8> {
        [number.to_le_bytes().as_slice(), &[7; 1000]].concat()
    }

    fn of_body(body: &[u8]) -> [&[u8]; 3] {
        [b"POST", b"u", body]
    }

    fn address(number: u32) -> Fingerprint {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Fingerprint::from_bytes(bytes)
    }

    #[test]
    fn calls_that_differ_in_any_part_are_remembered_apart() {
        let call = |method, url, headers, body: &'static str| {
            spelling_of(&HttpCall { method, url, headers, body: body.as_bytes() })
        };
        let calls = [
            call("POST", "u", &[], "body"),
            call("PUT", "u", &[], "body"),
            call("POST", "v", &[], "body"),
            call("POST", "u", &[], "bod"),
            call("POST", "ub", &[], "ody"),
            call("POST", "u", &[("a", "bc")], "body"),
            call("POST", "u", &[("ab", "c")], "body"),
            call("POST", "u", &[("a", "b"), ("c", "")], "body"),
            call("POST", "u", &[("c", ""), ("a", "b")], "body"),
            call("POST", "u", &[("a", "b"), ("c", "body")], ""),
            vec![b"POST", b"u", b"a\nb", b"body"],
        ];
        for (at, call) in calls.iter().enumerate() {
            for (other_at, other) in calls.iter().enumerate() {
                assert_eq!(is_text_of(&text_of(call), other), at == other_at, "{at} {other_at}");
                // Whatever the hash says.
                let remembered = Calls::default();
                remembered.insert_at(7, call, address(1));
                assert_eq!(remembered.find_at(7, other).is_some(), at == other_at);
            }
        }
    }

    #[test]
    fn a_call_takes_the_place_of_another_one_of_its_hash() {
        let calls = Calls::default();
        let (one, two) = (numbered(1), numbered(2));
        calls.insert_at(7, &of_body(&one), address(1));
        calls.insert_at(7, &of_body(&two), address(2));
        assert_eq!(calls.find_at(7, &of_body(&two)), Some(address(2)));
        assert_eq!(calls.find_at(7, &of_body(&one)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_keeps_what_is_asked_for() {
        let calls = Calls::default();
        for number in 0..20_000 {
            calls.insert(&of_body(&numbered(number)), address(number));
            assert_eq!(calls.find(&of_body(&numbered(0))), Some(address(0)));
        }
        assert_eq!(calls.find(&of_body(&numbered(19_999))), Some(address(19_999)));
        assert_eq!(calls.find(&of_body(&numbered(1))), None);
        let generations = try_lock(&calls.generations).unwrap();
        for generation in [&generations.young, &generations.old] {
            let bytes = generation.calls.values().map(|(text, _)| text.len()).sum::<usize>();
            assert!(bytes <= GENERATION, "{bytes}");
            assert!(generation.bytes >= bytes);
        }
    }

    #[test]
    fn a_long_call_is_not_remembered() {
        let calls = Calls::default();
        for (length, is_remembered) in [(LONGEST / 2, true), (LONGEST, false)] {
            let body = vec![b'x'; length];
            calls.insert(&of_body(&body), address(1));
            assert_eq!(calls.find(&of_body(&body)).is_some(), is_remembered, "{length}");
        }
    }
}
