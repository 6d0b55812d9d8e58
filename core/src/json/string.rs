//! Strings: where they end, what they say, and their order as names.

use std::cmp::Ordering;

use crate::{Error, JsonErrorKind, Result};

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;
const BLOCK: usize = 32;

/// Orders member names as RFC 8785 does: by UTF-16 code units.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    compare_utf16(a.as_bytes(), b.as_bytes())
}

/// Appends a string as canonical JSON, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Finds the end of the string that starts at `start` and goes on at `at`, and
/// checks it; also says whether its spelling is the canonical one.
pub(super) fn scan(text: &[u8], start: usize, mut at: usize) -> Result<(usize, bool)> {
    let mut canonical = true;
    loop {
        at = find_special(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((at + 1, canonical)),
            Some(b'\\') => match text.get(at + 1) {
                Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                _ => {
                    let (_, end) = read_escape(text, at)?;
                    canonical &= is_canonical_escape(&text[at..end]);
                    at = end;
                }
            },
            Some(&byte) => {
                let detail = format_args!("control character 0x{byte:02x} in a string");
                return Err(Error::json(JsonErrorKind::Syntax, at, detail));
            }
            None => {
                let detail = format_args!("the string that starts at byte {start} does not end");
                return Err(Error::json(JsonErrorKind::Syntax, at, detail));
            }
        }
    }
}

/// Appends what the inside of a checked string says.
pub(super) fn unescape(inside: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut at = 0;
    while let Some(run) = memchr::memchr(b'\\', &inside[at..]) {
        out.extend_from_slice(&inside[at..at + run]);
        let (letter, end) = read_escape(inside, at + run)?;
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        at = end;
    }
    out.extend_from_slice(&inside[at..]);
    Ok(())
}

/// Appends the canonical spelling of a checked string, quotes included.
pub(super) fn respell(quoted: &[u8], out: &mut Vec<u8>) -> Result<()> {
    // The quotes and what is no escape are canonical already.
    let mut at = 0;
    while let Some(run) = memchr::memchr(b'\\', &quoted[at..]) {
        out.extend_from_slice(&quoted[at..at + run]);
        let (letter, end) = read_escape(quoted, at + run)?;
        write_escaped(letter.encode_utf8(&mut [0; 4]).as_bytes(), out);
        at = end;
    }
    out.extend_from_slice(&quoted[at..]);
    Ok(())
}

/// Returns the first 8 of the `length` bytes that `text` starts with as a number;
/// such numbers are ordered as [`compare_utf16`] orders texts, or equal.
#[inline(always)]
pub(super) fn prefix(text: &[u8], length: usize) -> u64 {
    let bytes = match text.first_chunk() {
        Some(bytes) => *bytes,
        None => std::array::from_fn(|at| text.get(at).copied().unwrap_or_default()),
    };
    let mut number = u64::from_be_bytes(bytes);
    if length < 8 {
        number &= !(u64::MAX >> (8 * length));
    }
    if number & HIGHS != 0 {
        number = u64::from_be_bytes(number.to_be_bytes().map(utf16_weight));
    }
    number
}

