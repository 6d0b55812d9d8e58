//! What the hot path wants to know of a canonical body, in one pass over its bytes.

use std::ops::Range;

/// The members of the outermost object that the policy reads, and how deep the text is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outline {
    /// The text of `model`.
    pub(super) model: Option<Range<usize>>,
    /// The whole member `stream`, name included, without commas.
    pub(super) stream: Option<Range<usize>>,
    /// Levels of arrays and objects.
    pub(super) depth: usize,
}

impl Outline {
    /// Reads a canonical text; of another text the result says nothing.
    pub(super) fn of(canonical: &[u8]) -> Self {
        let mut outline = Self::default();
        let mut depth = 0_usize;
        let mut at = 0;
        // Where the member began that is being read, if it is one of the outermost.
        let mut member = None;
        while let Some(&byte) = canonical.get(at) {
            match byte {
                b'"' => {
                    let end = end_of_string(canonical, at);
                    if depth == 1 && member.is_none() {
                        member = Some(at..end);
                    }
                    at = end;
                    continue;
                }
                b'{' | b'[' => {
                    depth += 1;
                    outline.depth = outline.depth.max(depth);
                }
                b'}' | b']' | b',' => {
                    if depth == 1 {
                        outline.note(canonical, member.take(), at);
                    }
                    if byte != b',' {
                        depth = depth.saturating_sub(1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        outline
    }

    fn note(&mut self, canonical: &[u8], name: Option<Range<usize>>, end: usize) {
        let Some(name) = name else { return };
        // The outermost value may be an array, whose strings are no names.
        if canonical.first() != Some(&b'{') {
            return;
        }
        match &canonical[name.clone()] {
            b"\"model\"" => self.model = Some(name.end + 1..end),
            b"\"stream\"" => self.stream = Some(name.start..end),
            _ => {}
        }
    }
}

/// Returns the index after the string that begins at `start`.
pub(crate) fn end_of_string(canonical: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = canonical.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if canonical[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    canonical.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<&str>, Option<&str>, usize) {
        let outline = Outline::of(text.as_bytes());
        (outline.model.map(|at| &text[at]), outline.stream.map(|at| &text[at]), outline.depth)
    }

    #[test]
    fn only_the_outermost_members_count() {
        assert_eq!(
            read(r#"{"a":{"model":"x","stream":true},"model":"m\"","stream":false,"z":["model"]}"#),
            (Some(r#""m\"""#), Some(r#""stream":false"#), 2)
        );
        assert_eq!(read(r#"["model","stream"]"#), (None, None, 1));
        assert_eq!(read(r#"{"a":"\\","stream":true}"#), (None, Some(r#""stream":true"#), 1));
        assert_eq!(read(r#""model""#), (None, None, 0));
        assert_eq!(read("{}"), (None, None, 1));
    }
}
