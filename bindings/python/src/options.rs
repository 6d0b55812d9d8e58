//! Keyword arguments as core's options.

use crate::{error, json, walk};
use f3dx_cache_core::{Options, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
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
pub fn object<T: Send>(
    py: Python<'_>,
    arguments: Option<&Bound<'_, PyDict>>,
    from_json: impl FnOnce(&[u8]) -> Result<T>,
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
    from_json(&text).map_err(|failure| error::argument(py, &failure))
}
