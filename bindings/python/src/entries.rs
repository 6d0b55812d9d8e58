//! `Entry`, and the iterator over the entries.

use crate::detached::detached;
use crate::{error, json};
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// One recorded request: its address, and what is known about it.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Entry {
    core: f3dx_cache_core::Entry,
}

/// Iterates over the entries, as they were when it began.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Entries {
    /// The process that began it.
    pid: u32,
    /// `None` at the end: a snapshot that lives on keeps recorders from reusing space.
    walk: Mutex<Option<Walk>>,
}

struct Walk {
    rest: f3dx_cache_core::Entries,
    ahead: VecDeque<f3dx_cache_core::Result<f3dx_cache_core::Entry>>,
}

/// How many entries are read at once, without the GIL.
const AHEAD: usize = 64;

impl Entries {
    pub fn new(rest: f3dx_cache_core::Entries) -> Self {
        let walk = Walk { rest, ahead: VecDeque::new() };
        Self { pid: std::process::id(), walk: Mutex::new(Some(walk)) }
    }
}

#[pymethods]
impl Entries {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Entry>> {
        // Not even the lock: a thread of the parent may have held it at the fork.
        if self.pid != std::process::id() {
            return Err(error::from_core(py, &f3dx_cache_core::Entries::inherited()));
        }
        // The lock is waited for without the GIL, which its holder may want.
        let next = detached(py, || {
            let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
            let next = walk.as_mut().and_then(Walk::next);
            if next.is_none() {
                *walk = None;
            }
            next.transpose()
        })?;
        Ok(next.map(|core| Entry { core }))
    }
}

impl Walk {
    fn next(&mut self) -> Option<f3dx_cache_core::Result<f3dx_cache_core::Entry>> {
        if self.ahead.is_empty() {
            self.ahead = self.rest.by_ref().take(AHEAD).collect();
        }
        self.ahead.pop_front()
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        let walk = self.walk.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // To end a snapshot may have to wait for a thread that wants the GIL.
        Python::try_attach(|py| py.detach(|| drop(walk)));
    }
}

#[pymethods]
impl Entry {
    /// The address, 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        self.core.fingerprint.to_string()
    }

    /// When it was recorded, milliseconds since the Unix epoch.
    #[getter]
    fn created_at_ms(&self) -> u64 {
        self.core.meta.created_at_ms
    }

    /// How often it was replayed, as far as that was written.
    #[getter]
    fn hit_count(&self) -> u64 {
        self.core.meta.hit_count
    }

    /// The model that answered.
    #[getter]
    fn model(&self) -> Option<&str> {
        self.core.meta.model.as_deref()
    }

    /// The provider's fingerprint of the system that answered.
    #[getter]
    fn system_fingerprint(&self) -> Option<&str> {
        self.core.meta.system_fingerprint.as_deref()
    }

    /// How long the provider took, milliseconds.
    #[getter]
    fn response_duration_ms(&self) -> Option<u64> {
        self.core.meta.response_duration_ms
    }

    /// The tokens that the provider charged: input_tokens, output_tokens, total_tokens.
    #[getter]
    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core.meta.usage.as_ref().map(|usage| json::to_python(py, usage)).transpose()
    }

    /// The test that recorded it.
    #[getter]
    fn source(&self) -> Option<&str> {
        self.core.meta.source.as_deref()
    }

    /// All that is known about it, members of newer versions included.
    #[getter]
    fn meta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::to_python(py, &self.core.meta)
    }

    fn __repr__(&self) -> String {
        let model = self.model().unwrap_or("no model");
        format!("<Entry {}, {model}>", &self.fingerprint()[..16])
    }
}
