//! Differences between two JSON values.

use std::cmp::Ordering;

use super::document::{Kind, Node};
use super::pointer::Pointer;
use super::string;

/// Arrays whose unequal middles have more pairs than this are compared item by
/// item, without a search for the best alignment.
const MAX_PAIRS: usize = 16_384;

/// The likeness of equal values, and the least of two values of one kind.
const EQUAL: usize = 100;
const RELATED: usize = 10;

/// How much of two strings, arrays or objects is looked at for their likeness.
const SAMPLE_BYTES: usize = 256;
const SAMPLE_MEMBERS: usize = 16;

/// The places where two values disagree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first ones, in canonical order.
    pub list: Vec<Difference>,
    /// How many there are besides.
    pub more: usize,
}

/// One place where two values disagree.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The JSON pointer of the place. Places in arrays are those of the request,
    /// but for an item that only the recorded value has.
    pub path: String,
    /// The canonical text of what was recorded there, if anything was.
    pub recorded: Option<String>,
    /// The canonical text of what was requested there, if anything was.
    pub requested: Option<String>,
}

/// Returns the differences between two values, at most `limit` of them in full.
///
/// Arrays are aligned: an item that was put in or taken out is one difference,
/// and those behind it are compared with their counterparts.
pub fn differences(recorded: Node<'_>, requested: Node<'_>, limit: usize) -> Differences {
    let mut comparison =
        Comparison { path: Pointer::default(), limit, found: Differences::default() };
    comparison.values(recorded, requested);
    comparison.found
}

struct Comparison {
    path: Pointer,
    limit: usize,
    found: Differences,
}

impl Comparison {
    fn values(&mut self, recorded: Node<'_>, requested: Node<'_>) {
        if recorded.text() == requested.text() {
            return;
        }
        match (recorded.kind(), requested.kind()) {
            (Kind::Object, Kind::Object) => self.objects(recorded, requested),
            (Kind::Array, Kind::Array) => self.arrays(recorded, requested),
            _ => self.differ(Some(recorded), Some(requested)),
        }
    }

    fn objects(&mut self, recorded: Node<'_>, requested: Node<'_>) {
        let mut left = recorded.members().peekable();
        let mut right = requested.members().peekable();
        loop {
            // Members come in canonical order on both sides.
            let order = match (left.peek(), right.peek()) {
                (Some((a, _)), Some((b, _))) => string::compare_keys(a, b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return,
            };
            let old = if order.is_le() { left.next() } else { None };
            let new = if order.is_ge() { right.next() } else { None };
            if let Some((name, _)) = old.as_ref().or(new.as_ref()) {
                let (old, new) = (old.as_ref().map(|(_, a)| *a), new.as_ref().map(|(_, b)| *b));
                self.at(name, old, new);
            }
        }
    }

    fn arrays(&mut self, recorded: Node<'_>, requested: Node<'_>) {
        let left: Vec<_> = recorded.items().collect();
        let right: Vec<_> = requested.items().collect();
        let same = |(a, b): &(&Node<'_>, &Node<'_>)| a.text() == b.text();
        let head = left.iter().zip(&right).take_while(same).count();
        let behind = left[head..].iter().rev().zip(right[head..].iter().rev());
        let tail = behind.take_while(same).count();
        let middle = (&left[head..left.len() - tail], &right[head..right.len() - tail]);
        for pair in align(middle.0, middle.1) {
            let place = head + pair.1.or(pair.0).unwrap_or_default();
            let (old, new) = (pair.0.map(|at| middle.0[at]), pair.1.map(|at| middle.1[at]));
            self.at(&place.to_string(), old, new);
        }
    }

    /// Compares what is below one segment.
    fn at(&mut self, segment: &str, recorded: Option<Node<'_>>, requested: Option<Node<'_>>) {
        let length = self.path.as_str().len();
        self.path.push(segment);
        match (recorded, requested) {
            (Some(recorded), Some(requested)) => self.values(recorded, requested),
            _ => self.differ(recorded, requested),
        }
        self.path.truncate(length);
    }

    fn differ(&mut self, recorded: Option<Node<'_>>, requested: Option<Node<'_>>) {
        if self.found.list.len() == self.limit {
            self.found.more += 1;
            return;
        }
        let text = |node: Option<Node<'_>>| node.map(|node| node.text().to_owned());
        let (recorded, requested) = (text(recorded), text(requested));
        self.found.list.push(Difference { path: self.path.to_string(), recorded, requested });
    }
}

/// A place in either list, or in both.
type Pair = (Option<usize>, Option<usize>);

/// Pairs the items of two lists, in order, so that the pairs are most alike.
fn align(left: &[Node<'_>], right: &[Node<'_>]) -> Vec<Pair> {
    let (rows, columns) = (left.len(), right.len());
    if rows.saturating_mul(columns) > MAX_PAIRS {
        let longer = rows.max(columns);
        let within = |place, length| (place < length).then_some(place);
        return (0..longer).map(|place| (within(place, rows), within(place, columns))).collect();
    }
    // likeness[row][column] is that of the pair; best[row][column] is the sum of
    // the best alignment of what follows.
    let likeness: Vec<Vec<usize>> =
        left.iter().map(|a| right.iter().map(|b| likeness(*a, *b)).collect()).collect();
    let mut best = vec![vec![0; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let paired = likeness[row][column] + best[row + 1][column + 1];
            best[row][column] = paired.max(best[row + 1][column]).max(best[row][column + 1]);
        }
    }
    let mut pairs = Vec::with_capacity(rows.max(columns));
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        let here = best[row][column];
        if here == likeness[row][column] + best[row + 1][column + 1] {
            pairs.push((Some(row), Some(column)));
            (row, column) = (row + 1, column + 1);
        } else if here == best[row + 1][column] {
            pairs.push((Some(row), None));
            row += 1;
        } else {
            pairs.push((None, Some(column)));
            column += 1;
        }
    }
    pairs.extend((row..rows).map(|row| (Some(row), None)));
    pairs.extend((column..columns).map(|column| (None, Some(column))));
    pairs
}

