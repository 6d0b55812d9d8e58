//! Whether two outputs say the same.

use crate::buffer::f3dx_cache_buffer;
use crate::callback::{Callbacks, f3dx_cache_callbacks};
use crate::error::f3dx_cache_error;
use crate::guard::guard;
use crate::input::{self, invalid};
use crate::output::{self, Out};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::Result;
use f3dx_cache_core::diff::{DiffOptions, Differ, Question};
use std::ffi::{c_char, c_void};

/// Compares two outputs: OK if the new one may stand in the place of the old one
/// ("same", "equivalent"), DIFFERENT if not. `options` is a JSON object, or empty:
///
///     {"mode": "cascade" or "bytes", "structured", "embedding", "judge",
///      "ignore": ["/id"], "epsilon": 0, "unordered": ["/tags"], "fenced_json": false,
///      "nested_json": false, "same_above": 0.95, "different_below": 0.7,
///      "embedding_model": null, "embedding_dimensions": null, "judge_model": null,
///      "judge_api": "openai" or "anthropic", "judge_prompt": null, "votes": 2,
///      "max_judge_calls": null}
///
/// `question`, for the judge, is {"system": "...", "prompt": "..."}, or empty.
/// `callbacks` may be NULL where no model is called. out_json may be NULL:
///
///     {"verdict": "different" or "same", "equivalent", "inconclusive", "error",
///      "skipped", "score": null, "mode": "structured", "note": "1 difference: ...",
///      "differences": [{"path": "/n", "kind": "changed" or "added", "removed",
///      "type_changed", "before": 1, "after": 2}], "more": 0, "timings": {"bytes": 0.001,
///      "structured": 0.02}}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_diff(
    before: *const c_void,
    before_len: usize,
    after: *const c_void,
    after_len: usize,
    options: *const c_char,
    options_len: usize,
    question: *const c_char,
    question_len: usize,
    callbacks: *const f3dx_cache_callbacks,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (before, after, options, question, callbacks, out, err) = unsafe {
        (
            input::bytes(before, before_len, "before"),
            input::bytes(after, after_len, "after"),
            input::json(options, options_len, "options"),
            input::json(question, question_len, "question"),
            Callbacks::read(callbacks),
            Out::optional(out_json, f3dx_cache_buffer::EMPTY),
            output::error(err),
        )
    };
    guard(err, || {
        let (options, question) = (DiffOptions::from_json(options?)?, parse(question?)?);
        let callbacks = callbacks?;
        let (models, embedder) = (callbacks.models(), callbacks.embedder());
        let mut differ = Differ::new(options)?;
        if let Some(models) = &models {
            differ = differ.with_models(models);
        }
        if let Some(embedder) = &embedder {
            differ = differ.with_embedder(embedder);
        }
        if let Some(cache) = callbacks.cache {
            differ = differ.with_cache(cache.clone());
        }
        let compared = differ.compare(&question, before?, after?)?;
        if out.is_wanted() {
            out.fill_json(&compared)?;
        }
        Ok(match compared.verdict.is_ok() {
            true => f3dx_cache_status::Ok,
            false => f3dx_cache_status::Different,
        })
    })
}

fn parse(question: &[u8]) -> Result<Question> {
    if question.is_empty() {
        return Ok(Question::default());
    }
    let wrong = || invalid("question: an object of \"system\" and \"prompt\" is needed");
    // Serde takes an array for an object without names.
    if question.trim_ascii_start().first() != Some(&b'{') {
        return Err(wrong());
    }
    serde_json::from_slice(question).map_err(|cause| wrong().because(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_an_object() {
        assert_eq!(parse(b"").unwrap(), Question::default());
        assert_eq!(parse(b" {\"prompt\": \"Who?\"}").unwrap().prompt.as_deref(), Some("Who?"));
        for wrong in [&b"[\"You are\", \"Who?\"]"[..], b"\"Who?\"", b"null", b"{\"promt\": \"\"}"] {
            assert!(parse(wrong).is_err());
        }
    }
}
