//! The 32 bytes that address an entry.

use serde::{Serialize, Serializer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::str::FromStr;
use std::sync::Mutex;

use crate::json::Canonicalizer;
use crate::lock::try_lock;
use crate::{Error, ErrorKind, Result};

/// Buffers that a large request made longer than this are not kept.
const KEPT_BYTES: usize = 1 << 20;

/// The address of a request: BLAKE3-256 of its canonical form.
///
/// ```
/// use f3dx_cache_core::{Fingerprint, fingerprint};
///
/// let a = fingerprint(br#"{"model": "m", "n": 1}"#)?;
/// assert_eq!(a, fingerprint(br#"{"n": 1.0, "model": "m"}"#)?);
/// assert_eq!(a.to_string().parse::<Fingerprint>()?, a);
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hashes a request that is in canonical form already.
    pub fn of_canonical(canonical: &[u8]) -> Self {
        Self(*blake3::hash(canonical).as_bytes())
    }

    /// Makes a fingerprint of its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Returns the fingerprint of a JSON text.
///
/// It depends on nothing but the text: no policy, no file. Two texts of one
/// value have one fingerprint; see [`json`](crate::json).
///
/// # Errors
///
/// [`ErrorKind::InvalidJson`], with the kind and the byte.
pub fn fingerprint(json: &[u8]) -> Result<Fingerprint> {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    // A destructor of another thread-local value may run after this one is gone.
    SCRATCH
        .try_with(|scratch| scratch.borrow_mut().fingerprint(json))
        .unwrap_or_else(|_| Scratch::default().fingerprint(json))
}

#[derive(Default)]
struct Scratch {
    canonicalizer: Canonicalizer,
    canonical: Vec<u8>,
}

impl Scratch {
    fn fingerprint(&mut self, json: &[u8]) -> Result<Fingerprint> {
        let outcome = self.canonicalizer.canonicalize(json, &mut self.canonical);
        let fingerprint = outcome.map(|()| Fingerprint::of_canonical(&self.canonical));
        if json.len() > KEPT_BYTES {
            self.canonicalizer.shrink(KEPT_BYTES);
            self.canonical = Vec::new();
        }
        fingerprint
    }
}

/// 64 lower-case hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = digits[(byte >> 4) as usize];
            pair[1] = digits[(byte & 0xf) as usize];
        }
        f.pad(str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// As text: 64 lower-case hexadecimal digits.
impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads 64 hexadecimal digits of either case.
impl FromStr for Fingerprint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let message = format!("fingerprint {text:?}: 64 hexadecimal digits are needed");
            Error::new(ErrorKind::InvalidArgument, message)
        };
        if text.len() != 64 {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |letter: u8| (letter as char).to_digit(16).ok_or_else(wrong);
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

/// Remembers fingerprints by the BLAKE3 of the bytes they came from.
///
/// It holds a bounded number of them in two generations: what was not asked for
/// while one generation filled up is forgotten.
pub(crate) struct Memo {
    generations: Mutex<Generations>,
    limit: usize,
}

#[derive(Default)]
struct Generations {
    young: Map,
    old: Map,
}

type Map = HashMap<[u8; 32], Fingerprint, BuildHasherDefault<Prefix>>;

impl Memo {
    /// Makes a memo of at most `entries` fingerprints.
    pub(crate) fn new(entries: usize) -> Self {
        Self { generations: Mutex::default(), limit: entries.div_ceil(2).max(1) }
    }

    /// Returns what was inserted for the bytes with this BLAKE3.
    pub(crate) fn get(&self, raw: &[u8; 32]) -> Option<Fingerprint> {
        let mut generations = try_lock(&self.generations)?;
        if let Some(found) = generations.young.get(raw) {
            return Some(*found);
        }
        let found = generations.old.remove(raw)?;
        generations.insert(*raw, found, self.limit);
        Some(found)
    }

    /// Remembers the fingerprint of the bytes with this BLAKE3.
    pub(crate) fn insert(&self, raw: [u8; 32], fingerprint: Fingerprint) {
        if let Some(mut generations) = try_lock(&self.generations) {
            generations.insert(raw, fingerprint, self.limit);
        }
    }
}

impl Generations {
    fn insert(&mut self, raw: [u8; 32], fingerprint: Fingerprint, limit: usize) {
        if self.young.len() >= limit {
            // Swapping reuses the memory of the generation that is forgotten.
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(raw, fingerprint);
    }
}

/// Takes the first 8 bytes of a key that is a hash already.
#[derive(Default)]
struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_64_digits_of_either_case() {
        let fingerprint = fingerprint(b"{}").unwrap();
        let text = fingerprint.to_string();
        assert_eq!(text, blake3::hash(b"{}").to_hex().as_str());
        assert_eq!(text.parse::<Fingerprint>().unwrap(), fingerprint);
        assert_eq!(text.to_uppercase().parse::<Fingerprint>().unwrap(), fingerprint);
    }

    #[test]
    fn other_text_is_no_fingerprint() {
        for text in ["", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            let error = text.parse::<Fingerprint>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn a_large_text_is_fingerprinted_like_a_small_one() {
        let long = format!("[\"{}\"]", "x".repeat(2 * KEPT_BYTES));
        assert_eq!(
            fingerprint(long.as_bytes()).unwrap(),
            Fingerprint::of_canonical(long.as_bytes())
        );
        assert_eq!(fingerprint(b"[ ]").unwrap(), Fingerprint::of_canonical(b"[]"));
    }

    fn raw(number: u64) -> [u8; 32] {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    #[test]
    fn a_memo_is_bounded_and_keeps_what_is_asked_for() {
        let memo = Memo::new(100);
        let of = |number| Fingerprint::from_bytes(raw(number));
        for number in 0..1000 {
            memo.insert(raw(number), of(number));
            assert_eq!(memo.get(&raw(0)), Some(of(0)));
        }
        assert_eq!(memo.get(&raw(999)), Some(of(999)));
        assert_eq!(memo.get(&raw(1)), None);
        let kept = (0..1000).filter(|&number| memo.get(&raw(number)).is_some()).count();
        assert!(kept <= 100, "{kept}");
    }
}
