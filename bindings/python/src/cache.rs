//! `Cache`.

use crate::detached::{attached, detached, hooks};
use crate::entries::Entries;
use crate::exchange::{Exchange, Headers, Replay};
use crate::explanation::Explanation;
use crate::options::options;
use crate::request::{Content, Request};
use crate::{error, json};
use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Decision, Env, Fingerprint, Hooks, Meta, Refused, Settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use std::path::PathBuf;

/// An open cache file.
///
/// Opened by hand, its mode is the argument's, else F3DX_CACHE_MODE's, else "record"; its path
/// the argument's, else F3DX_CACHE_PATH's, else .f3dx-cache/cache.redb at the top of the
/// repository. It may be used from any thread, and in a forked child.
///
/// >>> with Cache("llm.redb") as cache:
/// ...     answer = cache.get({"model": "gpt-4o", "messages": []})
#[pyclass(module = "f3dx_cache", frozen, weakref)]
pub struct Cache {
    core: f3dx_cache_core::Cache,
}

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (path=None, mode=None, ignore=None, **options))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        mode: Option<&Bound<'_, PyAny>>,
        ignore: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let arguments = match options {
            Some(options) => options.copy()?,
            None => PyDict::new(py),
        };
        arguments.set_item("mode", mode)?;
        arguments.set_item("ignore", ignore)?;
        let options = self::options(py, Some(&arguments))?;
        let core =
            detached(py, || f3dx_cache_core::Cache::open_with(path.as_deref(), options, hooks()))?;
        Ok(Self { core })
    }

    /// Open the cache that the options, the environment and f3dx-cache.toml name.
    ///
    /// As test hooks do: replay if CI is set, and a file that is missing is an empty cache
    /// where the mode makes none. mode_reason says in explanations who gave the option mode.
    #[staticmethod]
    #[pyo3(signature = (*, mode_reason=None, **options))]
    fn for_tests(
        py: Python<'_>,
        mode_reason: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let options = self::options(py, options)?;
        let reason = options.mode.and(mode_reason);
        let core = detached(py, || {
            let mut settings = Settings::for_tests(options, &Env::process()?)?;
            settings.mode_reason = reason.unwrap_or(settings.mode_reason);
            f3dx_cache_core::Cache::with(settings, Hooks { holds: true, ..hooks() })
        })?;
        Ok(Self { core })
    }

    /// Return a handle on the same open file that counts for itself: one test's.
    ///
    /// test names it, for scope, meta and messages; command is what records its misses, for
    /// explanations.
    #[pyo3(signature = (test=None, command=None))]
    fn session(&self, test: Option<String>, command: Option<String>) -> Self {
        Self { core: self.core.session(test, command) }
    }

    /// The cache file, absolute.
    #[getter]
    fn path(&self) -> String {
        self.core.settings().path.display().to_string()
    }

    /// What the cache does on a hit, a miss and a put.
    #[getter]
    fn mode(&self) -> &'static str {
        self.core.settings().mode.name()
    }

    /// Where the mode comes from.
    #[getter]
    fn mode_reason(&self) -> &str {
        &self.core.settings().mode_reason
    }

    /// Whether the cache was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Return the recorded response of a request; None is a miss.
    ///
    /// A request is a dict or another value that JSON has, a pydantic model, or JSON text as
    /// str or bytes.
    fn get<'py>(
        &self,
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let request = Request::of(request)?;
        let text = request.text();
        let found = detached(py, || self.core.get(text))?;
        Ok(found.map(|response| PyBytes::new(py, &response.body)))
    }

    /// Return what get would, and count nothing.
    fn peek<'py>(
        &self,
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let request = Request::of(request)?;
        let text = request.text();
        let found = detached(py, || self.core.peek(text))?;
        Ok(found.map(|response| PyBytes::new(py, &response.body)))
    }

    /// Record a response, durably when this returns; return the request's fingerprint.
    ///
    /// In record the first recording of a request stays, in refresh it is replaced, in replay
    /// this is an error, in read_only and off it does nothing. Model, system fingerprint and
    /// token usage are read from the response where they stand in it.
    #[pyo3(signature = (request, response, *, model=None, system_fingerprint=None, response_duration_ms=None))]
    fn put(
        &self,
        py: Python<'_>,
        request: &Bound<'_, PyAny>,
        response: &Bound<'_, PyAny>,
        model: Option<String>,
        system_fingerprint: Option<String>,
        response_duration_ms: Option<f64>,
    ) -> PyResult<String> {
        let request = Request::of(request)?;
        let response = Content::of(response, "response")?;
        let meta = Meta {
            model,
            system_fingerprint,
            response_duration_ms: response_duration_ms.map(milliseconds).transpose()?,
            ..Meta::default()
        };
        let (request, response) = (request.text(), response.bytes());
        let put = detached(py, || self.core.put(request, response, meta))?;
        Ok(put.fingerprint.to_string())
    }

    /// Return the address of a request in this file, 64 hexadecimal digits.
    ///
    /// That is the fingerprint after the file's identity policy: secrets, normalize, ignore.
    fn fingerprint(&self, py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<String> {
        let request = Request::of(request)?;
        let fingerprint = attached(py, || self.core.fingerprint(request.text()))?;
        Ok(fingerprint.to_string())
    }

    /// Whether a response is recorded for a request, or for a fingerprint in hexadecimal.
    fn __contains__(&self, py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<bool> {
        let address = self.address(request)?;
        detached(py, || self.core.contains_at(&address))
    }

    /// Remove the entry of a request or fingerprint; False if there was none.
    fn delete(&self, py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<bool> {
        let address = self.address(request)?;
        detached(py, || self.core.delete(&address))
    }

    /// Iterate over the entries in fingerprint order, as they are now.
    fn entries(&self, py: Python<'_>) -> PyResult<Entries> {
        detached(py, || self.core.entries()).map(Entries::new)
    }

    /// Return what is known about the entry of a request or fingerprint, as a dict.
    fn meta<'py>(
        &self,
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let address = self.address(request)?;
        let meta = detached(py, || self.core.meta(&address))?;
        meta.map(|meta| json::to_python(py, &meta)).transpose()
    }

    /// Return the canonical request of an entry, secrets as placeholders.
    fn request<'py>(
        &self,
        py: Python<'py>,
        fingerprint: &str,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let request = detached(py, || self.core.request(&fingerprint.parse()?))?;
        Ok(request.map(|request| PyBytes::new(py, &request)))
    }

    /// Return counters: entries, hits, misses, bytes_requests, bytes_responses, file_bytes and
    /// format_version.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stats = detached(py, || self.core.stats())?;
        json::to_python(py, &stats)
    }

    /// Say why a request misses: the nearest recorded one, what differs, and the way out.
    fn explain(&self, py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<Explanation> {
        let request = Request::of(request)?;
        let text = request.text();
        detached(py, || self.core.explain(text)).map(Explanation::new)
    }

    /// Write the hit counts, if something was recorded or persist_hits is on.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.core.flush())
    }

    /// Give back the space that recording left behind, if that saves a third of the file.
    ///
    /// For the owner of a run, at its end: True if it did. A peer that reads the file makes
    /// it skip, and a mode that does not record, too.
    fn compact(&self, py: Python<'_>) -> PyResult<bool> {
        detached(py, || self.core.compact())
    }

    /// Flush and close, with every session of this opening. Closing twice does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.core.close())
    }

    /// Drop the snapshot that lookups hold: the end of a test.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || {
            self.core.release();
            Ok(())
        })
    }

    /// Return what this session did: hits, misses, recorded, refused, without_claim,
    /// tokens_saved_input, tokens_saved_output, time_saved_ms and refusals.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let summary = detached(py, || self.core.summary())?;
        json::to_python(py, &summary)
    }

    /// Return the explanations of the intercepted calls that this session refused.
    ///
    /// A test that swallowed one must fail.
    fn refused_misses(&self) -> Vec<String> {
        self.core.refused_misses()
    }

    /// Return what the session's owner should hear, such as a secret in a response.
    fn warnings(&self) -> Vec<String> {
        self.core.warnings()
    }

    /// Say whether a call is any business of the cache, whatever its body.
    ///
    /// Asked before a body that is generated while it is sent is read for intercept.
    fn concerns(
        &self,
        py: Python<'_>,
        method: &str,
        url: &str,
        headers: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let headers = Headers::of(headers)?;
        let headers = headers.pairs();
        let call = HttpCall { method, url, headers: &headers, body: b"" };
        attached(py, || Ok(self.core.concerns(&call)))
    }

    /// Raise CacheMiss for a connection that is about to be opened, if it is one to a provider
    /// and the mode is replay.
    fn check_connection(&self, py: Python<'_>, host: &str, port: u16) -> PyResult<()> {
        match attached(py, || Ok(self.core.refuse_connection(host, port)))? {
            Some(refused) => Err(error::miss(py, &refused.to_string())),
            None => Ok(()),
        }
    }

    /// Say what to do with an HTTP call that is about to be sent.
    ///
    /// None: it is none of the cache's business. A Replay answers it. An Exchange sends it, and
    /// is told what comes back. CacheMiss is raised where the mode sends nothing.
    fn intercept<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        url: &str,
        headers: &Bound<'py, PyAny>,
        body: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let headers = Headers::of(headers)?;
        let headers = headers.pairs();
        let body = Content::of(body, "body")?;
        let call = HttpCall { method, url, headers: &headers, body: body.bytes() };
        let timed = self.core.settings().options.replay_timing == Some(true);
        match detached(py, || self.core.intercept(&call))? {
            Decision::Pass => Ok(None),
            Decision::Replay(replay) => {
                Ok(Some(Bound::new(py, Replay::new(replay, timed))?.into_any()))
            }
            Decision::Send(exchange) => {
                Ok(Some(Bound::new(py, Exchange::new(*exchange, timed))?.into_any()))
            }
            Decision::Refuse(Refused::Miss(explanation)) => {
                Err(error::miss(py, &explanation.to_string()))
            }
            Decision::Refuse(refused) => Err(error::miss(py, &refused.to_string())),
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let path = PyString::new(py, &self.path()).repr()?;
        let closed = if self.closed() { ", closed" } else { "" };
        Ok(format!("<Cache {path}, mode {}{closed}>", self.mode()))
    }
}

impl Cache {
    /// Returns another handle of core, for what core does with it.
    pub fn core(&self) -> f3dx_cache_core::Cache {
        self.core.clone()
    }

    /// Returns the address that a request, or a fingerprint in hexadecimal, stands for.
    fn address(&self, request: &Bound<'_, PyAny>) -> PyResult<Fingerprint> {
        if let Ok(text) = request.cast::<PyString>()
            && let Ok(fingerprint) = text.to_string_lossy().parse()
        {
            return Ok(fingerprint);
        }
        let text = Request::of(request)?;
        attached(request.py(), || self.core.fingerprint(text.text()))
    }
}

/// Reads a duration; timers give fractions.
fn milliseconds(duration: f64) -> PyResult<u64> {
    match duration >= 0.0 && duration < u64::MAX as f64 {
        true => Ok(duration.round() as u64),
        false => {
            Err(PyValueError::new_err(format!("response_duration_ms: {duration} is no duration")))
        }
    }
}
