//! JSON in a Markdown fence.

use std::ops::Range;

/// Returns where the JSON stands in a text that has it in a fence.
///
/// A fence is as CommonMark has it: three or more backticks or tildes, up to as
/// many again or the end. It counts if it says `json`, or says nothing and its
/// text begins with a brace or bracket. What is around it does not count; where
/// there are two such fences, there is none to choose.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    let mut found = None;
    let mut open: Option<(&str, bool, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        let Some((mark, rest)) = mark(line) else { continue };
        match open {
            None => {
                let info = rest.trim();
                // Backticks may enclose code within a line, too.
                if !(mark.starts_with('`') && info.contains('`')) {
                    open = Some((mark, counts(info, &text[at..]), at));
                }
            }
            Some((opening, json, from)) => {
                if rest.is_empty() && mark.starts_with(opening) {
                    open = None;
                    if json && found.replace(from..start).is_some() {
                        return None;
                    }
                }
            }
        }
    }
    match open {
        Some((_, true, from)) if found.is_none() => Some(from..text.len()),
        Some((_, true, _)) => None,
        _ => found,
    }
}

/// Splits a line that opens or closes a fence behind its backticks or tildes.
fn mark(line: &str) -> Option<(&str, &str)> {
    let inside = line.trim_start_matches(' ');
    let letter = inside.chars().next().filter(|letter| matches!(letter, '`' | '~'))?;
    let length = inside.len() - inside.trim_start_matches(letter).len();
    (length >= 3 && line.len() - inside.len() <= 3).then(|| inside.split_at(length))
}

fn counts(info: &str, text: &str) -> bool {
    match info.split_whitespace().next() {
        Some(language) => language.eq_ignore_ascii_case("json"),
        None => text.trim_start().starts_with(['{', '[']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(text: &str) -> Option<&str> {
        find(text).map(|range| &text[range])
    }

    #[test]
    fn the_one_fence_of_json_counts() {
        assert_eq!(inside("```json\n{}\n```"), Some("{}\n"));
        assert_eq!(inside("Here:\r\n  ~~~ JSON title\r\n1\r\n~~~~\r\nBye"), Some("1\r\n"));
        assert_eq!(inside("```\n[1]\n```\n```python\n[2]\n```\n"), Some("[1]\n"));
        assert_eq!(inside("````json\n\"```\"\n````"), Some("\"```\"\n"));
    }

    #[test]
    fn a_fence_may_end_with_the_text() {
        assert_eq!(inside("```json\n{\"a\":"), Some("{\"a\":"));
    }

    #[test]
    fn of_two_fences_none_counts() {
        assert_eq!(inside("```json\n1\n```\n```json\n2\n```"), None);
        assert_eq!(inside("```json\n1\n```\n```json\n2"), None);
    }

    #[test]
    fn other_fences_do_not_count() {
        for text in
            ["```python\n{}\n```", "```\nprose\n```", "``json\n{}\n``", "    ```json\n{}", ""]
        {
            assert_eq!(inside(text), None, "{text}");
        }
    }
}
