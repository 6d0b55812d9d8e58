//! RFC 6901 pointers, and sets of them with `*` for any one segment.

use std::borrow::Cow;
use std::fmt;

use crate::{Error, ErrorKind, Result};

/// A JSON pointer: the place of one value in a document.
///
/// ```
/// use f3dx_cache_core::json::Pointer;
///
/// let mut pointer = Pointer::parse("/messages/0")?;
/// pointer.push("a/b");
/// assert_eq!(pointer.to_string(), "/messages/0/a~1b");
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(String);

/// One step of a walk through a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Into the member of this name.
    Member(Cow<'a, str>),
    /// Into the item at this place.
    Item(usize),
}

impl Pointer {
    /// Reads a pointer; `""` is the whole document.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it neither is empty nor starts with
    /// `/`, or has a `~` before anything but `0` and `1`.
    pub fn parse(text: &str) -> Result<Self> {
        match flaw(text) {
            Some(flaw) => Err(wrong(ErrorKind::InvalidArgument, text, flaw)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Steps into a member, or into an item given by its decimal place.
    pub fn push(&mut self, segment: &str) {
        self.0.push('/');
        for letter in segment.chars() {
            match letter {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                _ => self.0.push(letter),
            }
        }
    }

    /// Walks over the segments, unescaped.
    pub fn segments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(unescape)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Follows a walk from the root of a document.
impl From<&[Segment<'_>]> for Pointer {
    fn from(path: &[Segment<'_>]) -> Self {
        let mut pointer = Self::default();
        for segment in path {
            match segment {
                Segment::Member(name) => pointer.push(name),
                Segment::Item(place) => pointer.push(&place.to_string()),
            }
        }
        pointer
    }
}

/// The text, as RFC 6901 spells it.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of pointers in which `*` stands for any one segment.
///
/// ```
/// use f3dx_cache_core::json::{PointerSet, Segment};
///
/// let ignored = PointerSet::parse(&["/messages/*/id".to_owned()])?;
/// let path = ["messages", "id"].map(|name| Segment::Member(name.into()));
/// assert!(ignored.matches(&[path[0].clone(), Segment::Item(7), path[1].clone()]));
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointerSet(Vec<Vec<Step>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Any,
    Member(String),
    /// The name of a member, or the place of an item.
    Either(String, usize),
}

impl PointerSet {
    /// Reads a list of pointers.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if one is empty, does not start with `/`, or has a
    /// `~` before anything but `0` and `1`.
    pub fn parse(pointers: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            if text.is_empty() {
                let flaw = "it is empty and would name the whole document";
                return Err(wrong(ErrorKind::Config, text, flaw));
            }
            if let Some(flaw) = flaw(text) {
                return Err(wrong(ErrorKind::Config, text, flaw));
            }
            Ok(text.split('/').skip(1).map(Step::parse).collect())
        };
        pointers.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Whether there is no pointer in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the pointers names exactly this place.
    pub fn matches(&self, path: &[Segment<'_>]) -> bool {
        self.0.iter().any(|steps| steps.len() == path.len() && starts_with(steps, path))
    }

    /// Whether one of the pointers may name a place below this one.
    pub fn may_match_below(&self, path: &[Segment<'_>]) -> bool {
        self.0.iter().any(|steps| steps.len() > path.len() && starts_with(steps, path))
    }
}

impl Step {
    fn parse(segment: &str) -> Self {
        if segment == "*" {
            return Self::Any;
        }
        match segment.parse::<usize>() {
            Ok(place) if place.to_string() == segment => Self::Either(segment.to_owned(), place),
            _ => Self::Member(unescape(segment).into_owned()),
        }
    }

    fn matches(&self, segment: &Segment<'_>) -> bool {
        match (self, segment) {
            (Self::Any, _) => true,
            (Self::Member(name) | Self::Either(name, _), Segment::Member(member)) => name == member,
            (Self::Either(_, place), Segment::Item(item)) => place == item,
            (Self::Member(_), Segment::Item(_)) => false,
        }
    }
}

fn starts_with(steps: &[Step], path: &[Segment<'_>]) -> bool {
    // Places in lists of messages differ at the end of a path most of the time.
    steps[..path.len()].iter().zip(path).rev().all(|(step, segment)| step.matches(segment))
}

/// Returns what is wrong with the spelling of a pointer.
fn flaw(text: &str) -> Option<&'static str> {
    if !text.is_empty() && !text.starts_with('/') {
        return Some("a pointer starts with \"/\"");
    }
    let escapes = text.split('~').skip(1);
    let good = escapes.into_iter().all(|rest| rest.starts_with(['0', '1']));
    (!good).then_some("\"~\" is written \"~0\", and \"/\" within a name \"~1\"")
}

fn wrong(kind: ErrorKind, text: &str, flaw: &str) -> Error {
    Error::new(kind, format!("JSON pointer {text:?}: {flaw}"))
}

fn unescape(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') {
        return Cow::Owned(segment.replace("~1", "/").replace("~0", "~"));
    }
    Cow::Borrowed(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pointers: &[&str]) -> Result<PointerSet> {
        PointerSet::parse(&pointers.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    fn path<'a>(segments: &[&'a str]) -> Vec<Segment<'a>> {
        let segment = |&text: &&'a str| match text.parse() {
            Ok(place) => Segment::Item(place),
            Err(_) => Segment::Member(text.into()),
        };
        segments.iter().map(segment).collect()
    }

    #[test]
    fn a_star_is_any_one_segment() {
        let set = set(&["/messages/*/id", "/metadata"]).unwrap();
        assert!(set.matches(&path(&["messages", "0", "id"])));
        assert!(set.matches(&path(&["messages", "x", "id"])));
        assert!(set.matches(&path(&["metadata"])));
        assert!(!set.matches(&path(&["messages", "id"])));
        assert!(!set.matches(&path(&["messages", "0", "1", "id"])));
        assert!(!set.matches(&path(&["metadata", "id"])));
    }

    #[test]
    fn a_walk_knows_where_to_descend() {
        let set = set(&["/messages/*/id", "/n"]).unwrap();
        assert!(set.may_match_below(&[]));
        assert!(set.may_match_below(&path(&["messages", "3"])));
        assert!(!set.may_match_below(&path(&["messages", "3", "id"])));
        assert!(!set.may_match_below(&path(&["tools"])));
        assert!(!PointerSet::default().may_match_below(&[]));
    }

    #[test]
    fn a_number_is_a_place_or_a_name() {
        let set = set(&["/a/0", "/b/00"]).unwrap();
        assert!(set.matches(&path(&["a", "0"])));
        assert!(set.matches(&[Segment::Member("a".into()), Segment::Member("0".into())]));
        assert!(!set.matches(&[Segment::Member("b".into()), Segment::Item(0)]));
    }

    #[test]
    fn escapes_are_read_in_the_order_of_the_rfc() {
        let set = set(&["/~01/a~1b"]).unwrap();
        assert!(set.matches(&path(&["~1", "a/b"])));
        let mut pointer = Pointer::default();
        pointer.push("~1");
        pointer.push("a/b");
        assert_eq!(pointer.as_str(), "/~01/a~1b");
        assert_eq!(pointer.segments().collect::<Vec<_>>(), ["~1", "a/b"]);
    }

    #[test]
    fn a_wrong_pointer_is_an_error_that_quotes_it() {
        for (pointer, says) in
            [("", "whole document"), ("metadata", "starts with"), ("/a~2", "~0"), ("/a~", "~0")]
        {
            let error = set(&["/fine", pointer]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let message = error.to_string();
            assert!(
                message.contains(&format!("{pointer:?}")) && message.contains(says),
                "{message}"
            );
        }
    }
}
