//! `Exchange` and `Replay`: an intercepted HTTP call.

use crate::detached::{attached, detached};
use crate::request::Content;
use f3dx_cache_core::http::StreamState;
use f3dx_cache_core::{End, Turn};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyList};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A recorded HTTP response.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Replay {
    core: f3dx_cache_core::Replay,
    /// Whether chunks come with the recorded times between them.
    timed: bool,
    body: PyOnceLock<Py<PyBytes>>,
}

/// A call on its way to the provider and back.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Exchange {
    /// Taken out while it works without the GIL, and for good by `finish`.
    core: Mutex<Option<f3dx_cache_core::Exchange>>,
    /// Whether the response is to be recorded; if not, just send the call.
    #[pyo3(get)]
    records: bool,
    /// How long to drain a stream that the caller leaves early.
    #[pyo3(get)]
    drain_seconds: f64,
    /// How many bytes to drain of a stream that the caller leaves early.
    #[pyo3(get)]
    drain_bytes: usize,
    timed: bool,
}

impl Replay {
    pub fn new(core: f3dx_cache_core::Replay, timed: bool) -> Self {
        Self { core, timed, body: PyOnceLock::new() }
    }
}

#[pymethods]
impl Replay {
    /// The HTTP status.
    #[getter]
    fn status(&self) -> u16 {
        self.core.head.status
    }

    /// Names and values of the headers that were kept.
    #[getter]
    fn headers(&self) -> Vec<(&str, &str)> {
        let headers = &self.core.head.headers;
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The body, content-encoding undone.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let body = self.body.get_or_init(py, || PyBytes::new(py, &self.core.body).unbind());
        body.bind(py).clone()
    }

    /// The body in its recorded chunks; one for a body that came as one.
    #[getter]
    fn chunks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let chunks = self.core.chunks();
        if chunks.len() == 1 {
            return PyList::new(py, [self.body(py)]);
        }
        PyList::new(py, chunks.iter().map(|(chunk, _)| PyBytes::new(py, chunk)))
    }

    /// Seconds to wait before each chunk if replay_timing is on, else empty.
    #[getter]
    fn delays(&self) -> Vec<f64> {
        if !self.timed || !self.stream() {
            return Vec::new();
        }
        let mut before = 0;
        let mut delay = |at_ms: u64| {
            let passed = at_ms.saturating_sub(std::mem::replace(&mut before, at_ms));
            passed as f64 / 1000.0
        };
        self.core.chunks().iter().map(|(_, at_ms)| delay(*at_ms)).collect()
    }

    /// Whether it was recorded as a stream.
    #[getter]
    fn stream(&self) -> bool {
        !self.core.head.chunks.is_empty()
    }

    fn __repr__(&self) -> String {
        format!("<Replay {}, {} bytes>", self.core.head.status, self.core.body.len())
    }
}

impl Exchange {
    pub fn new(core: f3dx_cache_core::Exchange, timed: bool) -> Self {
        let (time, drain_bytes) = core.drain_bounds();
        Self {
            records: core.records(),
            drain_seconds: time.as_secs_f64(),
            drain_bytes,
            core: Mutex::new(Some(core)),
            timed,
        }
    }

    /// Never held while core works without the GIL.
    fn core(&self) -> MutexGuard<'_, Option<f3dx_cache_core::Exchange>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Exchange {
    /// Ask for the right to send, without waiting.
    ///
    /// True: send now. A Replay: another one has recorded the response meanwhile. False:
    /// another one is calling; ask again in a few milliseconds. holder is the id of the asking
    /// thread, or of the asking task, with that of its thread.
    #[pyo3(signature = (holder, thread=None))]
    fn claim<'py>(
        &self,
        py: Python<'py>,
        holder: u64,
        thread: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(mut exchange) = self.core().take() else {
            return Ok(PyBool::new(py, true).to_owned().into_any());
        };
        let (exchange, turn) = detached(py, || {
            let turn = exchange.claim_for_task(holder, thread.unwrap_or(holder));
            Ok((exchange, turn))
        })?;
        *self.core() = Some(exchange);
        match attached(py, || turn)? {
            Turn::Send => Ok(PyBool::new(py, true).to_owned().into_any()),
            Turn::Wait => Ok(PyBool::new(py, false).to_owned().into_any()),
            Turn::Replay(replay) => Ok(Bound::new(py, Replay::new(replay, self.timed))?.into_any()),
        }
    }

    /// Take the head of the response, before its body.
    fn head(&self, py: Python<'_>, status: u16, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let headers = Headers::of(headers)?;
        let headers = headers.pairs();
        attached(py, || {
            if let Some(exchange) = self.core().as_mut() {
                exchange.head(status, &headers);
            }
            Ok(())
        })
    }

    /// Take the next piece of the body, content-encoding undone, as it passes.
    ///
    /// True: the stream is complete at its terminal event, so finish right away.
    fn chunk(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<bool> {
        let data = Content::of(data, "data")?;
        attached(py, || {
            let mut exchange = self.core();
            let state = exchange.as_mut().map(|exchange| exchange.chunk(data.bytes()));
            Ok(state == Some(StreamState::Complete))
        })
    }

    /// Record the response if it may be, and free the claim; True if it was recorded.
    ///
    /// end is "eof", "left" (the caller closed before the end) or "failed". Later calls do
    /// nothing.
    fn finish(&self, py: Python<'_>, end: &str) -> PyResult<bool> {
        let end = match end {
            "eof" => End::Eof,
            "left" => End::Left,
            "failed" => End::Failed,
            other => {
                let message = format!("end: {other:?} is not one of 'eof', 'left' and 'failed'");
                return Err(PyValueError::new_err(message));
            }
        };
        let Some(mut exchange) = self.core().take() else { return Ok(false) };
        detached(py, move || exchange.finish(end))
    }
}

/// The headers of a call: a list of pairs of strings, read without copies.
pub struct Headers(Vec<(PyBackedStr, PyBackedStr)>);

impl Headers {
    pub fn of(headers: &Bound<'_, PyAny>) -> PyResult<Self> {
        headers.extract().map(Self)
    }

    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
