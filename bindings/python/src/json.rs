//! Values of cold paths, between Python and Rust by way of JSON text.

use crate::{error, walk};
use pyo3::intern;
use pyo3::prelude::*;
use serde_json::Value;

/// Returns `json.loads` of what `value` serializes to.
pub fn to_python<'py>(
    py: Python<'py>,
    value: &impl serde::Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value)
        .map_err(|cause| error::plain(py, "panic", &cause.to_string()))?;
    loads(py, &text)
}

/// Returns `json.loads` of a JSON text.
pub fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "json"))?.call_method1(intern!(py, "loads"), (text,))
}

/// Reads a Python value as a type of core.
pub fn from_python<T: serde::de::DeserializeOwned>(value: &Bound<'_, PyAny>) -> PyResult<T> {
    let py = value.py();
    let mut text = Vec::new();
    walk::write(value, &mut text).map_err(|problem| problem.into_exception(py))?;
    serde_json::from_slice(&text)
        .map_err(|cause| error::plain(py, "invalid_argument", &cause.to_string()))
}

/// Returns the text of a path, and any other value as it is.
pub fn path_as_text<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match value.hasattr(intern!(value.py(), "__fspath__"))? {
        true => value.call_method0(intern!(value.py(), "__fspath__")),
        false => Ok(value.clone()),
    }
}

/// Returns why serde rejects a value, in words for who passed it: without the place in a text
/// that he never saw, and what stands before it. `None` if it was not serde.
pub fn reason(why: &str) -> Option<String> {
    let (reason, _) = why.rsplit_once(" at line ")?;
    let reason = reason.rsplit_once(" is needed: ").map_or(reason, |(_, reason)| reason);
    let (found, expected) = reason.rsplit_once(", expected ").unwrap_or((reason, ""));
    Some(match expected {
        "" => reason.to_owned(),
        "u32" | "u64" | "usize" => format!("{found}, expected a whole number from 0"),
        "f64" => format!("{found}, expected a number"),
        _ => reason.to_owned(),
    })
}

/// Returns a JSON object of one member.
pub fn object(name: &str, canonical: &[u8]) -> serde_json::Result<String> {
    let value: Value = serde_json::from_slice(canonical)?;
    Ok(serde_json::json!({ name: value }).to_string())
}
