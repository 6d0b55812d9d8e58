//! What two JSON values may differ in and still be equal.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::document::{Document, Kind, Node};
use super::pointer::{PointerSet, Segment};
use super::string;
use crate::Result;

/// JSON within strings is not looked for at places deeper than this.
const MAX_NESTED: usize = 400;

/// What two values may differ in and still be equal. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// What is left out of both.
    ignore: PointerSet,
    /// Arrays whose order does not matter.
    unordered: PointerSet,
    /// Whether the whole value is such an array.
    unordered_root: bool,
    /// How far two numbers may be apart.
    epsilon: f64,
    /// Whether an object or array that is the text of a string is compared as one.
    nested: bool,
}

/// A value without what the rules do not look at: two of them are equal if their
/// keys are, and their numbers are close.
#[derive(Clone, Debug, Default)]
pub(super) struct Normal<'a> {
    pub key: Cow<'a, str>,
    pub numbers: Vec<f64>,
}

impl Rules {
    /// Makes rules of lists of pointers; in `unordered`, `""` is the whole value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one is no pointer.
    pub fn new(
        ignore: &[String],
        unordered: &[String],
        epsilon: f64,
        nested: bool,
    ) -> Result<Self> {
        let below: Vec<_> = unordered.iter().filter(|text| !text.is_empty()).cloned().collect();
        Ok(Self {
            ignore: PointerSet::parse(ignore)?,
            unordered_root: below.len() < unordered.len(),
            unordered: PointerSet::parse(&below)?,
            epsilon,
            nested,
        })
    }

    /// Whether values of different texts may be equal at this place.
    pub(super) fn concern(&self, path: &[Segment<'_>]) -> bool {
        self.epsilon > 0.0
            || self.nested
            || self.ignore.may_match_below(path)
            || self.unordered.may_match_below(path)
            || self.unordered(path)
    }

    pub(super) fn ignored(&self, path: &[Segment<'_>]) -> bool {
        self.ignore.matches(path)
    }

    pub(super) fn unordered(&self, path: &[Segment<'_>]) -> bool {
        if path.is_empty() { self.unordered_root } else { self.unordered.matches(path) }
    }

    /// Whether two numbers are close.
    pub(super) fn close(&self, a: f64, b: f64) -> bool {
        (a - b).abs() <= self.epsilon
    }

    /// Returns a number that may be close to others.
    ///
    /// An integer that no double holds, such as a long id, is equal only to itself: as a double
    /// it would be another one.
    pub(super) fn measured(&self, node: Node<'_>) -> Option<f64> {
        let number = node.as_f64().filter(|number| self.epsilon > 0.0 && number.is_finite())?;
        let text = node.text();
        // All integers of fewer digits are doubles; what is spelled with a point or exponent is.
        let held = text.len() <= 15 || text.contains(['.', 'e']) || format!("{number:.0}") == text;
        held.then_some(number)
    }

    /// Returns the object or array that a string holds.
    pub(super) fn nested(&self, node: Node<'_>, path: &[Segment<'_>]) -> Option<Document> {
        // White space may be in front, some of it escaped.
        let may = matches!(node.text().as_bytes().get(1), Some(b'{' | b'[' | b' ' | b'\\'));
        if !self.nested || !may || path.len() > MAX_NESTED || node.kind() != Kind::String {
            return None;
        }
        let text = node.as_str()?;
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with(['{', '[']) {
            return None;
        }
        Document::parse(text.as_bytes()).ok()
    }

    /// Returns what counts of a value.
    pub(super) fn normal<'a>(
        &self,
        node: Node<'a>,
        path: &mut Vec<Segment<'static>>,
    ) -> Normal<'a> {
        if !self.concern(path) {
            return Normal { key: Cow::Borrowed(node.text()), numbers: Vec::new() };
        }
        let (mut key, mut numbers) = (String::new(), Vec::new());
        self.write(node, path, &mut key, &mut numbers);
        Normal { key: Cow::Owned(key), numbers }
    }

    fn write(
        &self,
        node: Node<'_>,
        path: &mut Vec<Segment<'static>>,
        key: &mut String,
        numbers: &mut Vec<f64>,
    ) {
        if !self.concern(path) {
            key.push_str(node.text());
            return;
        }
        match node.kind() {
            Kind::Number => match self.measured(node) {
                Some(number) => {
                    key.push('#');
                    numbers.push(number);
                }
                None => key.push_str(node.text()),
            },
            Kind::String => match self.nested(node, path) {
                Some(document) => {
                    key.push('$');
                    self.write(document.root(), path, key, numbers);
                }
                None => key.push_str(node.text()),
            },
            Kind::Object => {
                key.push('{');
                for (name, value) in node.members() {
                    path.push(Segment::Member(Cow::Owned(name.into_owned())));
                    if !self.ignored(path) {
                        if let Some(Segment::Member(name)) = path.last() {
                            let mut quoted = Vec::with_capacity(name.len() + 2);
                            string::write_string(name, &mut quoted);
                            key.push_str(&String::from_utf8_lossy(&quoted));
                        }
                        key.push(':');
                        self.write(value, path, key, numbers);
                        key.push(',');
                    }
                    path.pop();
                }
                key.push('}');
            }
            Kind::Array => {
                let mut items = self.items(node, path);
                if self.unordered(path) {
                    items.sort_by(|(_, _, a), (_, _, b)| a.order(b));
                }
                key.push('[');
                for (_, _, item) in items {
                    key.push_str(&item.key);
                    key.push(',');
                    numbers.extend(item.numbers);
                }
                key.push(']');
            }
            Kind::Null | Kind::Bool => key.push_str(node.text()),
        }
    }

    /// Returns the items of an array that are not ignored, with their places.
    pub(super) fn items<'a>(
        &self,
        array: Node<'a>,
        path: &mut Vec<Segment<'static>>,
    ) -> Vec<(usize, Node<'a>, Normal<'a>)> {
        let mut items = Vec::with_capacity(array.len());
        for (place, item) in array.items().enumerate() {
            path.push(Segment::Item(place));
            if !self.ignored(path) {
                items.push((place, item, self.normal(item, path)));
            }
            path.pop();
        }
        items
    }

    /// Whether two values are equal.
    pub(super) fn equal(&self, a: &Normal<'_>, b: &Normal<'_>) -> bool {
        let mut numbers = a.numbers.iter().zip(&b.numbers);
        a.key == b.key && numbers.all(|(a, b)| a == b || self.close(*a, *b))
    }
}

impl Normal<'_> {
    /// Orders by key, then by numbers.
    pub fn order(&self, other: &Self) -> Ordering {
        let numbers = || self.numbers.iter().zip(&other.numbers);
        self.key.cmp(&other.key).then_with(|| {
            numbers().map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
        })
    }
}
