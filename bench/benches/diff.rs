//! Comparisons of two outputs; `structured` against the plain route, which parses
//! both with serde_json and compares. All in one run, since only the ratio travels
//! between machines.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use f3dx_cache_core::diff::{DiffMode, DiffOptions, Differ, Question, Verdict};
use serde_json::{Value, json};

const OUTPUT: &str = f3dx_cache_bench::REQUEST;

fn differ(options: DiffOptions) -> Differ<'static> {
    Differ::new(options).unwrap()
}

fn structured() -> DiffOptions {
    DiffOptions { mode: DiffMode::Structured, ..DiffOptions::default() }
}

fn outputs_of_2_kb(criterion: &mut Criterion) {
    let before = OUTPUT.as_bytes();
    let value: Value = serde_json::from_str(OUTPUT).unwrap();
    // Sorted by name, without spaces, and as indented as people like it.
    let after = value.to_string().into_bytes();
    let indented = serde_json::to_vec_pretty(&value).unwrap();
    let mut other = value.clone();
    other["stamp"] = json!("2024-03-17T10:00:00Z");
    let stamped = other.to_string().into_bytes();
    let question = Question::default();

    let mut group = criterion.benchmark_group("2 KB outputs");
    group.throughput(Throughput::Bytes(before.len() as u64));
    let mut run = |name: &str, options, before: &[u8], after: &[u8], verdict| {
        let differ = differ(options);
        assert_eq!(differ.compare(&question, before, after).unwrap().verdict, verdict);
        group.bench_function(name, |bench| {
            bench.iter(|| differ.compare(&question, black_box(before), black_box(after)).unwrap());
        });
    };
    let bytes = DiffOptions { mode: DiffMode::Bytes, ..DiffOptions::default() };
    let ignoring = DiffOptions { ignore: vec!["/stamp".to_owned()], ..structured() };
    let copy = before.to_vec();
    run("bytes, equal", bytes.clone(), before, &copy, Verdict::Same);
    run("bytes, different", bytes, before, &after, Verdict::Different);
    run("structured, respelled", structured(), before, &after, Verdict::Same);
    run("structured, indented", structured(), before, &indented, Verdict::Same);
    run("structured, one ignored", ignoring, before, &stamped, Verdict::Same);
    run("structured, one different", structured(), before, &stamped, Verdict::Different);
    group.bench_function("plain route, respelled", |bench| {
        bench.iter(|| {
            let parse = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
            assert!(parse(black_box(before)) == parse(black_box(&after)));
        });
    });
    group.finish();
}

/// Makes an output of 200 KB with `count` items; `id` is what every item differs in.
fn items(count: usize, id: &str) -> Vec<Value> {
    let item = |n: usize| {
        let text = format!("The invoice {n} was paid in full. ").repeat(200_000 / 36 / count);
        json!({"id": format!("{id}{n}"), "n": n, "text": text, "tags": ["a", n % 7], "ok": true})
    };
    (0..count).map(item).collect()
}

fn outputs_of_200_kb(criterion: &mut Criterion) {
    let question = Question::default();
    let mut group = criterion.benchmark_group("200 KB outputs");
    group.sample_size(20);
    let mut run = |name: String, options: DiffOptions, before: &[Value], after: &[Value]| {
        let (before, after) = (json!(before).to_string(), json!(after).to_string());
        let differ = differ(options);
        group.bench_function(name, |bench| {
            bench.iter(|| differ.compare(&question, before.as_bytes(), after.as_bytes()).unwrap());
        });
    };
    for count in [100, 1000] {
        let (before, other) = (items(count, "a"), items(count, "b"));
        let mut removed = before.clone();
        removed[count - 10]["n"] = json!("changed");
        removed.remove(10);
        let mut turned = other.clone();
        turned.reverse();
        turned[0]["n"] = json!("changed");
        let ignoring = DiffOptions { ignore: vec!["/*/id".to_owned()], ..structured() };
        let unordered = DiffOptions { unordered: vec![String::new()], ..structured() };
        let both = DiffOptions { ignore: ignoring.ignore.clone(), ..unordered.clone() };
        run(format!("{count} items, two different"), structured(), &before, &removed);
        run(format!("{count} items, all different"), structured(), &before, &other);
        run(format!("{count} items, ids ignored"), ignoring, &before, &other);
        run(format!("{count} items, unordered, all different"), unordered, &before, &turned);
        run(format!("{count} items, unordered, ids ignored"), both, &before, &turned);
    }
    group.finish();
}

criterion_group!(benches, outputs_of_2_kb, outputs_of_200_kb);
criterion_main!(benches);
