//! A parsed document over canonical text, for the cold paths.

use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

use super::pointer::Pointer;
use super::string;
use crate::{Error, JsonErrorKind, Result};

/// A parsed JSON document that owns its canonical text.
///
/// ```
/// use f3dx_cache_core::json::Document;
///
/// let document = Document::parse(br#"{"model": "m", "messages": [{"role": "user"}]}"#)?;
/// let role = document.root().pointer("/messages/0/role");
/// assert_eq!(role.map(|node| node.text()), Some("\"user\""));
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
pub struct Document {
    text: String,
    entries: Vec<Entry>,
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    document: &'a Document,
    index: usize,
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A value, or the name of a member, which comes right before its value.
struct Entry {
    kind: Kind,
    start: usize,
    end: usize,
    /// The entry after this value.
    next: usize,
    /// How many members or items the value has.
    count: usize,
}

impl Document {
    /// Reads a JSON text by the rules of [`canonicalize`](super::canonicalize).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`](crate::ErrorKind::InvalidJson).
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::of_canonical(super::canonicalize(json)?)
    }

    /// Reads a text that is in its canonical form.
    pub(crate) fn of_canonical(text: Vec<u8>) -> Result<Self> {
        let text = String::from_utf8(text).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::json(JsonErrorKind::InvalidUtf8, at, "the text is not UTF-8")
        })?;
        let entries = index(text.as_bytes())?;
        Ok(Self { text, entries })
    }

    /// Returns the value of the whole document.
    pub fn root(&self) -> Node<'_> {
        Node { document: self, index: 0 }
    }

    /// Returns the canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.text).finish()
    }
}

impl<'a> Node<'a> {
    /// Returns the type of the value.
    pub fn kind(self) -> Kind {
        self.entry().kind
    }

    /// Returns the canonical text of this value alone.
    ///
    /// Two values are equal exactly if their texts are.
    pub fn text(self) -> &'a str {
        let entry = self.entry();
        &self.document.text[entry.start..entry.end]
    }

    /// Returns what a string says.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let inside = self.text().strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inside));
        }
        let mut out = Vec::with_capacity(inside.len());
        string::unescape(inside.as_bytes(), &mut out).ok()?;
        String::from_utf8(out).ok().map(Cow::Owned)
    }

    /// Returns a truth value.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.text() == "true")
    }

    /// Returns the double nearest to a number.
    pub fn as_f64(self) -> Option<f64> {
        if self.kind() != Kind::Number {
            return None;
        }
        self.text().parse().ok()
    }

    /// Returns a number that is an integer of 64 bits without sign.
    pub fn as_u64(self) -> Option<u64> {
        if self.kind() != Kind::Number {
            return None;
        }
        self.text().parse().ok()
    }

    /// Returns how many members or items the value has; 0 for others.
    pub fn len(self) -> usize {
        self.entry().count
    }

    /// Whether the value has neither members nor items.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Walks over the members of an object, in canonical order; others have none.
    pub fn members(self) -> Members<'a> {
        let rest = if self.kind() == Kind::Object { self.len() } else { 0 };
        Members { next: Node { index: self.index + 1, ..self }, rest }
    }

    /// Walks over the items of an array; others have none.
    pub fn items(self) -> Items<'a> {
        let rest = if self.kind() == Kind::Array { self.len() } else { 0 };
        Items { next: Node { index: self.index + 1, ..self }, rest }
    }

    /// Returns the member of this name.
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        self.members().find(|(member, _)| member == name).map(|(_, node)| node)
    }

    /// Returns the item at this place.
    pub fn index(self, place: usize) -> Option<Node<'a>> {
        self.items().nth(place)
    }

    /// Returns what an RFC 6901 JSON pointer names below this value.
    pub fn pointer(self, pointer: &str) -> Option<Node<'a>> {
        let pointer = Pointer::parse(pointer).ok()?;
        pointer.segments().try_fold(self, |node, segment| match node.kind() {
            Kind::Object => node.get(&segment),
            Kind::Array => {
                let place: usize = segment.parse().ok()?;
                (place.to_string() == segment).then(|| node.index(place))?
            }
            _ => None,
        })
    }

    fn entry(self) -> &'a Entry {
        &self.document.entries[self.index]
    }
}

