//! The table of comparisons that every language runs; see `tests/fixtures/README.md`.
#![allow(clippy::unwrap_used)]

use f3dx_cache_core::diff::{
    ChangeKind, Comparison, DiffMode, DiffOptions, Differ, Endpoint, ModelCalls, Question, Verdict,
};
use f3dx_cache_core::{Cache, Options};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

const CASES: &str = include_str!("../../tests/fixtures/diff_cases.jsonl");

#[derive(Deserialize)]
struct Case {
    name: String,
    options: DiffOptions,
    before: Option<String>,
    before_hex: Option<String>,
    after: Option<String>,
    after_hex: Option<String>,
    #[serde(default)]
    question: Asked,
    models: Option<Models>,
    expect: Expect,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    system: Option<String>,
    prompt: Option<String>,
}

/// What models reply.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Models {
    #[serde(default)]
    vectors: HashMap<String, Vec<f64>>,
    #[serde(default)]
    replies: Vec<Scripted>,
    #[serde(skip)]
    calls: AtomicUsize,
    #[serde(skip)]
    judged: AtomicUsize,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scripted {
    Says(String),
    Fails { error: String },
}

impl ModelCalls for Models {
    fn call(&self, endpoint: Endpoint, request: &[u8]) -> Result<Vec<u8>, String> {
        self.calls.fetch_add(1, Relaxed);
        if endpoint == Endpoint::Embeddings {
            let request: Value = serde_json::from_slice(request).unwrap();
            let texts = request["input"].as_array().unwrap();
            let data = texts
                .iter()
                .map(|text| json!({ "embedding": self.vectors[text.as_str().unwrap()] }));
            return Ok(json!({ "data": data.collect::<Vec<_>>() }).to_string().into_bytes());
        }
        let said = match &self.replies[self.judged.fetch_add(1, Relaxed)] {
            Scripted::Says(said) => said,
            Scripted::Fails { error } => return Err(error.clone()),
        };
        let response = match endpoint {
            Endpoint::Messages => json!({ "content": [{ "type": "text", "text": said }] }),
            _ => json!({ "choices": [{ "message": { "content": said } }] }),
        };
        Ok(response.to_string().into_bytes())
    }
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
    #[serde(default, deserialize_with = "present")]
    score: Option<String>,
    calls: Option<usize>,
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
    let score = comparison.score.map_or("null".to_owned(), |score| format!("{score:.6}"));
    let rounded =
        |text: &str| text.parse().map_or(text.to_owned(), |score: f64| format!("{score:.6}"));
    if expect.score.as_ref().is_some_and(|expected| rounded(expected) != score) {
        return Some(format!("score {score}"));
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
fn every_case_with_models_comes_out_as_expected_and_again_without_a_call() {
    let mut wrong = Vec::new();
    for case in cases() {
        let Some(models) = &case.models else { continue };
        let before = input(case.before.as_deref(), case.before_hex.as_deref());
        let after = input(case.after.as_deref(), case.after_hex.as_deref());
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("llm.redb"), Options::default()).unwrap();
        let Asked { system, prompt } = &case.question;
        let question = Question { system: system.clone(), prompt: prompt.clone() };
        let run = || {
            let differ = Differ::new(case.options.clone()).unwrap().with_models(models);
            let differ = differ.with_cache(cache.clone());
            let comparison = differ.compare(&question, &before, &after).unwrap();
            (comparison, models.calls.swap(0, Relaxed))
        };
        let (comparison, calls) = run();
        let miscounted = case.expect.calls.filter(|expected| *expected != calls);
        let flaw = miscounted.map(|_| format!("{calls} calls")).or(flaw(&case, &comparison));
        if let Some(flaw) = flaw {
            wrong.push(format!("{}: {flaw}\n  note: {}", case.name, comparison.note));
            continue;
        }
        let from_judge = comparison.mode == DiffMode::Judge;
        if from_judge && matches!(comparison.verdict, Verdict::Skipped | Verdict::Error) {
            continue;
        }
        let (again, calls) = run();
        let told = |one: &Comparison| (one.verdict, one.score, one.note.clone());
        if calls > 0 || told(&again) != told(&comparison) {
            wrong.push(format!("{}: again: {calls} calls, {}", case.name, again.note));
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
