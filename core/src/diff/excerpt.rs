//! Texts in notes: cut short, and with what cannot be seen made visible.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

use super::bytes;

/// How much of two texts is compared by line, from where they begin to differ.
const COMPARED_BYTES: usize = 16 << 10;
const COMPARED_LINES: usize = 60;

/// How many lines a text diff has, and how many equal ones come before.
const SHOWN_LINES: usize = 20;
const CONTEXT_LINES: usize = 2;

/// How many characters of a line are shown, and how many of those before a difference.
const SHOWN_OF_LINE: usize = 100;
const SHOWN_BEFORE: usize = 30;

/// Appends a short text diff, each line of it after a line break.
pub(super) fn write(before: &[u8], after: &[u8], note: &mut String) {
    let at = bytes::split(before, after);
    let mut start = at;
    for _ in 0..=CONTEXT_LINES {
        let from = start.saturating_sub(COMPARED_BYTES);
        start = memchr::memrchr(b'\n', &before[from..start]).map_or(from, |at| from + at);
    }
    // A line break that was found belongs to the line before.
    start += usize::from(before[..at].get(start) == Some(&b'\n'));
    let (old, old_cut) = lines(&before[start..]);
    let (new, new_cut) = lines(&after[start..]);
    let (old, new): (Vec<_>, Vec<_>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&old, &new);
    let changes: Vec<_> = diff.iter_all_changes().collect();
    let last = changes.iter().rposition(|change| change.tag() != ChangeTag::Equal).unwrap_or(0);
    let shown = (last + 1).min(SHOWN_LINES);
    for change in &changes[..shown.min(changes.len())] {
        let sign = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        // A changed line is shown around where it differs from the one in its place.
        let counterpart = match change.tag() {
            ChangeTag::Equal => None,
            ChangeTag::Delete => change.old_index().and_then(|at| new.get(at)),
            ChangeTag::Insert => change.new_index().and_then(|at| old.get(at)),
        };
        let line = change.value();
        let from = counterpart.map_or(0, |other| {
            line.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b).count()
        });
        let _ = write!(note, "\n{sign} ");
        push_around(line.trim_end_matches('\n'), from, note);
    }
    if shown <= last || old_cut || new_cut {
        note.push_str("\n  …");
    }
}

/// Returns the first lines of a text, line breaks included, and whether there are more.
fn lines(text: &[u8]) -> (Vec<String>, bool) {
    let head = &text[..text.len().min(COMPARED_BYTES)];
    let mut lines: Vec<String> = Vec::new();
    let mut rest = head;
    while !rest.is_empty() && lines.len() < COMPARED_LINES {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let mut line = String::new();
        for chunk in rest[..end].utf8_chunks() {
            line.push_str(chunk.valid());
            for byte in chunk.invalid() {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
        lines.push(line);
        rest = &rest[end..];
    }
    (lines, !rest.is_empty() || head.len() < text.len())
}

/// Appends the part of a line around one of its characters.
fn push_around(line: &str, at: usize, out: &mut String) {
    let skipped = if at > SHOWN_OF_LINE - SHOWN_BEFORE { at - SHOWN_BEFORE } else { 0 };
    if skipped > 0 {
        out.push('…');
    }
    let mut rest = line.chars().skip(skipped);
    rest.by_ref().take(SHOWN_OF_LINE).for_each(|letter| push_visible(letter, out));
    if rest.next().is_some() {
        out.push('…');
    }
}

/// Appends the first characters of a text.
pub(super) fn push_short(text: &str, length: usize, out: &mut String) {
    let mut letters = text.chars();
    letters.by_ref().take(length).for_each(|letter| push_visible(letter, out));
    if letters.next().is_some() {
        out.push('…');
    }
}

/// Appends a character so that it can be seen.
fn push_visible(letter: char, out: &mut String) {
    match letter {
        '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(letter))),
        '\u{7f}' => out.push('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
        }
        _ => out.push(letter),
    }
}
