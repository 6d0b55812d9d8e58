//! A document with some of its values replaced or removed.

use std::borrow::Cow;
use std::ops::Range;

use super::document::{Kind, Node};
use super::pointer::{Pointer, Segment};
use super::string;
use crate::{Error, ErrorKind, Result};

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It stays; its members and items are asked about in turn.
    Keep,
    /// It goes, with the name of a member; items behind it move up. Where the
    /// whole document goes, `null` is left.
    Drop,
    /// A string takes its place.
    Text(String),
}

/// Writes the canonical form of an edited document to `out`, which is emptied
/// first.
///
/// `edit` is asked about every value, from the outside in; its path has the
/// names before `name` changed them. `name` may give a member another name.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`] if two members of an object get one name.
pub fn rewrite(
    root: Node<'_>,
    edit: &mut dyn FnMut(&[Segment<'_>], Node<'_>) -> Edit,
    name: &mut dyn FnMut(&str) -> Option<String>,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.clear();
    let mut rewriter = Rewriter { edit, name, path: Vec::new(), out };
    if !rewriter.value(root)? {
        rewriter.out.extend_from_slice(b"null");
    }
    Ok(())
}

struct Rewriter<'a, 'f> {
    edit: &'f mut dyn FnMut(&[Segment<'_>], Node<'_>) -> Edit,
    name: &'f mut dyn FnMut(&str) -> Option<String>,
    path: Vec<Segment<'a>>,
    out: &'f mut Vec<u8>,
}

impl<'a> Rewriter<'a, '_> {
    /// Writes a value and says so, or drops it.
    fn value(&mut self, node: Node<'a>) -> Result<bool> {
        match (self.edit)(&self.path, node) {
            Edit::Drop => return Ok(false),
            Edit::Text(text) => string::write_string(&text, self.out),
            Edit::Keep => match node.kind() {
                Kind::Object => self.object(node)?,
                Kind::Array => self.array(node)?,
                _ => self.out.extend_from_slice(node.text().as_bytes()),
            },
        }
        Ok(true)
    }

    fn array(&mut self, node: Node<'a>) -> Result<()> {
        self.out.push(b'[');
        for (place, item) in node.items().enumerate() {
            self.path.push(Segment::Item(place));
            if self.value(item)? {
                self.out.push(b',');
            }
            self.path.pop();
        }
        self.close(b']');
        Ok(())
    }

    fn object(&mut self, node: Node<'a>) -> Result<()> {
        self.out.push(b'{');
        let start = self.out.len();
        let mut members = Vec::with_capacity(node.len());
        let mut renamed = false;
        for (old, value) in node.members() {
            let begin = self.out.len();
            let new = (self.name)(&old);
            renamed |= new.is_some();
            let new = new.map_or_else(|| old.clone(), Cow::Owned);
            string::write_string(&new, self.out);
            self.out.push(b':');
            self.path.push(Segment::Member(old));
            let written = self.value(value)?;
            self.path.pop();
            if written {
                self.out.push(b',');
                members.push((new, begin..self.out.len()));
            } else {
                self.out.truncate(begin);
            }
        }
        if renamed {
            self.sort(start, members)?;
        }
        self.close(b'}');
        Ok(())
    }

    /// Puts members, written from `start` on with their commas, in order again.
    fn sort(&mut self, start: usize, mut members: Vec<(Cow<'_, str>, Range<usize>)>) -> Result<()> {
        members.sort_by(|(a, _), (b, _)| string::compare_keys(a, b));
        if let Some([(name, _), _]) = members.array_windows().find(|[a, b]| a.0 == b.0) {
            let place = Pointer::from(self.path.as_slice());
            let message = format!("two members of {:?} become {name:?}", place.as_str());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let mut sorted = Vec::with_capacity(self.out.len() - start);
        for (_, text) in members {
            sorted.extend_from_slice(&self.out[text]);
        }
        self.out.truncate(start);
        self.out.extend_from_slice(&sorted);
        Ok(())
    }

    /// Closes an array or object in place of the comma after its last value.
    fn close(&mut self, bracket: u8) {
        self.out.pop_if(|last| *last == b',');
        self.out.push(bracket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, PointerSet};

    const CALL: &str =
        r#"{"body":{"id":1,"messages":[{"id":"x","role":"user"},{"id":"y"}],"n":2},"url":"u"}"#;

    fn rewritten(
        json: &str,
        mut edit: impl FnMut(&[Segment<'_>], Node<'_>) -> Edit,
        mut name: impl FnMut(&str) -> Option<String>,
    ) -> Result<String> {
        let document = Document::parse(json.as_bytes()).unwrap();
        let mut out = b"before".to_vec();
        rewrite(document.root(), &mut edit, &mut name, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_unedited_document_stays() {
        for json in [CALL, "[]", "{}", r#"[{},[],"\n",null]"#, "\"a\"", "-1.5"] {
            assert_eq!(rewritten(json, |_, _| Edit::Keep, |_| None).unwrap(), json);
        }
    }

    #[test]
    fn ignored_members_go() {
        let ignored = ["/body/messages/*/id".to_owned(), "/url".to_owned()];
        let ignored = PointerSet::parse(&ignored).unwrap();
        let edit = |path: &[Segment<'_>], _: Node<'_>| match ignored.matches(path) {
            true => Edit::Drop,
            false => Edit::Keep,
        };
        let expected = r#"{"body":{"id":1,"messages":[{"role":"user"},{}],"n":2}}"#;
        assert_eq!(rewritten(CALL, edit, |_| None).unwrap(), expected);
    }

    #[test]
    fn items_behind_a_dropped_one_move_up() {
        let edit = |path: &[Segment<'_>], node: Node<'_>| {
            assert!(path.is_empty() || matches!(path, [Segment::Item(_)]));
            if node.text() == "2" { Edit::Drop } else { Edit::Keep }
        };
        assert_eq!(rewritten("[1,2,3]", edit, |_| None).unwrap(), "[1,3]");
        assert_eq!(rewritten("[1,2]", edit, |_| None).unwrap(), "[1]");
        assert_eq!(rewritten("[2]", edit, |_| None).unwrap(), "[]");
        assert_eq!(rewritten("2", edit, |_| None).unwrap(), "null");
    }

    #[test]
    fn a_value_becomes_a_string() {
        let edit = |path: &[Segment<'_>], _: Node<'_>| match path {
            [_, Segment::Member(name)] if name == "messages" => Edit::Text("\"hidden\"\n".into()),
            _ => Edit::Keep,
        };
        let expected = r#"{"body":{"id":1,"messages":"\"hidden\"\n","n":2},"url":"u"}"#;
        assert_eq!(rewritten(CALL, edit, |_| None).unwrap(), expected);
    }

    #[test]
    fn renamed_members_are_sorted_again() {
        let name = |name: &str| (name == "body" || name == "id").then(|| format!("z\"{name}"));
        let expected = concat!(
            r#"{"url":"u","z\"body":{"messages":[{"role":"user","z\"id":"x"},{"z\"id":"y"}],"#,
            r#""n":2,"z\"id":1}}"#
        );
        assert_eq!(rewritten(CALL, |_, _| Edit::Keep, name).unwrap(), expected);
    }

    #[test]
    fn two_members_of_one_name_are_an_error_that_names_it() {
        let name = |_: &str| Some("same".to_owned());
        let error = rewritten(r#"[{"a":1,"b":2}]"#, |_, _| Edit::Keep, name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert_eq!(error.to_string(), r#"two members of "/0" become "same""#);
    }
}
