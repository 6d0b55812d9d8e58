//! What a caller passes as a request, as bytes, or as an address.

use crate::{error, walk};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use std::cell::Cell;

/// A request as JSON text: canonical if it came as a Python value.
pub enum Request<'py> {
    Bytes(Bound<'py, PyBytes>),
    Str(Bound<'py, PyString>),
    Written(Buffer),
}

impl<'py> Request<'py> {
    /// Takes JSON text (`str`, `bytes` and the like), or a value that becomes it.
    pub fn of(request: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = request.py();
        if let Ok(text) = request.cast::<PyBytes>() {
            return Ok(Self::Bytes(text.clone()));
        }
        if let Ok(text) = request.cast::<PyString>() {
            text.to_str().map_err(|_| error::lone_surrogate_in_text(py))?;
            return Ok(Self::Str(text.clone()));
        }
        if let Some(text) = copied(request)? {
            return Ok(Self::Bytes(text));
        }
        let mut buffer = Buffer::take();
        walk::write(request, &mut buffer.0).map_err(|problem| problem.into_exception(py))?;
        Ok(Self::Written(buffer))
    }

    /// Returns the JSON text.
    pub fn text(&self) -> &[u8] {
        match self {
            Self::Bytes(text) => text.as_bytes(),
            // It was looked at in `of`.
            Self::Str(text) => text.to_str().map_or(b"".as_slice(), str::as_bytes),
            Self::Written(buffer) => &buffer.0,
        }
    }
}

/// Bytes that a caller passes as a response or a body.
pub enum Content<'py> {
    Bytes(Bound<'py, PyBytes>),
    Str(Bound<'py, PyString>),
}

impl<'py> Content<'py> {
    /// Takes `bytes`, `bytearray`, `memoryview` or, as UTF-8, `str`.
    pub fn of(content: &Bound<'py, PyAny>, what: &str) -> PyResult<Self> {
        if let Ok(bytes) = content.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone()));
        }
        if let Ok(text) = content.cast::<PyString>() {
            text.to_str()?;
            return Ok(Self::Str(text.clone()));
        }
        if let Some(bytes) = copied(content)? {
            return Ok(Self::Bytes(bytes));
        }
        let class = content.get_type().fully_qualified_name()?;
        let message = format!(
            "{what}: bytes or str are needed, not {class}; json.dumps gives the text of a value"
        );
        Err(PyTypeError::new_err(message))
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_bytes(),
            // It was looked at in `of`.
            Self::Str(text) => text.to_str().map_or(b"".as_slice(), str::as_bytes),
        }
    }
}

/// A buffer that a thread uses again for its next request.
#[derive(Default)]
pub struct Buffer(pub Vec<u8>);

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A buffer that grew longer than this is not kept.
const KEPT_BYTES: usize = 1 << 20;

impl Buffer {
    /// Takes the thread's buffer; one that is in use (a model's `model_dump` may
    /// use a cache) leaves a new one.
    pub fn take() -> Self {
        let mut buffer = SPARE.try_with(Cell::take).unwrap_or_default();
        buffer.clear();
        Self(buffer)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.0.capacity() <= KEPT_BYTES {
            // At the end of a thread there may be no one to keep it.
            let _ = SPARE.try_with(|spare| spare.set(std::mem::take(&mut self.0)));
        }
    }
}

/// Copies what else holds bytes.
fn copied<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let py = value.py();
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        return Ok(Some(PyBytes::new(py, &bytes.to_vec())));
    }
    if let Ok(view) = value.cast::<PyMemoryView>() {
        return Ok(Some(view.call_method0(intern!(py, "tobytes"))?.cast_into()?));
    }
    Ok(None)
}
