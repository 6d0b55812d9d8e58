//! The layer of bytes: whether they are equal, and if not, where they begin to differ.

use super::comparison::Verdict;
use super::excerpt;
use super::finding::Finding;

pub(super) fn compare(before: &[u8], after: &[u8]) -> Finding {
    if before == after {
        return Finding::new(Verdict::Same, "the bytes are equal");
    }
    let mut note = first_difference(before, after);
    excerpt::write(before, after, &mut note);
    Finding::new(Verdict::Different, note)
}

/// Says where two texts that are not equal begin to differ.
pub(super) fn first_difference(before: &[u8], after: &[u8]) -> String {
    let at = split(before, after);
    let (line, column) = place(&before[..at]);
    let place = format!("byte {at} (line {line}, column {column})");
    if at == before.len() {
        format!("the text before ends at {place}, the text after goes on")
    } else if at == after.len() {
        format!("the text after ends at {place}, the text before goes on")
    } else {
        format!("the first difference is at {place}")
    }
}

/// Returns how many bytes two texts have in common at their start, without what
/// would split a character.
pub(super) fn split(before: &[u8], after: &[u8]) -> usize {
    let mut at = common(before, after);
    // Within a character, all bytes but the first are 0b10…
    let continues = |text: &[u8], at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    for _ in 0..3 {
        if at > 0 && (continues(before, at) || continues(after, at)) {
            at -= 1;
        }
    }
    at
}

fn common(before: &[u8], after: &[u8]) -> usize {
    let blocks = before.chunks(64).zip(after.chunks(64));
    let equal = blocks.take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum();
    let rest = before[equal..].iter().zip(&after[equal..]);
    equal + rest.take_while(|(a, b)| a == b).count()
}

/// Returns the line and the column, in characters, of what follows a text; both
/// count from 1.
fn place(text: &[u8]) -> (usize, usize) {
    let line = 1 + memchr::memchr_iter(b'\n', text).count();
    let start = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
    (line, 1 + String::from_utf8_lossy(&text[start..]).chars().count())
}
