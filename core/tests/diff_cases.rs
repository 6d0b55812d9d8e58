//! The table of comparisons that every language runs; see `tests/fixtures/README.md`.
#![allow(clippy::unwrap_used)]

use f3dx_cache_core::diff::{
    ChangeKind, Comparison, DiffMode, DiffOptions, Differ, Question, Verdict,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

const CASES: &str = include_str!("../../tests/fixtures/diff_cases.jsonl");

#[derive(Deserialize)]
struct Case {
    name: String,
    options: DiffOptions,
    before: Option<String>,
    before_hex: Option<String>,
    after: Option<String>,
    after_hex: Option<String>,
    /// Replies of models, which another test scripts.
    models: Option<Value>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    verdict: Verdict,
    mode: Option<DiffMode>,
    #[serde(default)]
    note_contains: Vec<String>,
    differences: Option<Vec<Difference>>,
    more: Option<usize>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    path: String,
    kind: ChangeKind,
    #[serde(default, deserialize_with = "present")]
    before: Option<String>,
    #[serde(default, deserialize_with = "present")]
    after: Option<String>,
}

/// Reads a value that is there, `null` included, as its canonical text.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let canonical = f3dx_cache_core::canonicalize(raw.get().as_bytes());
    canonical.map(|text| Some(String::from_utf8(text).unwrap())).map_err(serde::de::Error::custom)
}

fn input(text: Option<&str>, hex: Option<&str>) -> Vec<u8> {
    match (text, hex) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(hex)) => {
            let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (0..hex.len()).step_by(2).map(byte).collect()
        }
        _ => panic!("a case has a text or its hex digits"),
    }
}

fn cases() -> Vec<Case> {
    CASES.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Says what is not as expected.
fn flaw(case: &Case, comparison: &Comparison) -> Option<String> {
    let expect = &case.expect;
    if comparison.verdict != expect.verdict {
        return Some(format!("verdict {:?}", comparison.verdict));
    }
    if expect.mode.is_some_and(|mode| mode != comparison.mode) {
        return Some(format!("mode {:?}", comparison.mode));
    }
    if let Some(part) = expect.note_contains.iter().find(|part| !comparison.note.contains(*part)) {
        return Some(format!("the note lacks {part:?}"));
    }
    if expect.more.is_some_and(|more| more != comparison.more) {
        return Some(format!("{} more", comparison.more));
    }
    let text = |value: &Option<Box<RawValue>>| value.as_ref().map(|value| value.get().to_owned());
    let found: Vec<_> = comparison
        .differences
        .iter()
        .map(|change| Difference {
            path: change.path.clone(),
            kind: change.kind,
            before: text(&change.before),
            after: text(&change.after),
        })
        .collect();
    let differences = expect.differences.as_ref();
    differences.is_some_and(|expected| *expected != found).then(|| format!("{found:#?}"))
}

#[test]
fn every_case_without_models_comes_out_as_expected() {
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case.models.is_none()) {
        let before = input(case.before.as_deref(), case.before_hex.as_deref());
        let after = input(case.after.as_deref(), case.after_hex.as_deref());
        let differ = Differ::new(case.options.clone()).unwrap();
        let comparison = differ.compare(&Question::default(), &before, &after).unwrap();
        if let Some(flaw) = flaw(case, &comparison) {
            wrong.push(format!("{}: {flaw}\n  note: {}", case.name, comparison.note));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_case_has_its_own_name() {
    let mut names: Vec<_> = cases().into_iter().map(|case| case.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}