/// Orders UTF-8 by the UTF-16 code units of the same text.
pub(super) fn compare_utf16(a: &[u8], b: &[u8]) -> Ordering {
    let (mut words_a, mut words_b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in words_a.by_ref().zip(words_b.by_ref()) {
        let (x, y) = (word(x), word(y));
        if x != y {
            let shift = (x ^ y).trailing_zeros() & !7;
            return utf16_weight((x >> shift) as u8).cmp(&utf16_weight((y >> shift) as u8));
        }
    }
    let done = a.len().min(b.len()) & !7;
    for (x, y) in a[done..].iter().zip(&b[done..]) {
        if x != y {
            return utf16_weight(*x).cmp(&utf16_weight(*y));
        }
    }
    a.len().cmp(&b.len())
}

/// Orders first bytes of UTF-8 sequences as their UTF-16 would be.
///
/// The two orders disagree in one place: what needs four bytes (0xf0 and up)
/// starts with a surrogate, and those come before U+E000 (0xee and 0xef). Bytes
/// within a sequence are below both, and only differ after equal first bytes.
fn utf16_weight(byte: u8) -> u8 {
    match byte {
        0xee | 0xef => byte | 0x10,
        _ => byte,
    }
}

/// Returns the first place from `at` on of a quote, a backslash or a control
/// character, or the end.
#[inline]
pub(super) fn find_special(text: &[u8], at: usize) -> usize {
    // Most strings are short, and their lengths vary: a branch less for each
    // word is worth more than a word.
    if let Some(bytes) = text.get(at..at + 16) {
        let (low, high) = (specials(word(&bytes[..8])), specials(word(&bytes[8..])));
        if low | high != 0 {
            let (found, offset) = if low != 0 { (low, at) } else { (high, at + 8) };
            return offset + (found.trailing_zeros() / 8) as usize;
        }
        return find_far_special(text, at + 16);
    }
    find_far_special(text, at)
}

fn find_far_special(text: &[u8], mut at: usize) -> usize {
    // The compiler turns this into vector instructions.
    while let Some(block) = text.get(at..at + BLOCK)
        && !block.iter().fold(false, |any, &byte| any | is_special(byte))
    {
        at += BLOCK;
    }
    while let Some(bytes) = text.get(at..at + 8) {
        let found = specials(word(bytes));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&byte| !is_special(byte)) {
        at += 1;
    }
    at
}

/// Flipping one bit puts the quote right behind the control characters, so that
/// one comparison finds both.
fn is_special(byte: u8) -> bool {
    byte ^ 2 < 0x21 || byte == b'\\'
}

/// Marks the special bytes of a word, all at once; only the lowest mark is
/// reliable, since a borrow may run on behind it.
fn specials(word: u64) -> u64 {
    let low = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (low | backslash) & !word & HIGHS
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

/// Reads the escape at `at`; returns its letter and where it ends.
fn read_escape(text: &[u8], at: usize) -> Result<(char, usize)> {
    let letter = match text.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return read_unicode(text, at),
        _ => {
            return Err(Error::json(JsonErrorKind::Syntax, at, "unknown escape in a string"));
        }
    };
    Ok((letter, at + 2))
}

fn read_unicode(text: &[u8], at: usize) -> Result<(char, usize)> {
    let lone =
        || Error::json(JsonErrorKind::LoneSurrogate, at, "an escape for half a surrogate pair");
    let first = read_hex(text, at)?;
    if let Some(letter) = char::from_u32(first) {
        return Ok((letter, at + 6));
    }
    if first >= 0xdc00 || text.get(at + 6..at + 8) != Some(b"\\u") {
        return Err(lone());
    }
    let second = read_hex(text, at + 6)?;
    if !(0xdc00..0xe000).contains(&second) {
        return Err(lone());
    }
    let letter = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Ok((char::from_u32(letter).ok_or_else(lone)?, at + 12))
}

/// Reads the four digits after `\u`.
fn read_hex(text: &[u8], at: usize) -> Result<u32> {
    let wrong = || Error::json(JsonErrorKind::Syntax, at, "\\u needs four hexadecimal digits");
    let digits = text.get(at + 2..at + 6).ok_or_else(wrong)?;
    digits.iter().try_fold(0, |sum, &byte| {
        let digit = (byte as char).to_digit(16).ok_or_else(wrong)?;
        Ok(sum << 4 | digit)
    })
}

/// Whether an escape is what [`write_escaped`] would write for its letter.
fn is_canonical_escape(escape: &[u8]) -> bool {
    match escape {
        [b'\\', b'u', b'0', b'0', high @ b'0'..=b'1', low] => {
            let code = (high - b'0') << 4 | (*low as char).to_digit(16).unwrap_or(0) as u8;
            !low.is_ascii_uppercase() && !matches!(code, 0x8 | 0x9 | 0xa | 0xc | 0xd)
        }
        _ => false,
    }
}

/// Appends text with the few escapes that RFC 8785 asks for.
fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    loop {
        let special = find_special(text, at);
        out.extend_from_slice(&text[at..special]);
        let Some(&byte) = text.get(special) else {
            return;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x8 => out.extend_from_slice(b"\\b"),
            0x9 => out.extend_from_slice(b"\\t"),
            0xa => out.extend_from_slice(b"\\n"),
            0xc => out.extend_from_slice(b"\\f"),
            0xd => out.extend_from_slice(b"\\r"),
            _ => {
                let digits = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(digits[(byte >> 4) as usize]);
                out.push(digits[(byte & 0xf) as usize]);
            }
        }
        at = special + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_utf16() {
        let letters = "\u{0}\n aA09zé߿\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}";
        let mut names = vec![String::new()];
        for a in letters.chars() {
            for b in letters.chars() {
                names.push(format!("{a}{b}"));
                names.push(format!("seven c{a}{b} and more"));
            }
        }
        for a in &names {
            for b in &names {
                let expected = a.encode_utf16().cmp(b.encode_utf16());
                assert_eq!(compare_keys(a, b), expected, "{a:?} {b:?}");
                let prefixes = [a, b].map(|name| prefix(name.as_bytes(), name.len()));
                let order = prefixes[0].cmp(&prefixes[1]);
                assert!(order.is_eq() || order == expected, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_special_byte_is_found_wherever_it_stands() {
        for length in 0..100 {
            let plain = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(find_special(plain.as_bytes(), 0), plain.len());
            for special in ['"', '\\', '\u{1f}', '\u{0}'] {
                let text = format!("{plain}{special}\u{80}!\"\\ and what follows, {plain}\n");
                assert_eq!(find_special(text.as_bytes(), 0), plain.len(), "{text:?}");
            }
        }
    }

    #[test]
    fn a_string_is_written_with_the_fewest_escapes() {
        let mut out = Vec::new();
        write_string("a/\"\\\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}\u{2028}é", &mut out);
        let expected = "\"a/\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}\u{2028}é\"";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
