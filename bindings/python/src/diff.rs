//! Whether two outputs say the same.

use crate::cache::Cache;
use crate::callback::{Calls, Models};
use crate::detached::detached;
use crate::request::Content;
use crate::{error, json, options, walk};
use f3dx_cache_core::diff::{Comparison, DiffOptions, Differ, Question};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

/// Compare two outputs; return the comparison as a dict.
///
/// calls is a calls.Calls, which runs call and embed.
#[pyfunction]
#[pyo3(signature = (before, after, options, *, system=None, prompt=None, cache=None, call=None,
                    embed=None, calls=None))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub fn diff<'py>(
    py: Python<'py>,
    before: &Bound<'py, PyAny>,
    after: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
    system: Option<String>,
    prompt: Option<String>,
    cache: Option<&Cache>,
    call: Option<Py<PyAny>>,
    embed: Option<Py<PyAny>>,
    calls: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options::object(py, Some(options), DiffOptions::from_json)?;
    let (before, after) = (Output::of(before, "before")?, Output::of(after, "after")?);
    let (before, after) = (before.bytes(), after.bytes());
    let question = Question { system, prompt };
    let calls = Calls::new(calls.unwrap_or_else(|| py.None()));
    let models = call.map(|function| Models { calls: &calls, function });
    let embedder = embed.map(|function| Models { calls: &calls, function });
    let cache = cache.map(Cache::core);
    let compared = detached(py, || {
        let compare = || {
            let mut differ = Differ::new(options)?;
            if let Some(models) = &models {
                differ = differ.with_models(models);
            }
            if let Some(embedder) = &embedder {
                differ = differ.with_embedder(embedder);
            }
            if let Some(cache) = cache {
                differ = differ.with_cache(cache);
            }
            differ.compare(&question, before, after)
        };
        Ok(compare())
    })?;
    if let Some(raised) = calls.raised() {
        return Err(raised);
    }
    match compared {
        Ok(comparison) => to_python(py, &comparison),
        Err(failure) => Err(error::argument(py, &failure)),
    }
}

/// An output as a caller passes it.
enum Output<'py> {
    Text(Content<'py>),
    /// JSON text of a value.
    Written(Vec<u8>),
}

impl<'py> Output<'py> {
    fn of(output: &Bound<'py, PyAny>, what: &str) -> PyResult<Self> {
        let py = output.py();
        let is_value = output.cast::<PyDict>().is_ok()
            || output.cast::<PyList>().is_ok()
            || output.cast::<PyTuple>().is_ok()
            || output.hasattr(intern!(py, "model_dump"))?;
        if !is_value {
            return Content::of(output, what).map(Self::Text).map_err(|raised| {
                match raised.is_instance_of::<PyTypeError>(py) {
                    true => no_output(output, what),
                    false => raised,
                }
            });
        }
        let mut text = Vec::new();
        let written = walk::write(output, &mut text);
        written.map_err(|problem| error::json_type(py, &format!("{what}{}", problem.text())))?;
        Ok(Self::Written(text))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.bytes(),
            Self::Written(text) => text,
        }
    }
}

fn no_output(output: &Bound<'_, PyAny>, what: &str) -> PyErr {
    match output.get_type().fully_qualified_name() {
        Ok(class) => PyTypeError::new_err(format!(
            "{what}: str, bytes, or a dict or list that is JSON is needed, not {class}"
        )),
        Err(raised) => raised,
    }
}

/// Returns the comparison as a dict. By way of values: two integers never share a spelling.
fn to_python<'py>(py: Python<'py>, comparison: &Comparison) -> PyResult<Bound<'py, PyAny>> {
    json::to_python(py, comparison)
}
