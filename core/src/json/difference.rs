//! Differences between two JSON values.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::alignment::{Item, Pair, align, match_up};
use super::document::{Kind, Node};
use super::pointer::{Pointer, Segment};
use super::rules::Rules;
use super::string;

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
    differences_by(&Rules::default(), recorded, requested, limit)
}

/// Returns the differences between two values that `rules` do not allow.
///
/// A place is ignored if both values have it at an ignored pointer, and behind an item
/// that was put in or taken out if one of them has. So an item of an array in any order is
/// never made equal to one at another place by a pointer to either.
pub fn differences_by(
    rules: &Rules,
    recorded: Node<'_>,
    requested: Node<'_>,
    limit: usize,
) -> Differences {
    let found = Differences::default();
    let (old, new) = (Vec::new(), Vec::new());
    let mut comparison = Comparison { rules, old, new, reordered: false, limit, found };
    comparison.values(recorded, requested);
    comparison.found
}

struct Comparison<'r> {
    rules: &'r Rules,
    /// Where the walk is in the recorded value.
    old: Vec<Segment<'static>>,
    /// Where it is in the requested value; for what that lacks, where it is in the
    /// recorded one.
    new: Vec<Segment<'static>>,
    /// Whether the walk is within an item that stands elsewhere in an array in any order.
    reordered: bool,
    limit: usize,
    found: Differences,
}

