//! Two texts with what differs marked, word by word.

use super::text;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// How many words of two texts are compared; of longer ones, lines are.
const WORDS: usize = 6_000;
const LINES: usize = 6_000;

/// Two texts as HTML: what only the old one has is in `<del>`, what only the new one has in
/// `<ins>`.
pub(super) struct Marked {
    pub before: String,
    pub after: String,
    /// Whether the texts were short enough to be compared.
    pub is_marked: bool,
}

/// Compares two texts. It takes a bounded time and always finds the same.
pub(super) fn mark(before: &str, after: &str) -> Marked {
    for (split, most) in [(words as fn(&str) -> Vec<&str>, WORDS), (lines, LINES)] {
        let (old, new) = (split(before), split(after));
        if old.len() + new.len() <= most {
            let segments = segments(&old, &new);
            return Marked {
                before: write(
                    segments.iter().map(|segment| (segment.is_equal, &segment.old)),
                    "del",
                ),
                after: write(
                    segments.iter().map(|segment| (segment.is_equal, &segment.new)),
                    "ins",
                ),
                is_marked: true,
            };
        }
    }
    Marked { before: text::escaped(before), after: text::escaped(after), is_marked: false }
}

/// What stands in the same place of two texts.
#[derive(Default)]
struct Segment {
    is_equal: bool,
    old: String,
    new: String,
}

fn segments(old: &[&str], new: &[&str]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        let is_equal = matches!(op, DiffOp::Equal { .. });
        let (old, new) = (old[op.old_range()].concat(), new[op.new_range()].concat());
        // Lone spaces between two changes would tear one change into many.
        let joins = !is_equal || old.trim().is_empty() && !old.contains('\n');
        match segments.last_mut() {
            Some(last) if !last.is_equal && joins => {
                last.old.push_str(&old);
                last.new.push_str(&new);
            }
            _ => segments.push(Segment { is_equal, old, new }),
        }
    }
    segments.into_iter().flat_map(without_common_end).collect()
}

/// Splits off the white space at the end that was joined though no change followed.
fn without_common_end(mut segment: Segment) -> [Segment; 2] {
    let mut end = Segment { is_equal: true, ..Segment::default() };
    if !segment.is_equal {
        while let (Some(a), Some(b)) = (segment.old.chars().last(), segment.new.chars().last()) {
            if a != b || !a.is_whitespace() {
                break;
            }
            segment.old.pop();
            segment.new.pop();
            end.old.insert(0, a);
            end.new.insert(0, a);
        }
    }
    [segment, end]
}

fn write<'a>(segments: impl Iterator<Item = (bool, &'a String)>, tag: &str) -> String {
    let mut out = String::new();
    for (is_equal, piece) in segments {
        if piece.is_empty() {
            continue;
        }
        if is_equal {
            text::push(piece, &mut out);
            continue;
        }
        out.push_str(&format!("<{tag}>"));
        let mut first = true;
        for line in piece.split('\n') {
            // A line break has no width: a sign that the style sheet draws stands for it.
            if !std::mem::take(&mut first) {
                out.push_str("<span class=\"nl\"></span>\n");
            }
            text::push(line, &mut out);
        }
        out.push_str(&format!("</{tag}>"));
    }
    out
}

/// Splits a text into words, spaces, line breaks, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let kind = |letter: char| match letter {
        '\n' => None,
        _ if letter.is_alphanumeric() || letter == '_' => Some(0),
        _ if letter.is_whitespace() => Some(1),
        _ => None,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, letter) in text.char_indices() {
        let now = kind(letter);
        if at > 0 && (now.is_none() || now != last) {
            words.push(&text[start..at]);
            start = at;
        }
        last = now;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(before: &str, after: &str) -> (String, String) {
        let marked = mark(before, after);
        (marked.before, marked.after)
    }

    #[test]
    fn the_words_that_differ_are_marked() {
        let (before, after) = marked("It costs $10.50 a month.", "It costs $1050 a month.");
        assert_eq!(before, "It costs $<del>10.50</del> a month.");
        assert_eq!(after, "It costs $<ins>1050</ins> a month.");
    }

    #[test]
    fn neighbouring_words_are_one_mark() {
        let (before, after) = marked("a red big car\n", "a blue small car\n");
        assert_eq!(before, "a <del>red big</del> car\n");
        assert_eq!(after, "a <ins>blue small</ins> car\n");
    }

    #[test]
    fn a_line_break_that_is_new_can_be_seen() {
        let (before, after) = marked("a\nb", "a\n\nb");
        assert_eq!(before, "a\nb");
        assert_eq!(after, "a\n<ins><span class=\"nl\"></span>\n</ins>b");
        assert_eq!(marked("a\r\n", "a\n").0, "a<del><span class=\"point\">CR</span></del>\n");
    }

    #[test]
    fn without_marks_each_side_is_its_text() {
        let texts = ["", "a", "a b", "b  a\n", "<b> & c", "x\n\ny z", "é ü 日本", "日 本\n<b>"];
        let strip = |html: &str| {
            ["<del>", "</del>", "<ins>", "</ins>", "<span class=\"nl\"></span>"]
                .iter()
                .fold(html.to_owned(), |html, tag| html.replace(tag, ""))
        };
        for before in texts {
            for after in texts {
                let marked = mark(before, after);
                assert_eq!(strip(&marked.before), text::escaped(before));
                assert_eq!(strip(&marked.after), text::escaped(after));
                assert_eq!(
                    marked.after.contains("<ins>") || marked.before.contains("<del>"),
                    before != after
                );
            }
        }
    }

    #[test]
    fn a_long_text_is_compared_by_line_and_a_huge_one_not_at_all() {
        let long = "one two three four\n".repeat(1_000);
        let changed = long.replacen("two", "2", 1);
        let marked = mark(&long, &changed);
        assert!(
            marked.after.starts_with("<ins>one 2 three four</ins>\n"),
            "{}",
            &marked.after[..60]
        );
        let huge = "a\n".repeat(10_000);
        assert!(!mark(&huge, "a").is_marked);
    }
}
