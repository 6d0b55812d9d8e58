//! Texts in notes: cut short, and with what cannot be seen made visible.

use std::fmt::Write;

use similar::{DiffTag, TextDiff, group_diff_ops};

use super::bytes;

/// How much of two texts is compared by line: before and from where they begin to
/// differ.
const BYTES_BEFORE: usize = 4 << 10;
const COMPARED_BYTES: usize = 16 << 10;
const COMPARED_LINES: usize = 60;

/// How many lines a text diff has, and how many equal ones are around the others.
const SHOWN_LINES: usize = 20;
const CONTEXT_LINES: usize = 2;

/// How many characters of a line are shown, and how many of those before a difference.
const SHOWN_OF_LINE: usize = 100;
const SHOWN_BEFORE: usize = 30;

/// Appends a short text diff, each line of it after a line break.
pub(super) fn write(before: &[u8], after: &[u8], note: &mut String) {
    let start = start(before, bytes::split(before, after));
    let (old, new) = (Lines::of(&before[start..]), Lines::of(&after[start..]));
    let cut = old.cut || new.cut;
    let (left, right) = (old.texts(), new.texts());
    let diff = TextDiff::from_slices(&left, &right);
    let mut operations = diff.ops().to_vec();
    if cut && operations.len() > 1 {
        // What is left over on one side may stand on the other behind the cut.
        operations.pop_if(|last| matches!(last.tag(), DiffTag::Delete | DiffTag::Insert));
    }
    let breaks = before.ends_with(b"\n") != after.ends_with(b"\n");
    let mut shown = Vec::new();
    for (nth, group) in group_diff_ops(operations, CONTEXT_LINES).iter().enumerate() {
        if nth > 0 {
            shown.push("  …".to_owned());
        }
        for operation in group {
            let (old_range, new_range) = (operation.old_range(), operation.new_range());
            if operation.tag() == DiffTag::Equal {
                shown.extend(left[old_range].iter().map(|line| line_around(' ', line, 0, false)));
                continue;
            }
            // A line is shown around where it differs from the one in its place.
            let (removed, added) = (&left[old_range], &right[new_range]);
            for (sign, lines, others) in [('-', removed, added), ('+', added, removed)] {
                for (line, other) in lines.iter().zip((0..).map(|nth| others.get(nth))) {
                    let letters = line.chars().zip(other.map_or("", |other| other).chars());
                    let at = letters.take_while(|(a, b)| a == b).count();
                    shown.push(line_around(sign, line, at, breaks && !cut));
                }
            }
        }
    }
    let more = cut || shown.len() > SHOWN_LINES;
    for line in shown.iter().take(SHOWN_LINES) {
        note.push('\n');
        note.push_str(line);
    }
    if more {
        note.push_str("\n  …");
    }
}

/// Returns where the lines begin that are compared, given where the texts differ.
fn start(text: &[u8], at: usize) -> usize {
    let least = at.saturating_sub(BYTES_BEFORE);
    let mut breaks = memchr::memrchr_iter(b'\n', &text[least..at]);
    if let Some(line) = breaks.nth(CONTEXT_LINES) {
        return least + line + 1;
    }
    // No character is split.
    (least..at).find(|&at| text[at] & 0xc0 != 0x80).unwrap_or(at)
}

/// The first lines of a text.
struct Lines {
    list: Vec<String>,
    /// Whether there are more.
    cut: bool,
}

impl Lines {
    fn of(text: &[u8]) -> Self {
        let length = match text.len() {
            0..=COMPARED_BYTES => text.len(),
            _ => (0..=COMPARED_BYTES).rev().find(|&at| text[at] & 0xc0 != 0x80).unwrap_or(0),
        };
        let (mut list, mut at) = (Vec::new(), 0);
        while at < length && list.len() < COMPARED_LINES {
            let rest = &text[at..length];
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let mut line = String::new();
            for chunk in rest[..end].utf8_chunks() {
                line.push_str(chunk.valid());
                for byte in chunk.invalid() {
                    let _ = write!(line, "\\x{byte:02x}");
                }
            }
            list.push(line);
            at += end;
        }
        let cut = at < text.len();
        // A line that is cut differs from any other.
        if cut && list.len() > 1 {
            list.pop_if(|line| !line.ends_with('\n'));
        }
        Self { list, cut }
    }

    fn texts(&self) -> Vec<&str> {
        self.list.iter().map(String::as_str).collect()
    }
}

/// Returns a line of a diff: the part of a line around one of its characters.
fn line_around(sign: char, line: &str, at: usize, breaks: bool) -> String {
    let mut out = format!("{sign} ");
    push_around(line.strip_suffix('\n').unwrap_or(line), at, &mut out);
    if breaks && !line.ends_with('\n') {
        out.push_str(" (no line break at the end)");
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(before: impl AsRef<[u8]>, after: impl AsRef<[u8]>) -> String {
        let mut note = String::new();
        write(before.as_ref(), after.as_ref(), &mut note);
        note
    }

    #[test]
    fn lines_around_a_difference_are_shown() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n";
        let after = "1\n2\n3\nfour\n5\n6\n7\n8\n9\n10\neleven\n12\n13\n";
        let expected =
            "\n  2\n  3\n- 4\n+ four\n  5\n  6\n  …\n  9\n  10\n- 11\n+ eleven\n  12\n  13";
        assert_eq!(excerpt(before, after), expected);
    }

    #[test]
    fn an_inserted_line_is_no_change_of_all_behind_it() {
        let lines: String = (0..5000).map(|line| format!("line {line}\n")).collect();
        assert_eq!(excerpt(&lines, format!("new\n{lines}")), "\n+ new\n  line 0\n  line 1\n  …");
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let long = "é".repeat(100_000);
        let shown = excerpt(format!("{long}a{long}"), format!("{long}b{long}"));
        let (head, tail) = ("é".repeat(30), "é".repeat(69));
        assert_eq!(shown, format!("\n- …{head}a{tail}…\n+ …{head}b{tail}…\n  …"));
    }

    #[test]
    fn a_diff_is_short_whatever_the_texts() {
        let texts =
            |letter: &str| (0..100_000).map(|n| format!("{letter}{n}\n")).collect::<String>();
        assert_eq!(excerpt(texts("a"), texts("b")).lines().count(), 1 + SHOWN_LINES + 1);
    }

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        assert_eq!(excerpt("a\tb\u{7f}", "a b\u{200b}\u{85}"), "\n- a␉b␡\n+ a b\\u{200b}\\u{85}");
        assert_eq!(excerpt(b"\xff\n", b"\xf0\x9f\n"), "\n- \\xff\n+ \\xf0\\x9f");
    }
}
