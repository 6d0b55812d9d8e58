//! The canonical form against `serde_json` and `serde_json_canonicalizer`: on
//! every text that both sides accept, they agree. Integers beyond 2^53 are left
//! out, since the canonical form here keeps their digits; so are duplicate keys,
//! which `serde_json` lets pass.
#![allow(clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::fmt::Write;

use f3dx_cache_core::json::{Canonicalizer, Document, Node, to_canonical};
use f3dx_cache_core::{JsonErrorKind, canonicalize, fingerprint};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

/// A value and how to spell it: the same value has many texts.
#[derive(Clone, Debug)]
enum Json {
    Word(&'static str),
    Number(String),
    Text(Vec<Letter>),
    Array(Vec<Json>, Space),
    Object(Vec<(Vec<Letter>, Json)>, Space),
}

/// A character, and how it is escaped where there is a choice.
#[derive(Clone, Copy, Debug)]
struct Letter(char, u8);

type Space = &'static str;

fn space() -> impl Strategy<Value = Space> {
    select(vec!["", "", " ", "\n  ", "\t\r"])
}

fn letter() -> impl Strategy<Value = Letter> {
    let special = "\0\u{1}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"\\/\u{7f}\u{80}\u{9f}éß\u{7ff}\u{800}\
        \u{2028}\u{2029}\u{d7ff}\u{e000}\u{feff}\u{fffd}\u{ffff}\u{10000}😀\u{10ffff}";
    let special: Vec<char> = special.chars().collect();
    let letter = prop_oneof![4 => select(('a'..='f').collect::<Vec<_>>()), 2 => select(special),
        1 => any::<char>()];
    (letter, 0..6_u8).prop_map(|(letter, escape)| Letter(letter, escape))
}

fn text() -> impl Strategy<Value = Vec<Letter>> {
    prop_oneof![8 => vec(letter(), 0..6), 1 => vec(letter(), 0..80)]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "-?(0|[1-9][0-9]{0,14})",
        1 => "-?(0|[1-9][0-9]{0,24})",
        2 => "-?(0|[1-9][0-9]{0,17})\\.[0-9]{1,20}",
        2 => "-?(0|[1-9][0-9]{0,2})\\.0{0,9}[0-9]{1,9}",
        2 => "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,9})?[eE][+-]?0?[0-9]{1,2}",
        1 => "-?[0-9]\\.[0-9]{1,17}e-?(2[0-9]{2}|30[0-9]|3[1-9][0-9])",
        2 => any::<f64>().prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| format!("{value:e}")),
        1 => any::<f64>().prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| format!("{value:?}")),
        1 => (-9_007_199_254_740_992_i64..=9_007_199_254_740_992).prop_map(|n| n.to_string()),
    ]
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        1 => select(vec!["null", "true", "false"]).prop_map(Json::Word),
        2 => number().prop_map(Json::Number),
        2 => text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(5, 40, 8, |inner| {
        let member = (text(), inner.clone());
        prop_oneof![
            1 => (vec(inner, 0..6), space()).prop_map(|(items, space)| Json::Array(items, space)),
            2 => (vec(member, 0..9), space())
                .prop_map(|(members, space)| Json::Object(members, space)),
        ]
    })
}

fn spelled(json: &Json) -> Vec<u8> {
    let mut text = String::new();
    spell(json, &mut text);
    text.into_bytes()
}

fn spell(json: &Json, out: &mut String) {
    match json {
        Json::Word(word) => out.push_str(word),
        Json::Number(token) => out.push_str(token),
        Json::Text(letters) => spell_text(letters, out),
        Json::Array(items, space) => {
            for (place, item) in items.iter().enumerate() {
                out.extend([if place == 0 { "[" } else { "," }, space]);
                spell(item, out);
                out.push_str(space);
            }
            out.push_str(if items.is_empty() { "[" } else { "" });
            out.extend([space, "]"]);
        }
        Json::Object(members, space) => {
            for (place, (name, value)) in members.iter().enumerate() {
                out.extend([if place == 0 { "{" } else { "," }, space]);
                spell_text(name, out);
                out.extend([space, ":", space]);
                spell(value, out);
                out.push_str(space);
            }
            out.push_str(if members.is_empty() { "{" } else { "" });
            out.extend([space, "}"]);
        }
    }
}

fn spell_text(letters: &[Letter], out: &mut String) {
    out.push('"');
    for &Letter(letter, escape) in letters {
        let short = match letter {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '/' => Some("\\/"),
            '\u{8}' => Some("\\b"),
            '\t' => Some("\\t"),
            '\n' => Some("\\n"),
            '\u{c}' => Some("\\f"),
            '\r' => Some("\\r"),
            _ => None,
        };
        let must = letter < ' ' || letter == '"' || letter == '\\';
        match (escape, short) {
            (..=3, Some(short)) => out.push_str(short),
            (..=3, None) if !must => out.push(letter),
            (4, _) => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                write!(out, "\\u{unit:04X}").unwrap();
            }),
            (_, _) => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                write!(out, "\\u{unit:04x}").unwrap();
            }),
        }
    }
    out.push('"');
}

