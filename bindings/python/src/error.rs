//! From core's errors to Python's exceptions.

use f3dx_cache_core::{Error, ErrorKind, JsonErrorKind};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Returns the exceptions, by their names.
pub fn classes(py: Python<'_>) -> PyResult<Vec<(&'static str, Bound<'_, PyAny>)>> {
    let names = [
        "Error",
        "JsonError",
        "JsonTypeError",
        "ConfigError",
        "FileError",
        "TraceError",
        "CacheMiss",
    ];
    let errors = module(py)?;
    names.into_iter().map(|name| Ok((name, errors.getattr(name)?))).collect()
}

/// Makes the exception for a failure of core.
pub fn from_core(py: Python<'_>, error: &Error) -> PyErr {
    let made = match error.json_kind() {
        Some((rule, at)) => json(py, "JsonError", &error.to_string(), rule.name(), at),
        None => new(py, class_of(error.kind()), &error.to_string()).and_then(|exception| {
            exception.setattr(intern!(py, "kind"), error.kind().name())?;
            Ok(exception)
        }),
    };
    made.map_or_else(|cause| cause, PyErr::from_value)
}

/// Makes the exception for a Python value at `pointer` that breaks a rule.
pub fn invalid_value(
    py: Python<'_>,
    class: &str,
    rule: &str,
    pointer: &str,
    message: &str,
) -> PyErr {
    json(py, class, message, rule, pointer).map_or_else(|cause| cause, PyErr::from_value)
}

/// Makes the exception for a JSON text that is a `str` without an UTF-8 form.
pub fn lone_surrogate_in_text(py: Python<'_>) -> PyErr {
    let rule = JsonErrorKind::LoneSurrogate.name();
    let message = "invalid JSON: the str holds half a surrogate pair; pass the request as bytes";
    json(py, "JsonError", message, rule, 0).map_or_else(|cause| cause, PyErr::from_value)
}

/// Makes the exception for a failure of core that may be about an argument: `ConfigError`, then.
pub fn argument(py: Python<'_>, error: &Error) -> PyErr {
    match error.kind() {
        ErrorKind::InvalidArgument => config(py, &error.to_string()),
        _ => from_core(py, error),
    }
}

/// Makes the exception for a Python value, not a request, that is not JSON.
pub fn json_type(py: Python<'_>, message: &str) -> PyErr {
    json(py, "JsonTypeError", message, "unsupported_type", "")
        .map_or_else(|cause| cause, PyErr::from_value)
}

/// Makes a `ConfigError`.
pub fn config(py: Python<'_>, message: &str) -> PyErr {
    new(py, "ConfigError", message).map_or_else(|cause| cause, PyErr::from_value)
}

/// Makes an `Error` of any kind.
pub fn plain(py: Python<'_>, kind: &str, message: &str) -> PyErr {
    let made = new(py, "Error", message).and_then(|exception| {
        exception.setattr(intern!(py, "kind"), kind)?;
        Ok(exception)
    });
    made.map_or_else(|cause| cause, PyErr::from_value)
}

/// Makes the `CacheMiss` that a refused call raises.
pub fn miss(py: Python<'_>, explanation: &str) -> PyErr {
    new(py, "CacheMiss", explanation).map_or_else(|cause| cause, PyErr::from_value)
}

fn class_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidJson => "JsonError",
        ErrorKind::Config | ErrorKind::ConfigMismatch => "ConfigError",
        ErrorKind::Io
        | ErrorKind::Locked
        | ErrorKind::ReadOnly
        | ErrorKind::Corrupt
        | ErrorKind::UnsupportedFormat
        | ErrorKind::Full => "FileError",
        ErrorKind::InvalidRow => "TraceError",
        _ => "Error",
    }
}

fn json<'py>(
    py: Python<'py>,
    class: &str,
    message: &str,
    rule: &str,
    at: impl IntoPyObject<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let exception = new(py, class, message)?;
    exception.setattr(intern!(py, "json_kind"), rule)?;
    exception.setattr(intern!(py, "at"), at)?;
    Ok(exception)
}

fn new<'py>(py: Python<'py>, class: &str, message: &str) -> PyResult<Bound<'py, PyAny>> {
    module(py)?.getattr(class)?.call1((message,))
}

/// The classes are written in Python, where several bases are natural.
fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let import = || py.import("f3dx_cache.errors").map(Bound::unbind);
    Ok(ERRORS.get_or_try_init(py, import)?.bind(py))
}
