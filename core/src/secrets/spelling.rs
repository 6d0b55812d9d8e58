//! How else a text may write a secret.

use crate::http::unescape;
use crate::json::write_string;
use std::fmt::Write as _;

/// Shorter pieces of base64 occur by chance.
const SHORTEST_BASE64: usize = 12;

/// Returns the spellings of `secret` that differ from it: in a JSON string, in a JSON
/// string within one, in a URL, and in base64, wherever in the encoded text it begins.
pub(super) fn spellings(secret: &str) -> impl Iterator<Item = String> {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    let once = (!secret.bytes().all(plain)).then(|| in_json(secret));
    let twice = once.as_deref().map(in_json);
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let url = (!secret.bytes().all(bare)).then(|| in_url(secret, bare));
    once.into_iter().chain(twice).chain(url).chain(in_base64(secret))
}

/// Returns what a secret says that was found in such a spelling: in a URL, in a JSON
/// string, or in one within another.
pub(super) fn plain(spelt: &str) -> impl Iterator<Item = String> {
    let url = spelt.contains('%').then(|| unescape(spelt));
    let from_json = |text: &str| {
        let is_spelt = text.contains('\\');
        is_spelt.then(|| serde_json::from_str(&format!("\"{text}\"")).ok()).flatten()
    };
    let once: Option<String> = from_json(spelt);
    let twice = once.as_deref().and_then(from_json);
    url.into_iter().chain(once).chain(twice)
}

fn in_json(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    write_string(text, &mut out);
    let inside = out.get(1..out.len() - 1).unwrap_or_default();
    String::from_utf8_lossy(inside).into_owned()
}

fn in_url(text: &str, bare: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        match bare(byte) {
            true => out.push(char::from(byte)),
            // Writing to a string cannot fail.
            false => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Three bytes are four digits of base64, so what the digits are depends on how many
/// bytes stand before: those that are the same whatever stands around are looked for.
fn in_base64(text: &str) -> impl Iterator<Item = String> {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..3).flat_map(move |before| {
        let bytes = text.as_bytes().get(before..).unwrap_or_default();
        let mut out = String::with_capacity(bytes.len() / 3 * 4);
        for &[a, b, c] in bytes.as_chunks::<3>().0 {
            let bits = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
            for shift in [18, 12, 6, 0] {
                out.push(char::from(STANDARD[(bits >> shift & 63) as usize]));
            }
        }
        let out = (out.len() >= SHORTEST_BASE64).then_some(out);
        let safe = out.as_deref().filter(|text| text.contains(['+', '/']));
        let safe = safe.map(|text| text.replace('+', "-").replace('/', "_"));
        out.into_iter().chain(safe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_secret_has_no_spelling_but_base64() {
        // "xkey-0123456789" is eGtleS0wMTIzNDU2Nzg5.
        let spelt: Vec<_> = spellings("key-0123456789").collect();
        assert_eq!(spelt, ["a2V5LTAxMjM0NTY3", "ZXktMDEyMzQ1Njc4", "eS0wMTIzNDU2Nzg5"]);
        assert!("eGtleS0wMTIzNDU2Nzg5".contains(&spelt[2]));
    }

    #[test]
    fn a_spelt_secret_is_read() {
        assert_eq!(plain("a%2Fb").collect::<Vec<_>>(), ["a/b"]);
        assert_eq!(plain(r"a\\nb").collect::<Vec<_>>(), [r"a\nb", "a\nb"]);
        assert_eq!(plain("a-b").count(), 0);
    }

    #[test]
    fn what_must_be_escaped_is_spelt_in_every_way() {
        let spelt: Vec<_> = spellings("p\"w/+").collect();
        assert_eq!(spelt, ["p\\\"w/+", "p\\\\\\\"w/+", "p%22w%2F%2B"]);
    }
}
