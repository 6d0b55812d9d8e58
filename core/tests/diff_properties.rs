//! What holds of any two outputs.
#![allow(clippy::unwrap_used)]

use f3dx_cache_core::diff::{Comparison, DiffMode, DiffOptions, Differ, Question, Verdict};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_i64..9).prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "[a-c/~\\n\"é😀]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map("[a-c/~é]{0,2}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Spells a value with its members in any order, and white space and escapes anywhere.
fn respell(value: &Value, chance: &mut Chance, out: &mut String) {
    let space = |chance: &mut Chance, out: &mut String| {
        out.push_str(["", " ", "\n\t", "\r\n"][chance.below(4)]);
    };
    space(chance, out);
    match value {
        Value::Array(items) => {
            out.push('[');
            for (nth, item) in items.iter().enumerate() {
                out.push_str(if nth > 0 { "," } else { "" });
                respell(item, chance, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            chance.shuffle(&mut members);
            out.push('{');
            for (nth, (name, value)) in members.into_iter().enumerate() {
                out.push_str(if nth > 0 { "," } else { "" });
                respell(&json!(name), chance, out);
                out.push(':');
                respell(value, chance, out);
            }
            out.push('}');
        }
        Value::String(text) if chance.below(2) == 0 => {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            out.extend(std::iter::once("\"".to_owned()).chain(units));
            out.push('"');
        }
        Value::Number(number) if number.is_i64() && chance.below(2) == 0 => {
            out.push_str(&format!("{number}.0"));
        }
        _ => out.push_str(&value.to_string()),
    }
    space(chance, out);
}

/// A source of choices that a failing case can repeat.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// Lists the pointers of all values that have nothing below them.
fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{place}"), out);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{path}/{name}"), out);
            }
        }
        _ => out.push(path.to_owned()),
    }
}

fn compare(options: DiffOptions, before: &[u8], after: &[u8]) -> Comparison {
    let differ = Differ::new(options).unwrap();
    differ.compare(&Question::default(), before, after).unwrap()
}

fn structured() -> DiffOptions {
    DiffOptions { mode: DiffMode::Structured, ..DiffOptions::default() }
}

proptest! {
    #[test]
    fn another_spelling_is_the_same(value in value(), seed in any::<u64>()) {
        let mut respelled = String::new();
        respell(&value, &mut Chance(seed), &mut respelled);
        let nested = DiffOptions { nested_json: true, epsilon: 0.1, ..structured() };
        for options in [structured(), nested] {
            let comparison = compare(options, value.to_string().as_bytes(), respelled.as_bytes());
            prop_assert_eq!(comparison.verdict, Verdict::Same, "{}", comparison.note);
        }
    }

    #[test]
    fn one_other_leaf_is_one_difference_at_its_pointer(value in value(), leaf in any::<Index>()) {
        let mut pointers = Vec::new();
        leaves(&value, "", &mut pointers);
        let pointer = leaf.get(&pointers);
        let mut other = value.clone();
        *other.pointer_mut(pointer).unwrap() = json!("another");
        let [before, after] = [&value, &other].map(|value| value.to_string().into_bytes());
        let plain = compare(structured(), &before, &after);
        let rules = compare(DiffOptions { epsilon: 1e-9, ..structured() }, &before, &after);
        for comparison in [plain, rules] {
            prop_assert_eq!(comparison.verdict, Verdict::Different);
            let found: Vec<_> = comparison.differences.iter().map(|d| &d.path).collect();
            prop_assert_eq!(found, [pointer]);
            let new = comparison.differences[0].after.as_ref().map(|value| value.get());
            prop_assert_eq!(new, Some("\"another\""));
        }
        if !pointer.is_empty() {
            let ignoring = DiffOptions { ignore: vec![pointer.clone()], ..structured() };
            prop_assert_eq!(compare(ignoring, &before, &after).verdict, Verdict::Same);
        }
    }

    #[test]
    fn a_shuffled_array_is_the_same_where_order_does_not_matter(
        items in vec(value(), 0..12),
        seed in any::<u64>(),
    ) {
        let mut shuffled = items.clone();
        Chance(seed).shuffle(&mut shuffled);
        let (before, after) = (Value::from(items).to_string(), Value::from(shuffled).to_string());
        for (ignore, epsilon) in [(vec![], 0.0), (vec!["/*/a".to_owned()], 0.0), (vec![], 1e-9)] {
            let unordered = vec![String::new()];
            let options = DiffOptions { unordered, ignore, epsilon, ..structured() };
            let comparison = compare(options, before.as_bytes(), after.as_bytes());
            prop_assert_eq!(comparison.verdict, Verdict::Same, "{}", comparison.note);
        }
    }

    #[test]
    fn shuffled_numbers_are_the_same_if_each_is_close(
        numbers in vec((-9.0..9.0_f64, -1.0..1.0_f64), 0..20),
        seed in any::<u64>(),
    ) {
        let before: Vec<_> = numbers.iter().map(|(number, _)| *number).collect();
        let mut after: Vec<_> = numbers.iter().map(|(number, by)| number + by).collect();
        Chance(seed).shuffle(&mut after);
        let unordered = vec![String::new()];
        let options = DiffOptions { unordered, epsilon: 1.000001, ..structured() };
        let (before, after) = (json!(before).to_string(), json!(after).to_string());
        let comparison = compare(options, before.as_bytes(), after.as_bytes());
        prop_assert_eq!(comparison.verdict, Verdict::Same, "{}", comparison.note);
    }

    #[test]
    fn no_bytes_are_too_much(before in text(), after in text()) {
        for mode in [DiffMode::Bytes, DiffMode::Structured, DiffMode::Cascade] {
            for on in [false, true] {
                let rules = [String::new(), "/*".to_owned(), "/a/*/b".to_owned()];
                let options = DiffOptions {
                    mode,
                    ignore: if on { rules[2..].to_vec() } else { Vec::new() },
                    unordered: if on { rules[..2].to_vec() } else { Vec::new() },
                    epsilon: if on { 0.5 } else { 0.0 },
                    fenced_json: on,
                    nested_json: on,
                    ..DiffOptions::default()
                };
                let comparison = compare(options, &before, &after);
                prop_assert!(before != after || comparison.verdict != Verdict::Different);
                prop_assert!(comparison.note.lines().count() <= 22);
            }
        }
    }
}

/// Bytes of any kind, and texts that begin like JSON or have a fence.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let like = vec(
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\\",
            "\\u",
            "d800",
            "a",
            "b",
            "1",
            "-",
            "1e9",
            "```json\n",
            "```\n",
            "~~~",
            "\n",
            " ",
            "é",
            "\u{feff}",
            "null",
            "\"a\":",
            "[1,2]",
            "\"[1]\"",
            "{\"a\":\"{}\"}",
        ]),
        0..24,
    );
    prop_oneof![vec(any::<u8>(), 0..60), like.prop_map(|parts| parts.concat().into_bytes())]
}
