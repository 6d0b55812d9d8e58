//! `Explanation`.

use crate::json;
use pyo3::prelude::*;

/// Why a request missed, and the way out; str() of it is for people.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Explanation {
    core: f3dx_cache_core::Explanation,
}

impl Explanation {
    pub fn new(core: f3dx_cache_core::Explanation) -> Self {
        Self { core }
    }
}

#[pymethods]
impl Explanation {
    /// What happened, in one line.
    #[getter]
    fn reason(&self) -> &str {
        &self.core.reason
    }

    /// Method and URL of an HTTP call.
    #[getter]
    fn call(&self) -> Option<&str> {
        self.core.call.as_deref()
    }

    /// The model that was asked.
    #[getter]
    fn model(&self) -> Option<&str> {
        self.core.model.as_deref()
    }

    /// The mode's name.
    #[getter]
    fn mode(&self) -> &str {
        self.core.mode
    }

    /// Why that mode.
    #[getter]
    fn mode_reason(&self) -> &str {
        &self.core.mode_reason
    }

    /// The cache file.
    #[getter]
    fn path(&self) -> &str {
        &self.core.path
    }

    /// How many entries it holds.
    #[getter]
    fn entries(&self) -> u64 {
        self.core.entries
    }

    /// The address that was looked up.
    #[getter]
    fn fingerprint(&self) -> &str {
        &self.core.fingerprint
    }

    /// The nearest recorded request: fingerprint, source, differences (each with path,
    /// recorded and requested) and more, how many are not listed.
    #[getter]
    fn nearest<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core.nearest.as_ref().map(|nearest| json::to_python(py, nearest)).transpose()
    }

    /// What would make it a hit, if something simple would.
    #[getter]
    fn suggestion(&self) -> Option<&str> {
        self.core.suggestion.as_deref()
    }

    /// The command that records it.
    #[getter]
    fn command(&self) -> &str {
        &self.core.command
    }

    /// Return all of it as a dict.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core)
    }

    fn __str__(&self) -> String {
        self.core.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Explanation: {}>", self.core.reason)
    }
}
