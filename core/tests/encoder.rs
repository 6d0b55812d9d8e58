//! The local encoder with the model of a package; `make test-encoder` fetches it.
#![cfg(feature = "encoder")]
#![allow(clippy::unwrap_used)]

use f3dx_cache_core::diff::{DiffMode, DiffOptions, Differ, Question, Verdict};

#[test]
#[ignore = "needs a model in the folder that F3DX_TEST_ENCODER names; see `make test-encoder`"]
fn an_encoder_puts_a_paraphrase_nearer_than_another_topic() {
    let encoder = std::env::var_os("F3DX_TEST_ENCODER").map(Into::into);
    assert!(encoder.is_some(), "F3DX_TEST_ENCODER is not set");
    let options = DiffOptions { mode: DiffMode::Embedding, encoder, ..DiffOptions::default() };
    let differ = Differ::new(options).unwrap();
    let compare = |after: &str| {
        let before = b"The cat sat on the mat in the kitchen.";
        differ.compare(&Question::default(), before, after.as_bytes()).unwrap()
    };
    let same = compare("The cat sat on the mat, in the kitchen.");
    let near = compare("A cat was sitting on a rug in the kitchen.");
    let far = compare("Stock prices fell after the central bank raised rates.");
    assert_eq!(same.verdict, Verdict::Same, "{}", same.note);
    assert!(near.score > far.score, "{} and {}", near.note, far.note);
    assert_eq!(far.verdict, Verdict::Different, "{}", far.note);
    let negated = compare("The cat sat not on the mat in the kitchen.");
    assert_ne!(negated.verdict, Verdict::Same, "{}", negated.note);
}
