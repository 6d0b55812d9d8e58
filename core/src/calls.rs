//! Remembers where HTTP calls stand that were seen before.

use crate::fingerprint::Fingerprint;
use crate::http::HttpCall;
use std::collections::HashMap;
use std::mem::{swap, take};
use std::sync::{Mutex, MutexGuard, TryLockError};
use twox_hash::XxHash3_128;

/// The addresses of calls, by all that a call is made of.
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

/// A call as one text, by which it is remembered.
pub(crate) struct SpelledCall {
    hash: u64,
    text: Vec<u8>,
}

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

/// How long the calls of a generation may be together.
const GENERATION: usize = 2 << 20;

impl SpelledCall {
    /// Spells a call, so that two that differ in any part are spelled differently; `None`
    /// if it is too long to be remembered.
    pub fn of(call: &HttpCall<'_>) -> Option<Self> {
        let parts = || {
            let headers = call.headers.iter().flat_map(|(name, value)| [*name, *value]);
            [call.method, call.url].into_iter().chain(headers).map(str::as_bytes)
        };
        let length = parts().chain([call.body]).map(|part| part.len() + 8).sum();
        if length > LONGEST {
            return None;
        }
        let mut text = Vec::with_capacity(length);
        for part in parts().chain([call.body]) {
            text.extend_from_slice(&(part.len() as u64).to_le_bytes());
            text.extend_from_slice(part);
        }
        Some(Self { hash: XxHash3_128::oneshot(&text) as u64, text })
    }
}

impl Calls {
    /// Returns the address of a call that is remembered.
    pub fn find(&self, call: &SpelledCall) -> Option<Fingerprint> {
        let mut generations = self.try_lock()?;
        if let Some(found) = generations.young.find(call) {
            return Some(found);
        }
        generations.old.find(call)?;
        let (text, found) = generations.old.calls.remove(&call.hash)?;
        generations.insert(call.hash, text, found);
        Some(found)
    }

    /// Remembers the address of a call, which must depend on nothing but the call.
    pub fn insert(&self, call: SpelledCall, address: Fingerprint) {
        if let Some(mut generations) = self.try_lock() {
            generations.insert(call.hash, call.text, address);
        }
    }

    /// Never waits, for the reason that `Memo` does not.
    fn try_lock(&self) -> Option<MutexGuard<'_, Generations>> {
        match self.generations.try_lock() {
            Ok(generations) => Some(generations),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
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
    fn find(&self, call: &SpelledCall) -> Option<Fingerprint> {
        let (text, address) = self.calls.get(&call.hash)?;
        (*text == call.text).then_some(*address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> SpelledCall {
        SpelledCall::of(&HttpCall { method, url, headers, body }).unwrap()
    }

    fn numbered(number: u32) -> SpelledCall {
        spelled("POST", "u", &[], &[number.to_le_bytes().as_slice(), &[7; 1000]].concat())
    }

    fn address(number: u32) -> Fingerprint {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Fingerprint::from_bytes(bytes)
    }

    #[test]
    fn calls_that_differ_in_any_part_are_remembered_apart() {
        let calls = [
            spelled("POST", "u", &[], b"body"),
            spelled("PUT", "u", &[], b"body"),
            spelled("POST", "v", &[], b"body"),
            spelled("POST", "u", &[], b"bod"),
            spelled("POST", "u", &[("a", "bc")], b"body"),
            spelled("POST", "u", &[("ab", "c")], b"body"),
            spelled("POST", "u", &[("a", "b"), ("c", "")], b"body"),
            spelled("POST", "u", &[("c", ""), ("a", "b")], b"body"),
        ];
        for (number, call) in calls.iter().enumerate() {
            assert!(calls[..number].iter().all(|other| other.text != call.text), "{number}");
        }
    }

    #[test]
    fn a_call_of_the_same_hash_is_another_one() {
        let calls = Calls::default();
        calls.insert(numbered(1), address(1));
        let other = SpelledCall { hash: numbered(1).hash, text: numbered(2).text };
        assert_eq!(calls.find(&other), None);
        calls.insert(SpelledCall { hash: other.hash, text: other.text.clone() }, address(2));
        assert_eq!(calls.find(&other), Some(address(2)));
        assert_eq!(calls.find(&numbered(1)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_keeps_what_is_asked_for() {
        let calls = Calls::default();
        for number in 0..20_000 {
            calls.insert(numbered(number), address(number));
            assert_eq!(calls.find(&numbered(0)), Some(address(0)));
        }
        assert_eq!(calls.find(&numbered(19_999)), Some(address(19_999)));
        assert_eq!(calls.find(&numbered(1)), None);
        let generations = calls.try_lock().unwrap();
        for generation in [&generations.young, &generations.old] {
            let bytes = generation.calls.values().map(|(text, _)| text.len()).sum::<usize>();
            assert!(bytes <= GENERATION, "{bytes}");
            assert!(generation.bytes >= bytes);
        }
    }

    #[test]
    fn a_long_call_is_not_remembered() {
        let body = vec![b'x'; LONGEST];
        let call = HttpCall { method: "POST", url: "u", headers: &[], body: &body };
        assert!(SpelledCall::of(&call).is_none());
    }
}
