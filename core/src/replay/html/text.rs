//! Texts in the page: escaped, and what cannot be seen made visible.

use super::super::wording::is_unseen;
use std::borrow::Cow;
use std::fmt::Write;

/// What the control characters are called.
const CONTROLS: [&str; 32] = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR",
    "SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC",
    "FS", "GS", "RS", "US",
];

/// Appends a text between tags.
///
/// What a page would drop or change, what turns the direction of a text and what has no width is
/// named: it could make a text read as something else, and a difference in it must be seen.
pub(super) fn push(text: &str, out: &mut String) {
    for letter in text.chars() {
        match unseen(letter) {
            Some(name) => _ = write!(out, "<span class=\"point\">{name}</span>"),
            None => push_seen(letter, out),
        }
    }
}

/// Returns a text between tags.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    push(text, &mut out);
    out
}

/// Returns a text for a quoted attribute, or an element that holds no tags.
pub(super) fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match unseen(letter) {
            Some(name) => out.push_str(&name),
            None => push_seen(letter, &mut out),
        }
    }
    out
}

/// Returns the name of a character that cannot be seen.
fn unseen(letter: char) -> Option<Cow<'static, str>> {
    match letter {
        '\n' | '\t' => None,
        '\0'..='\u{1f}' => CONTROLS.get(letter as usize).map(|name| Cow::Borrowed(*name)),
        _ if is_unseen(letter) => Some(format!("U+{:04X}", u32::from(letter)).into()),
        _ => None,
    }
}

fn push_seen(letter: char, out: &mut String) {
    match letter {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        _ => out.push(letter),
    }
}

/// Returns the start of a text, and how many bytes were left out.
pub(super) fn cut(text: &str, longest: usize) -> (&str, usize) {
    let end = text.floor_char_boundary(longest);
    (&text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let text = "<a href=\"x\" id='y'>&amp;</a><!--";
        let expected = "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;&lt;!--";
        assert_eq!(escaped(text), expected);
        assert_eq!(attribute(text), expected);
    }

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        let point = |name| format!("<span class=\"point\">{name}</span>");
        assert_eq!(escaped("\r\n\tx"), format!("{}\n\tx", point("CR")));
        assert_eq!(escaped("\u{1b}\u{7f}"), point("ESC") + &point("U+007F"));
        assert_eq!(escaped("a\u{202e}b"), format!("a{}b", point("U+202E")));
        assert_eq!(escaped("\u{61c}\u{e0041}"), point("U+061C") + &point("U+E0041"));
        assert_eq!(attribute("a\0\u{202e}b"), "aNULU+202Eb");
    }
}
