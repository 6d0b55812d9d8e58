//! The canonical form: RFC 8785, with exact integers.

use std::cell::RefCell;
use std::ops::Range;

use serde_json::Value;

use super::reader;
use super::tape::{Moved, Part, Tape};
use crate::Result;

/// What a thread keeps of its memory from one text to the next, in each buffer.
const KEPT_BYTES: usize = 1 << 20;

/// How many bytes are copied at once.
const STEP: usize = 32;

/// Turns JSON texts into their canonical form, and keeps its memory between them.
///
/// ```
/// use f3dx_cache_core::json::Canonicalizer;
///
/// let mut canonicalizer = Canonicalizer::new();
/// let mut out = Vec::new();
/// canonicalizer.canonicalize(br#"{"b": 1.0, "a": "caf\u00e9"}"#, &mut out).unwrap();
/// assert_eq!(out, r#"{"a":"café","b":1}"#.as_bytes());
/// ```
#[derive(Default)]
pub struct Canonicalizer {
    tape: Tape,
}

impl Canonicalizer {
    /// Makes one that holds no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the canonical form of a JSON text to `out`, which is emptied first.
    ///
    /// Members are sorted by the UTF-16 code units of their names, numbers
    /// spelled as ES6 does, strings with the fewest escapes, without white
    /// space. An integer that no double holds keeps its exact digits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`](crate::ErrorKind::InvalidJson), with the
    /// [`JsonErrorKind`](crate::JsonErrorKind) and the byte, or
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a text
    /// of more than 512 MiB; then `out` is empty.
    pub fn canonicalize(&mut self, json: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if let Err(error) = reader::read(json, &mut self.tape) {
            out.clear();
            return Err(error);
        }
        // Every piece but the respelled stands in the input, so this is enough.
        out.resize(json.len() + self.tape.respelled.len() + STEP, 0);
        let writer = Writer { tape: &self.tape, input: json };
        let length = writer.write(out, 0, 0..self.tape.pieces.len());
        out.truncate(length);
        Ok(())
    }

    /// Gives back memory beyond `bytes` in each buffer.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        self.tape.shrink(bytes);
    }
}

/// Returns the canonical form of a JSON text; see [`Canonicalizer::canonicalize`].
///
/// # Errors
///
/// [`ErrorKind::InvalidJson`](crate::ErrorKind::InvalidJson), with the
/// [`JsonErrorKind`](crate::JsonErrorKind) and the byte.
pub fn canonicalize(json: &[u8]) -> Result<Vec<u8>> {
    thread_local! {
        static CANONICALIZER: RefCell<Canonicalizer> = RefCell::default();
    }
    let mut out = Vec::new();
    let mut write = |canonicalizer: &mut Canonicalizer| {
        let outcome = canonicalizer.canonicalize(json, &mut out);
        canonicalizer.shrink(KEPT_BYTES);
        outcome
    };
    // A destructor of another thread-local value may run after this one is gone.
    CANONICALIZER
        .try_with(|canonicalizer| write(&mut canonicalizer.borrow_mut()))
        .unwrap_or_else(|_| write(&mut Canonicalizer::new()))?;
    Ok(out)
}

/// Returns the canonical form of a value that is already parsed.
///
/// It goes by way of text, since a canonicalizer of doubles would lose the
/// digits of large integers.
///
/// # Errors
///
/// [`ErrorKind::InvalidJson`](crate::ErrorKind::InvalidJson) if it is nested
/// too deeply.
pub fn to_canonical(value: &Value) -> Result<Vec<u8>> {
    canonicalize(value.to_string().as_bytes())
}

/// Copies pieces in canonical order into a buffer that is long enough. Its
/// methods write at `at` and return where they ended.
struct Writer<'a> {
    tape: &'a Tape,
    input: &'a [u8],
}

