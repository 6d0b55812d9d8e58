//! One of the texts is JSON and the other is prose, or both are JSON and differ.

use super::Reading;
use crate::json::canonicalize;

pub(super) fn objection(before: &Reading, after: &Reading) -> Option<String> {
    match (json(&before.text), json(&after.text)) {
        (None, None) => None,
        (Some(_), None) => Some("only the recorded output is JSON".to_owned()),
        (None, Some(_)) => Some("only the new output is JSON".to_owned()),
        (Some(before), Some(after)) => {
            (before != after).then(|| "both are JSON, and their values differ".to_owned())
        }
    }
}

/// Returns an object or array, also one in a Markdown fence, in canonical form.
fn json(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let fenced = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let text = match fenced.and_then(|inner| inner.split_once('\n')) {
        Some((_language, inner)) => inner.trim(),
        None => text,
    };
    match text.starts_with(['{', '[']) {
        true => canonicalize(text.as_bytes()).ok(),
        false => None,
    }
}
