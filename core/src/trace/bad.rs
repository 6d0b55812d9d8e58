//! Rows that cannot be read, and where that shows.

use super::Source;
use crate::error::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Where it stands.
    pub source: Source,
    /// The byte of the line at which reading stopped, from 1; 0 if that is not known.
    pub column: u64,
    /// Why, without the row's content.
    pub reason: String,
}

/// Why a row cannot be read, before its place in the file is known.
#[derive(Debug)]
pub(super) struct Bad {
    pub at: Place,
    /// Never holds anything of the row.
    pub reason: String,
}

/// Where in a row something is wrong.
#[derive(Debug)]
pub(super) enum Place {
    /// At this byte of its text.
    Byte(usize),
    /// At the member of this name.
    Member(&'static str),
    /// Somewhere.
    Unknown,
}

impl BadRow {
    /// Returns the error that a strict reader stops with.
    pub(super) fn error(&self) -> Error {
        let Source { file, line } = &self.source;
        let message = format!("{file}:{line}:{}: {}", self.column, self.reason);
        Error::new(ErrorKind::InvalidRow, message)
    }
}

impl Bad {
    pub fn byte(at: usize, reason: impl Into<String>) -> Self {
        Self { at: Place::Byte(at), reason: reason.into() }
    }

    pub fn too_long() -> Self {
        Self::row("it is longer than 64 MiB")
    }

    pub fn row(reason: impl Into<String>) -> Self {
        Self { at: Place::Unknown, reason: reason.into() }
    }

    /// Says that the member is not what it should be.
    pub fn member(name: &'static str, wanted: &str, value: &Value) -> Self {
        let found = kind(value);
        let reason = format!("`{name}` is {found} where {wanted} is needed");
        Self { at: Place::Member(name), reason }
    }

    /// Says where the row stands: its text starts after `before` bytes of the line of `source`.
    pub fn within(self, mut source: Source, text: &[u8], before: usize) -> BadRow {
        let column = self.at.find(text).map_or(0, |at| {
            let lines = &text[..at];
            source.line += memchr::memchr_iter(b'\n', lines).count() as u64;
            let start = memchr::memrchr(b'\n', lines);
            1 + start.map_or(before + at, |newline| at - newline - 1)
        });
        BadRow { source, column: column as u64, reason: self.reason }
    }
}

impl Place {
    /// Returns the byte of `text` that is meant.
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        match *self {
            Self::Byte(at) => Some(at.min(text.len())),
            Self::Member(name) => find_member(text, name.as_bytes()),
            Self::Unknown => None,
        }
    }
}

/// Names the type of a value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Finds the name of a member of the outermost object of a text that is JSON.
fn find_member(text: &[u8], name: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                let start = at;
                at += 1;
                while *text.get(at)? != b'"' {
                    at += 1 + usize::from(text[at] == b'\\');
                }
                let mut after = text[at + 1..].iter().filter(|byte| !byte.is_ascii_whitespace());
                if depth == 1 && &text[start + 1..at] == name && after.next() == Some(&b':') {
                    return Some(start);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_where_its_name_stands() {
        let text = br#"{"a": "b", "c\"": {"b": 1}, "b" : 2, "d": ["#;
        let find = |name| Place::Member(name).find(text);
        assert_eq!(find("b"), Some(28));
        assert_eq!(find("d"), Some(37));
        assert_eq!(find("e"), None);
    }
}