/// Estimates how alike two values are, from 0 to [`EQUAL`].
fn likeness(a: Node<'_>, b: Node<'_>) -> usize {
    let (text, other) = (a.text(), b.text());
    if text == other {
        return EQUAL;
    }
    if a.kind() != b.kind() {
        return 0;
    }
    let (same, of) = match a.kind() {
        Kind::Object => {
            let theirs = b.members().take(SAMPLE_MEMBERS);
            let agrees = |(name, value): &(_, Node<'_>)| {
                theirs.clone().any(|(other, node)| *name == other && value.text() == node.text())
            };
            let same = a.members().take(SAMPLE_MEMBERS).filter(agrees).count();
            (same, a.len().max(b.len()).min(SAMPLE_MEMBERS))
        }
        Kind::String | Kind::Array => {
            let (text, other) = (text.as_bytes(), other.as_bytes());
            let head = text.iter().zip(other).take(SAMPLE_BYTES).take_while(|(a, b)| a == b);
            let tail = text.iter().rev().zip(other.iter().rev()).take(SAMPLE_BYTES);
            let same = head.count() + tail.take_while(|(a, b)| a == b).count();
            (same, text.len().max(other.len()).min(2 * SAMPLE_BYTES))
        }
        _ => (0, 1),
    };
    RELATED + (EQUAL - 2 * RELATED) * same.min(of) / of.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    fn found(recorded: &str, requested: &str, limit: usize) -> (Vec<String>, usize) {
        let recorded = Document::parse(recorded.as_bytes()).unwrap();
        let requested = Document::parse(requested.as_bytes()).unwrap();
        let found = differences(recorded.root(), requested.root(), limit);
        let absent = || "absent".to_owned();
        let line = |difference: Difference| {
            let old = difference.recorded.unwrap_or_else(absent);
            let new = difference.requested.unwrap_or_else(absent);
            format!("{}: {old} -> {new}", difference.path)
        };
        (found.list.into_iter().map(line).collect(), found.more)
    }

    fn lines(recorded: &str, requested: &str) -> Vec<String> {
        found(recorded, requested, 100).0
    }

    #[test]
    fn equal_values_have_none() {
        let spelled = r#"{"b": [1.0, "\u0061"], "a": 9007199254740993}"#;
        assert!(lines(r#"{"a":9007199254740993,"b":[1,"a"]}"#, spelled).is_empty());
        assert_eq!(lines("9007199254740993", "9007199254740992").len(), 1);
    }

    #[test]
    fn members_are_compared_by_name() {
        let recorded = r#"{"model":"a","n":1,"same":0,"x/y":{"z":true}}"#;
        let requested = r#"{"model":"b","same":0,"stop":null,"x/y":{"z":[1]}}"#;
        assert_eq!(
            lines(recorded, requested),
            [
                r#"/model: "a" -> "b""#,
                "/n: 1 -> absent",
                "/stop: absent -> null",
                "/x~1y/z: true -> [1]"
            ]
        );
    }

    #[test]
    fn an_inserted_message_is_one_difference() {
        let recorded = r#"[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}]"#;
        let requested = r#"[{"role":"system","content":"be kind"},{"role":"user","content":"new"},
            {"role":"user","content":"hi"}]"#;
        let inserted = r#"/1: absent -> {"content":"new","role":"user"}"#;
        assert_eq!(lines(recorded, requested), [inserted]);
        let removed = r#"/1: {"content":"new","role":"user"} -> absent"#;
        assert_eq!(lines(requested, recorded), [removed]);
    }

    #[test]
    fn a_changed_message_behind_an_inserted_one_is_compared_with_itself() {
        let recorded = r#"[{"role":"user","content":"what is the weather in Rome"},"end"]"#;
        let requested = r#"[{"role":"system","content":"be kind","name":"n"},
            {"role":"user","content":"what is the weather in Bern"},"end"]"#;
        assert_eq!(
            lines(recorded, requested),
            [
                r#"/0: absent -> {"content":"be kind","name":"n","role":"system"}"#,
                r#"/1/content: "what is the weather in Rome" -> "what is the weather in Bern""#,
            ]
        );
    }

    #[test]
    fn differences_beyond_the_limit_are_counted() {
        let (list, more) = found("[1,2,3,4,5]", "[6,7,8,9,10]", 2);
        assert_eq!((list, more), (vec!["/0: 1 -> 6".to_owned(), "/1: 2 -> 7".to_owned()], 3));
    }

    #[test]
    fn long_arrays_are_compared_item_by_item() {
        let numbers = |from: usize, to: usize| {
            let numbers: Vec<_> = (from..to).map(|number| number.to_string()).collect();
            format!("[{}]", numbers.join(","))
        };
        let (list, more) = found(&numbers(0, 50_000), &numbers(1, 50_003), 1);
        assert_eq!((list.len(), more), (1, 50_001));
    }
}