impl Comparison<'_> {
    fn values(&mut self, recorded: Node<'_>, requested: Node<'_>) {
        if recorded.text() == requested.text() {
            return;
        }
        match (recorded.kind(), requested.kind()) {
            (Kind::Object, Kind::Object) => self.objects(recorded, requested),
            (Kind::Array, Kind::Array) => self.arrays(recorded, requested),
            (Kind::Number, Kind::Number) => {
                let numbers = self.rules.measured(recorded).zip(self.rules.measured(requested));
                if !numbers.is_some_and(|(a, b)| self.rules.close(a, b)) {
                    self.differ(Some(recorded), Some(requested));
                }
            }
            (Kind::String, Kind::String) => {
                let old = self.rules.nested(recorded, &self.old);
                match old.zip(self.rules.nested(requested, &self.new)) {
                    Some((old, new)) => self.values(old.root(), new.root()),
                    None => self.differ(Some(recorded), Some(requested)),
                }
            }
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
            let (a, b) = (old.as_ref().map(|(_, a)| *a), new.as_ref().map(|(_, b)| *b));
            if let Some((a, b)) = a.zip(b)
                && a.text() == b.text()
            {
                continue;
            }
            if let Some((name, _)) = old.or(new) {
                let name = Segment::Member(Cow::Owned(name.into_owned()));
                self.at(name.clone(), name, a, b);
            }
        }
    }

    fn arrays(&mut self, recorded: Node<'_>, requested: Node<'_>) {
        let left = self.rules.items(recorded, &mut self.old);
        let right = self.rules.items(requested, &mut self.new);
        if self.rules.unordered(&self.old) || self.rules.unordered(&self.new) {
            let pairs = match_up(self.rules, &left, &right);
            return self.items(&left, &right, pairs, true);
        }
        let same = |(a, b): &(&Item<'_>, &Item<'_>)| self.rules.equal(&a.2, &b.2);
        let head = left.iter().zip(&right).take_while(same).count();
        let behind = left[head..].iter().rev().zip(right[head..].iter().rev());
        let tail = behind.take_while(same).count();
        let (left, right) = (&left[head..left.len() - tail], &right[head..right.len() - tail]);
        self.items(left, right, align(self.rules, left, right), false);
    }

    /// Compares the items of two lists in pairs.
    fn items(&mut self, left: &[Item<'_>], right: &[Item<'_>], pairs: Vec<Pair>, unordered: bool) {
        let reordered = self.reordered;
        for (old, new) in pairs {
            let (old, new) = (old.map(|at| &left[at]), new.map(|at| &right[at]));
            if let Some((old, new)) = old.zip(new)
                && self.rules.equal(&old.2, &new.2)
            {
                continue;
            }
            let place = |item: Option<&Item<'_>>| item.map(|(place, ..)| Segment::Item(*place));
            if let Some((was, is)) = place(old.or(new)).zip(place(new.or(old))) {
                self.reordered = reordered || unordered && was != is;
                self.at(was, is, old.map(|item| item.1), new.map(|item| item.1));
            }
        }
        self.reordered = reordered;
    }

    /// Compares what is below one segment of each.
    fn at(
        &mut self,
        was: Segment<'static>,
        is: Segment<'static>,
        recorded: Option<Node<'_>>,
        requested: Option<Node<'_>>,
    ) {
        self.old.push(was);
        self.new.push(is);
        let ignored = (self.rules.ignored(&self.old), self.rules.ignored(&self.new));
        if ignored == (false, false) {
            match (recorded, requested) {
                (Some(recorded), Some(requested)) => self.values(recorded, requested),
                _ => self.differ(recorded, requested),
            }
        } else if ignored != (true, true) && self.reordered {
            self.differ(recorded, requested);
        }
        self.old.pop();
        self.new.pop();
    }

    fn differ(&mut self, recorded: Option<Node<'_>>, requested: Option<Node<'_>>) {
        if self.found.list.len() == self.limit {
            self.found.more += 1;
            return;
        }
        let path = Pointer::from(self.new.as_slice()).to_string();
        let text = |node: Option<Node<'_>>| node.map(|node| node.text().to_owned());
        let (recorded, requested) = (text(recorded), text(requested));
        self.found.list.push(Difference { path, recorded, requested });
    }
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
    fn long_integers_are_not_close_by_being_one_double() {
        let lines = |recorded: &str, requested: &str, epsilon| {
            let [old, new] =
                [recorded, requested].map(|text| Document::parse(text.as_bytes()).unwrap());
            let rules = Rules::new(&[], &["/a".to_owned()], epsilon, false).unwrap();
            differences_by(&rules, old.root(), new.root(), 10).list.len()
        };
        let (one, other) = ("9007199254740993", "9007199254740992");
        let in_array = |id: &str| format!("{{\"a\":[{id}]}}");
        assert_eq!(lines(one, other, 0.001), 1);
        assert_eq!(lines(&in_array(one), &in_array(other), 0.001), 1);
        assert_eq!(lines("9007199254740992", "9007199254740994", 0.001), 1);
        assert_eq!(lines("9007199254740992", "9007199254740994", 2.0), 0);
        assert_eq!(lines("1e30", "1.0000000000000001e30", 1e20), 0);
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
    fn a_pointer_to_one_place_ignores_nothing_of_a_reordered_item() {
        let count = |recorded: &str, requested: &str, ignored: &str| {
            let [old, new] =
                [recorded, requested].map(|text| Document::parse(text.as_bytes()).unwrap());
            let rules = Rules::new(&[ignored.to_owned()], &[String::new()], 0.0, false).unwrap();
            differences_by(&rules, old.root(), new.root(), 10).list.len()
        };
        let (one, other) = (r#"[{"x":1,"y":1},{"x":2,"y":2}]"#, r#"[{"x":7,"y":2},{"x":8,"y":1}]"#);
        assert_eq!(count(one, other, "/0/x"), 2);
        assert_eq!(count(one, other, "/*/x"), 0);
        assert_eq!(count(one, r#"[{"x":7,"y":1},{"x":2,"y":2}]"#, "/0/x"), 0);
    }

    #[test]
    fn differences_beyond_the_limit_are_counted() {
        let (list, more) = found("[1,2,3,4,5]", "[6,7,8,9,10]", 2);
        assert_eq!((list, more), (vec!["/0: 1 -> 6".to_owned(), "/1: 2 -> 7".to_owned()], 3));
    }

    #[test]
    fn long_arrays_are_compared_around_what_both_have_once() {
        let numbers = |from: usize, to: usize| {
            let numbers: Vec<_> = (from..to).map(|number| number.to_string()).collect();
            format!("[{}]", numbers.join(","))
        };
        let (list, more) = found(&numbers(0, 50_000), &numbers(1, 50_003), 1);
        assert_eq!((list, more), (vec!["/0: 0 -> absent".to_owned()], 3));
        // Nothing is in both: item by item.
        let (_, more) = found(&numbers(0, 50_000), &numbers(50_000, 100_003), 0);
        assert_eq!(more, 50_003);
    }

    #[test]
    fn a_long_array_that_repeats_itself_is_compared_in_a_moment() {
        let items = |name: &str| {
            let item = |n: usize| format!("{{\"name\":\"{name}\",\"n\":{}}}", n % 100);
            // Every hundredth item is in both, and once.
            let once = |n: usize| format!("[{n}]");
            let of = |n: usize| if n.is_multiple_of(100) { once(n) } else { item(n) };
            let items: Vec<_> = (0..20_000).map(of).collect();
            format!("[{}]", items.join(","))
        };
        let (list, more) = found(&items("a"), &items("b"), 1);
        assert_eq!((list, more), (vec![r#"/1/name: "a" -> "b""#.to_owned()], 19_799));
    }

    #[test]
    fn what_moved_in_a_long_array_is_removed_and_added() {
        let swapped = |first: usize, second: usize| {
            let numbers: Vec<_> = (0..1_000)
                .map(|n| {
                    if n == first {
                        second
                    } else if n == second {
                        first
                    } else {
                        n
                    }
                })
                .map(|number| number.to_string())
                .collect();
            format!("[{}]", numbers.join(","))
        };
        let lines = lines(&swapped(0, 0), &swapped(1, 990));
        assert_eq!(lines, ["/1: 1 -> 990", "/990: 990 -> 1"]);
    }

    #[test]
    fn long_arrays_in_any_order_are_compared_in_a_moment() {
        let items = |name: &str| {
            let item = |n: usize| format!("{{\"name\":\"{name}\",\"n\":{}}}", n * 7 % 10_000);
            let items: Vec<_> = (0..10_000).map(item).collect();
            format!("[{}]", items.join(","))
        };
        let (old, new) = (items("a"), items("b"));
        let documents = [&old, &new].map(|text| Document::parse(text.as_bytes()).unwrap());
        let [old, new] = documents.each_ref().map(Document::root);
        for epsilon in [0.0, 0.5] {
            let rules = Rules::new(&[], &[String::new()], epsilon, false).unwrap();
            let found = differences_by(&rules, old, new, 1);
            assert_eq!((found.list[0].path.as_str(), found.more), ("/0/name", 9_999));
        }
        let rules = Rules::new(&["/*/name".to_owned()], &[String::new()], 0.0, false).unwrap();
        assert_eq!(differences_by(&rules, old, new, 1), Differences::default());
    }
}