/// The canonical text.
impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The members of an object: what [`Node::members`] walks over.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    next: Node<'a>,
    rest: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.checked_sub(1)?;
        let name = self.next;
        let value = Node { index: name.index + 1, ..name };
        self.next.index = value.entry().next;
        Some((name.as_str()?, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest, Some(self.rest))
    }
}

impl ExactSizeIterator for Members<'_> {}
impl FusedIterator for Members<'_> {}

/// The items of an array: what [`Node::items`] walks over.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    next: Node<'a>,
    rest: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.checked_sub(1)?;
        let item = self.next;
        self.next.index = item.entry().next;
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest, Some(self.rest))
    }
}

impl ExactSizeIterator for Items<'_> {}
impl FusedIterator for Items<'_> {}

/// Lists the values and names of a canonical text in their order.
fn index(text: &[u8]) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let kind = match text[at] {
            b'"' => Kind::String,
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            b'}' | b']' => {
                at += 1;
                if let Some(container) = open.pop() {
                    let next = entries.len();
                    let container = &mut entries[container];
                    (container.end, container.next) = (at, next);
                }
                continue;
            }
            b',' | b':' => {
                at += 1;
                continue;
            }
            _ => Kind::Number,
        };
        let end = match kind {
            Kind::String => string::scan(text, at, at + 1)?.0,
            Kind::Object | Kind::Array => at + 1,
            _ => {
                let rest = &text[at..];
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']');
                at + rest.iter().position(ends).unwrap_or(rest.len())
            }
        };
        let is_name = kind == Kind::String && text.get(end) == Some(&b':');
        if let Some(&container) = open.last()
            && !is_name
        {
            entries[container].count += 1;
        }
        if matches!(kind, Kind::Object | Kind::Array) {
            open.push(entries.len());
        }
        let next = entries.len() + 1;
        entries.push(Entry { kind, start: at, end, next, count: 0 });
        at = end;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &[u8] =
        br#"{"model": "m", "messages": [{"role": "user", "content": "a\n\u00e9"}, []],
        "n": 1.0, "seed": 9007199254740993, "stream": true, "a/b": {"~": null}, "": 0.5}"#;

    #[test]
    fn values_are_found_and_read() {
        let document = Document::parse(CHAT).unwrap();
        let root = document.root();
        assert_eq!(root.kind(), Kind::Object);
        assert_eq!(root.len(), 7);
        assert_eq!(root.get("n").unwrap().as_u64(), Some(1));
        assert_eq!(root.get("seed").unwrap().text(), "9007199254740993");
        assert_eq!(root.get("stream").unwrap().as_bool(), Some(true));
        assert_eq!(root.get("").unwrap().as_f64(), Some(0.5));
        assert!(root.get("absent").is_none());
        let messages = root.get("messages").unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages.index(1).unwrap().text(), "[]");
        assert!(messages.index(2).is_none());
        let content = messages.index(0).and_then(|message| message.get("content")).unwrap();
        assert_eq!(content.as_str().unwrap(), "a\né");
    }

    #[test]
    fn members_come_in_canonical_order() {
        let document = Document::parse(CHAT).unwrap();
        let names: Vec<_> = document.root().members().map(|(name, _)| name).collect();
        assert_eq!(names, ["", "a/b", "messages", "model", "n", "seed", "stream"]);
    }

    #[test]
    fn pointers_find_what_they_name() {
        let document = Document::parse(CHAT).unwrap();
        let text = |pointer| document.root().pointer(pointer).map(Node::text);
        assert_eq!(text(""), Some(document.text()));
        assert_eq!(text("/messages/0/role"), Some("\"user\""));
        assert_eq!(text("/a~1b/~0"), Some("null"));
        assert_eq!(text("/"), Some("0.5"));
        assert_eq!(text("/messages/00"), None);
        assert_eq!(text("/messages/+1"), None);
        assert_eq!(text("/model/x"), None);
        assert_eq!(text("model"), None);
    }

    #[test]
    fn a_scalar_is_a_document() {
        for (json, kind) in [
            ("null", Kind::Null),
            ("-0", Kind::Number),
            (r#""\u0061""#, Kind::String),
            ("[]", Kind::Array),
            ("{}", Kind::Object),
        ] {
            let document = Document::parse(json.as_bytes()).unwrap();
            assert_eq!(document.root().kind(), kind);
            assert_eq!(document.root().text(), document.text());
            assert!(document.root().is_empty());
        }
    }
}
