//! Texts in the page: escaped, and what cannot be seen made visible.

use std::fmt::Write;

/// Appends a text between tags.
///
/// What turns the direction of a text, or has no width, is named: it could make a text read as
/// something else, and a difference in it must be seen.
pub(super) fn push(text: &str, out: &mut String) {
    for letter in text.chars() {
        match is_unseen(letter) {
            true => _ = write!(out, "<span class=\"point\">U+{:04X}</span>", u32::from(letter)),
            false => push_seen(letter, out),
        }
    }
}

/// Returns a text between tags.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    push(text, &mut out);
    out
}

/// Returns a text for a quoted attribute, where no tag may stand.
pub(super) fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_unseen(letter) {
            true => _ = write!(out, "U+{:04X}", u32::from(letter)),
            false => push_seen(letter, &mut out),
        }
    }
    out
}

fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{80}'..='\u{9f}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}'
    )
}

/// Appends any other character; those that a reader of a page would drop or change become their pictures.
fn push_seen(letter: char, out: &mut String) {
    match letter {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        '\n' | '\t' => out.push(letter),
        '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(letter))),
        '\u{7f}' => out.push('\u{2421}'),
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
        assert_eq!(escaped("\0\u{1b}\r\n\tx\u{7f}"), "␀␛␍\n\tx␡");
        assert_eq!(escaped("a\u{202e}b"), "a<span class=\"point\">U+202E</span>b");
        assert_eq!(attribute("a\0\u{202e}b"), "a␀U+202Eb");
    }
}
