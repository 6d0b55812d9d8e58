//! The seeds and findings of every fuzz target, and mutations of each, without
//! libFuzzer: the modules of `tests/fuzz` run here as they are.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fuzz/src/call.rs"]
mod call;
#[path = "../fuzz/src/canonicalize.rs"]
mod canonicalize;
#[path = "../fuzz/src/config.rs"]
mod config;
#[path = "../fuzz/src/edge.rs"]
mod edge;
#[path = "../fuzz/src/identity.rs"]
mod identity;
#[path = "../fuzz/src/input.rs"]
mod input;
#[path = "../fuzz/src/response.rs"]
mod response;
#[path = "../fuzz/src/rows.rs"]
mod rows;

mod mutation;

use f3dx_cache_tests::repository;
use f3dx_cache_tests::torture::{Tally, rounds};
use mutation::Mutator;
use std::fs;
use std::panic::catch_unwind;

/// Each target: its seeds, its findings, and this many mutations of all of them, a
/// sample and in full.
macro_rules! targets {
    ($($test:ident: $target:ident, $sample:literal, $full:literal;)*) => {$(
        #[test]
        fn $test() {
            tried(stringify!($target), $target::run, rounds($sample, $full));
        }
    )*};
}

targets! {
    the_canonical_form_agrees_with_the_oracle: canonicalize, 20_000, 2_000_000;
    a_row_is_its_content_or_corrupt: rows, 20_000, 1_000_000;
    a_call_is_told_the_same_however_it_is_spelled: call, 20_000, 500_000;
    a_response_is_recorded_whole_or_refused: response, 1_000, 50_000;
    a_configuration_is_options_or_a_place: config, 4_000, 200_000;
    an_entry_point_keeps_the_promises_of_the_header: edge, 1_500, 50_000;
    no_planted_secret_is_stored: identity, 4_000, 200_000;
}

fn tried(target: &str, run: fn(&[u8]), mutations: usize) {
    let mut tally = Tally::of(format!("fuzzed inputs: {target}"));
    let inputs = inputs(target);
    for (name, input) in &inputs {
        runs(target, name, run, input);
    }
    let mut mutator = Mutator::new(0xf3d5);
    for round in 0..mutations {
        let (name, input) = &inputs[round % inputs.len()];
        let (_, other) = &inputs[(round / inputs.len() + round) % inputs.len()];
        let mut input = input.clone();
        mutator.mutate(&mut input, other);
        runs(target, name, run, &input);
    }
    tally.count = (inputs.len() + mutations) as u64;
    tally.finish();
}

/// Runs a target on one input, and shows the input if a promise is broken.
fn runs(target: &str, name: &str, run: fn(&[u8]), input: &[u8]) {
    if catch_unwind(|| run(input)).is_err() {
        let shown = input.escape_ascii();
        panic!("{target}, from {name}: keep b\"{shown}\" in tests/fuzz/findings/{target}");
    }
}

/// Returns the seeds and findings of a target, in order.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    for kind in ["seeds", "findings"] {
        let folder = repository().join("tests/fuzz").join(kind).join(target);
        let Ok(files) = fs::read_dir(&folder) else { continue };
        inputs.extend(files.map(|file| {
            let path = file.unwrap().path();
            (path.display().to_string(), fs::read(&path).unwrap())
        }));
    }
    inputs.sort();
    assert!(!inputs.is_empty(), "{target} has no seeds");
    inputs
}