impl Writer<'_> {
    fn write(&self, out: &mut [u8], mut at: usize, range: Range<usize>) -> usize {
        let mut index = range.start;
        while index < range.end {
            match self.tape.pieces[index].part() {
                Part::Input(start, end) => at = copy(out, at, self.input, start, end),
                Part::Respelled(start, end) => {
                    at = copy(out, at, &self.tape.respelled, start, end);
                }
                Part::Moved(moved) => {
                    let object = &self.tape.moved[moved];
                    at = self.object(out, at, object);
                    index = object.next;
                    continue;
                }
            }
            index += 1;
        }
        at
    }

    fn object(&self, out: &mut [u8], mut at: usize, object: &Moved) -> usize {
        out[at] = b'{';
        at += 1;
        for member in &self.tape.sorted[object.sorted.clone()] {
            let (first, next) = (member.first as usize, member.next as usize);
            at = self.write(out, at, first..next);
            // The last one in the input has no comma yet.
            out[at] = b',';
            at += usize::from(next == object.next);
        }
        // Every member has left a comma; the last one gives way.
        out[at - 1] = b'}';
        at
    }
}

#[inline(always)]
fn copy(out: &mut [u8], at: usize, from: &[u8], start: usize, end: usize) -> usize {
    let length = end - start;
    // Most pieces are short, and copying a fixed number of bytes is faster than a
    // call. What is copied too much is overwritten.
    if length <= STEP
        && let Some(bytes) = from.get(start..start + STEP)
        && let Some(room) = out.get_mut(at..at + STEP)
    {
        room.copy_from_slice(bytes);
    } else {
        out[at..at + length].copy_from_slice(&from[start..end]);
    }
    at + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JsonErrorKind;

    fn canonical(json: &str) -> String {
        String::from_utf8(canonicalize(json.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn members_move_with_their_values() {
        let json =
            r#" { "c" : [ 1 , { "z" : 0 , "y" : { } } ] , "a" : "x" , "b" : { "b":1,"a":2 } } "#;
        assert_eq!(canonical(json), r#"{"a":"x","b":{"a":2,"b":1},"c":[1,{"y":{},"z":0}]}"#);
    }

    #[test]
    fn a_sorted_object_within_an_unsorted_one_stays() {
        let json = r#"[{"b":{"a":1,"b":2},"a":[{"x":1}]},{"a":1}]"#;
        assert_eq!(canonical(json), r#"[{"a":[{"x":1}],"b":{"a":1,"b":2}},{"a":1}]"#);
    }

    #[test]
    fn what_is_canonical_stays() {
        let json = r#"{"a":[{"x":"\n\u0001","y":0.5}],"b":{"c":null}}"#;
        assert_eq!(canonical(json), json);
    }

    #[test]
    fn a_canonicalizer_forgets_the_text_before() {
        let mut canonicalizer = Canonicalizer::new();
        let mut out = Vec::new();
        canonicalizer.canonicalize(br#"{"b":1,"\u0061":1.0}"#, &mut out).unwrap();
        canonicalizer.canonicalize(br#"{"b":1,"b":2}"#, &mut out).unwrap_err();
        assert!(out.is_empty());
        canonicalizer.canonicalize(b"[1]", &mut out).unwrap();
        assert_eq!(out, b"[1]");
    }

    #[test]
    fn a_duplicate_key_is_named_with_its_place() {
        let error = canonicalize(br#"{"a":1,"model":1,"b":0,"mod\u0065l":2,"b":3}"#).unwrap_err();
        assert_eq!(error.json_kind(), Some((JsonErrorKind::DuplicateKey, 23)));
        assert_eq!(error.to_string(), r#"invalid JSON at byte 23: duplicate key "model""#);
    }

    #[test]
    fn a_parsed_value_has_the_form_of_its_text() {
        let value = serde_json::json!({"b": 9007199254740993_u64, "a": [1.0, 1e21, null, "é\n"]});
        let expected = "{\"a\":[1,1e+21,null,\"é\\n\"],\"b\":9007199254740993}";
        assert_eq!(to_canonical(&value).unwrap(), expected.as_bytes());
    }

    #[test]
    fn a_wide_object_takes_no_quadratic_time() {
        let members: Vec<_> = (0..200_000).rev().map(|n| format!("\"{n}\":{n}")).collect();
        let json = format!("{{{}}}", members.join(", "));
        assert_eq!(canonical(&json).len(), json.len() - 199_999);
    }
}
