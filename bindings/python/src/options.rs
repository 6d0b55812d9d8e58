//! Keyword arguments as core's options.

use crate::{error, json, walk};
use f3dx_cache_core::{Error, Options, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Reads options by their names in core; `None` is an option's default.
pub fn options(py: Python<'_>, arguments: Option<&Bound<'_, PyDict>>) -> PyResult<Options> {
    let mut options = Options::default();
    for (name, value) in arguments.into_iter().flat_map(|arguments| arguments.iter()) {
        if value.is_none() {
            continue;
        }
        let name: String = name.extract()?;
        let wrong =
            |why: &dyn std::fmt::Display| error::config(py, &format!("option {name}: {why}"));
        // A path need not be text that JSON can hold.
        if name == "path" {
            options.path = Some(value.extract::<PathBuf>()?);
            continue;
        }
        let mut canonical = Vec::new();
        walk::write(&value, &mut canonical).map_err(|problem| wrong(&problem.text()))?;
        let text = json::object(&name, &canonical).map_err(|cause| wrong(&cause))?;
        // One by one, so that the error names the option.
        options = Options::from_json(&text).map_err(|cause| wrong(&cause))?.or(options);
    }
    Ok(options)
}

/// Reads a JSON object of options, by their names in core; `None` is an option's default.
pub fn object<T>(
    py: Python<'_>,
    arguments: Option<&Bound<'_, PyDict>>,
    from_json: impl Fn(&[u8]) -> Result<T>,
) -> PyResult<T> {
    let given = PyDict::new(py);
    for (name, value) in arguments.into_iter().flat_map(|arguments| arguments.iter()) {
        if !value.is_none() {
            given.set_item(name, json::path_as_text(&value)?)?;
        }
    }
    let mut text = Vec::new();
    let written = walk::write(&given, &mut text);
    written.map_err(|problem| error::config(py, &format!("option {}", problem.text())))?;
    from_json(&text).map_err(|failure| {
        let read = |option: &Value| from_json(option.to_string().as_bytes()).err();
        error::config(py, &told(&text, &failure, &read))
    })
}

/// Says what is wrong with options, and with which: core knows them as one JSON object, and a
/// place in that says nothing to who passed keywords.
fn told(text: &[u8], failure: &Error, read: &dyn Fn(&Value) -> Option<Error>) -> String {
    let why = failure.to_string();
    let Some(reason) = json::reason(&why) else { return why };
    let fails = |option: &Value| {
        let failure = read(option).map(|failure| failure.to_string());
        failure.as_deref().and_then(json::reason).as_ref() == Some(&reason)
    };
    let given: Map<String, Value> = serde_json::from_slice(text).unwrap_or_default();
    for (name, value) in given {
        match value {
            Value::Object(inner) if name == "diff" => {
                for (inner, value) in inner {
                    if fails(&json!({ "diff": { &inner: value } })) {
                        return format!("option {inner}: {reason}");
                    }
                }
            }
            value if fails(&json!({ &name: value })) => return format!("option {name}: {reason}"),
            _ => {}
        }
    }
    reason
}