/// Whether there is an integer token that the two sides spell differently.
fn has_large_integer(node: Node<'_>) -> bool {
    let large = || {
        let digits = node.text().trim_start_matches('-');
        let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
        is_integer && !digits.parse().is_ok_and(|value: u64| value <= 1 << 53)
    };
    large()
        || node.items().any(has_large_integer)
        || node.members().any(|(_, value)| has_large_integer(value))
}

/// Checks all that is promised about one text; says whether both sides took it.
fn check(text: &[u8]) -> Result<bool, TestCaseError> {
    let theirs = serde_json::from_slice::<Value>(text).ok();
    let ours = match canonicalize(text) {
        Ok(ours) => ours,
        Err(error) => {
            let (kind, at) = error.json_kind().unwrap();
            prop_assert!(at <= text.len());
            prop_assert!(fingerprint(text).is_err());
            let lenient = kind == JsonErrorKind::DuplicateKey;
            prop_assert!(lenient || theirs.is_none(), "only we refuse: {}", error);
            return Ok(false);
        }
    };
    // What is canonical stays.
    prop_assert_eq!(&canonicalize(&ours).unwrap(), &ours);
    prop_assert_eq!(fingerprint(text).unwrap(), fingerprint(&ours).unwrap());
    let document = Document::parse(&ours).unwrap();
    prop_assert_eq!(document.text().as_bytes(), &ours);
    let Some(theirs) = theirs else {
        // They refuse integers of more than 309 digits; nothing else.
        prop_assert!(text.len() > 300, "only we accept");
        return Ok(false);
    };
    if has_large_integer(document.root()) {
        return Ok(false);
    }
    let expected = serde_json_canonicalizer::to_vec(&theirs).unwrap();
    prop_assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&expected));
    prop_assert_eq!(&to_canonical(&theirs).unwrap(), &expected);
    Ok(true)
}

/// One change of a text, at a place given as a share of its length.
#[derive(Clone, Debug)]
enum Mutation {
    Insert(Index, &'static str),
    Remove(Index),
    Byte(Index, u8),
    Repeat(Index, Index),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let pieces = vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        " ",
        "\u{b}",
        "\u{a0}",
        "\u{feff}",
        "null",
        "NaN",
        "-",
        "0",
        "00",
        ".",
        "e",
        "E+",
        "1e400",
        "9e999",
        "1e-400",
        "-0",
        "-0.0",
        "\\u",
        "\\ud800",
        "\\udc00",
        "\\uD83D\\uDE00",
        "\\u0000",
        "\\x",
        "\"a\":1,",
        "//",
        "/**/",
        "'",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "]]]]]]]]",
        "\n",
        "\0",
        "\u{7f}",
        "é",
        "😀",
    ];
    prop_oneof![
        4 => (any::<Index>(), select(pieces)).prop_map(|(at, text)| Mutation::Insert(at, text)),
        2 => any::<Index>().prop_map(Mutation::Remove),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ]
}

fn mutate(text: &mut Vec<u8>, mutation: &Mutation) {
    let place = |index: &Index| index.index(text.len() + 1);
    match mutation {
        Mutation::Insert(at, new) => {
            let at = place(at);
            text.splice(at..at, new.bytes());
        }
        Mutation::Remove(at) if !text.is_empty() => {
            text.remove(at.index(text.len()));
        }
        Mutation::Byte(at, byte) if !text.is_empty() => {
            let at = at.index(text.len());
            text[at] = *byte;
        }
        Mutation::Repeat(from, to) => {
            let (from, to) = (place(from), place(to));
            let part = text[from.min(to)..from.max(to)].to_vec();
            text.splice(from..from, part);
        }
        Mutation::Cut(at) => text.truncate(place(at)),
        Mutation::Remove(_) | Mutation::Byte(..) => {}
    }
}

/// Runs `check` on this many texts; returns how many both sides took.
fn agreed<T: std::fmt::Debug>(
    cases: u32,
    given: impl Strategy<Value = T>,
    text: impl Fn(&T) -> Vec<u8>,
) -> u32 {
    let agreed = Cell::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&given, |given| {
        agreed.set(agreed.get() + u32::from(check(&text(&given))?));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    agreed.get()
}

#[test]
fn every_spelling_of_a_document_agrees_with_the_oracle() {
    let agreed = agreed(30_000, json(), spelled);
    assert!(agreed >= 20_000, "only {agreed} documents were compared");
}

#[test]
fn a_damaged_text_is_refused_or_agrees_with_the_oracle() {
    let given = (json(), vec(mutation(), 1..4));
    let agreed = agreed(30_000, given, |(json, mutations)| {
        let mut text = spelled(json);
        mutations.iter().for_each(|mutation| mutate(&mut text, mutation));
        text
    });
    assert!(agreed >= 2_000, "only {agreed} texts survived");
}

#[test]
fn one_canonicalizer_serves_many_texts() {
    let canonicalizer = RefCell::new((Canonicalizer::new(), Vec::new()));
    agreed(5_000, json(), |json| {
        let text = spelled(json);
        let (canonicalizer, out) = &mut *canonicalizer.borrow_mut();
        let reused = canonicalizer.canonicalize(&text, out).is_ok();
        assert_eq!(reused.then_some(&*out), canonicalize(&text).as_ref().ok());
        text
    });
}
