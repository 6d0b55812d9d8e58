//! The native module of the Python package: core, as Python sees it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `cache` | `Cache` |
//! | `entries`, `explanation` | what a cache tells of itself |
//! | `exchange` | `Exchange` and `Replay`, what `Cache.intercept` returns |
//! | `trace`, `row` | `Traces`, and `Row`, one recorded call |
//! | `diff`, `replay` | comparing outputs, and running traces again |
//! | `callback` | functions that core calls, and waits for |
//! | `request`, `walk` | from a request, a dict or JSON text, to bytes |
//! | `options` | keyword arguments as core's options |
//! | `detached` | calls into core without the GIL |
//! | `error`, `json` | exceptions; cold values by way of JSON text |

mod cache;
mod callback;
mod detached;
mod diff;
mod entries;
mod error;
mod exchange;
mod explanation;
mod json;
mod options;
mod replay;
mod request;
mod row;
mod trace;
mod walk;

use pyo3::prelude::*;

/// The part of f3dx_cache that is written in Rust.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::cache::Cache;
    #[pymodule_export]
    use crate::callback::Reply;
    #[pymodule_export]
    use crate::diff::diff;
    #[pymodule_export]
    use crate::entries::{Entries, Entry};
    #[pymodule_export]
    use crate::exchange::{Exchange, Replay};
    #[pymodule_export]
    use crate::explanation::Explanation;
    #[pymodule_export]
    use crate::replay::{render, replay};
    use crate::request::Request;
    #[pymodule_export]
    use crate::row::Row;
    #[pymodule_export]
    use crate::trace::Traces;
    use crate::{detached, json, options};
    use f3dx_cache_core::{Env, Mode, Settings, Summary};
    use pyo3::prelude::*;
    use pyo3::types::{PyBytes, PyDict};
    use std::path::PathBuf;

    /// The version of the library.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "it is the name in Python")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// Shows the exceptions, which are written in Python, beside what raises them.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        for (name, class) in crate::error::classes(module.py())? {
            module.add(name, class)?;
        }
        Ok(())
    }

    /// Return the canonical form (RFC 8785) of a request, as UTF-8.
    ///
    /// A request is a dict or another value that JSON has, a pydantic model, or JSON text
    /// as str or bytes.
    #[pyfunction]
    fn canonicalize<'py>(
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let request = Request::of(request)?;
        if let Request::Written(canonical) = &request {
            return Ok(PyBytes::new(py, &canonical.0));
        }
        let canonical = detached::attached(py, || f3dx_cache_core::canonicalize(request.text()))?;
        Ok(PyBytes::new(py, &canonical))
    }

    /// Return the BLAKE3 of a request's canonical form, 64 hexadecimal digits.
    ///
    /// It depends on nothing but the request: no policy, no file.
    #[pyfunction]
    fn fingerprint(py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<String> {
        let request = Request::of(request)?;
        let fingerprint = match &request {
            Request::Written(canonical) => f3dx_cache_core::Fingerprint::of_canonical(&canonical.0),
            _ => detached::attached(py, || f3dx_cache_core::fingerprint(request.text()))?,
        };
        Ok(fingerprint.to_string())
    }

    /// Check a whole file, and list what is wrong with it.
    ///
    /// Every page and row is checked against its checksum, every request against the
    /// address that it stands at. Other processes may use the file meanwhile. FileError
    /// if it cannot be read, or does not even begin like a cache.
    #[pyfunction]
    fn verify<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        let found = detached::detached(py, || f3dx_cache_core::verify(path))?;
        json::to_python(py, &found)
    }

    /// Copy every entry that is intact in a file into a new one; list what was lost.
    ///
    /// The new file must not exist. The old one is left as it is.
    #[pyfunction]
    fn recover<'py>(py: Python<'py>, path: PathBuf, new: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        let saved = detached::detached(py, || f3dx_cache_core::recover(path, new))?;
        json::to_python(py, &saved)
    }

    /// Add up what several workers or sessions did (`Cache.summary`).
    #[pyfunction]
    fn merge_summaries<'py>(
        py: Python<'py>,
        summaries: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut sum = Summary::default();
        for summary in &summaries {
            sum.merge(&json::from_python(summary)?);
        }
        json::to_python(py, &sum)
    }

    /// Return the lines that end a run: what it did, then what was not recorded.
    #[pyfunction]
    fn summary_line(
        py: Python<'_>,
        summary: &Bound<'_, PyAny>,
        mode: &str,
        path: PathBuf,
    ) -> PyResult<Vec<String>> {
        let summary: Summary = json::from_python(summary)?;
        let mode = detached::attached(py, || mode.parse::<Mode>())?;
        let mut lines = vec![summary.line(mode, &path)];
        lines.extend(summary.refusal_lines());
        Ok(lines)
    }

    /// Return the mode that `Cache.for_tests` would choose; no file is opened or made.
    #[pyfunction]
    #[pyo3(signature = (**options))]
    fn mode_for_tests(
        py: Python<'_>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<&'static str> {
        let options = options::options(py, options)?;
        let settings = detached::detached(py, || Settings::for_tests(options, &Env::process()?))?;
        Ok(settings.mode.name())
    }

    /// Return the names of the variables that SDKs read their keys from.
    ///
    /// In replay those that are unset get a placeholder, since SDKs refuse to start
    /// without one.
    #[pyfunction]
    fn replay_key_placeholders() -> Vec<&'static str> {
        f3dx_cache_core::http::key_variables().to_vec()
    }
}
