//! JSON on one line, over several.

use serde::de::IgnoredAny;

/// How many bytes of JSON are as easy to read on one line.
const SHORT: usize = 40;

/// Returns a JSON object or array with a line for each member, if the text is one and all on one
/// line. Names, strings and numbers stay as they are spelled.
pub(super) fn indented(json: &str) -> Option<String> {
    let json = json.trim();
    let is_long = json.len() > SHORT && json.starts_with(['{', '[']) && !json.contains('\n');
    if !is_long || serde_json::from_str::<IgnoredAny>(json).is_err() {
        return None;
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                out.push(letter);
                while let Some(letter) = letters.next() {
                    out.push(letter);
                    match letter {
                        '"' => break,
                        '\\' => out.extend(letters.next()),
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
                out.push(letter);
                match letters.next_if(|letter| matches!(letter, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(depth, &mut out);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(depth, &mut out);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                new_line(depth, &mut out);
            }
            ':' => out.push_str(": "),
            _ if letter.is_whitespace() => {}
            _ => out.push(letter),
        }
    }
    Some(out)
}

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_one_line_gets_a_line_for_each_member() {
        let json = r#"{"a": [1.0, {}, [ ]], "b\"{,:":"x y, {z}" , "c": {"long": true}}"#;
        let expected = "{\n  \"a\": [\n    1.0,\n    {},\n    []\n  ],\n  \"b\\\"{,:\": \"x y, {z}\",\n  \"c\": {\n    \"long\": true\n  }\n}";
        assert_eq!(indented(json).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        let sentence = "[a sentence in brackets that is longer than a short line of JSON]";
        let lines = "{\"a\": \"a member on a line of its own\",\n \"b\": 2}";
        for text in
            ["", "{}", "{\"a\":1}", sentence, lines, "{\"a\": \"a string that does not end}"]
        {
            assert_eq!(indented(text), None, "{text}");
        }
    }
}
