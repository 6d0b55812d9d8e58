//! Python functions that core calls: targets and models.
//!
//! Core calls them from threads of its own, and waits without the GIL. They run where
//! `calls.Calls` has them run, threads of Python or an event loop, so that a wait can end before
//! they do: at Ctrl-C a replay is over, whatever is still under way.

use crate::request::Content;
use crate::row::Row;
use crate::{error, walk};
use f3dx_cache_core::diff::{Endpoint, ModelCalls};
use f3dx_cache_core::replay::Target;
use f3dx_cache_core::trace::Row as CoreRow;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyMemoryView, PyString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a wait lasts until it looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(50);

/// What a call comes to that is not wanted any more; the note of a row that nobody sees.
const INTERRUPTED: &str = "interrupted";

/// What runs Python functions for core.
pub struct Calls {
    /// `calls.Calls`.
    runner: Py<PyAny>,
    /// Whether nobody wants an answer any more.
    stopped: AtomicBool,
    /// What ended it.
    raised: Mutex<Option<PyErr>>,
}

/// What an answer has to be.
#[derive(Clone, Copy)]
enum Wanted {
    Text,
    Json,
}

/// How a call came out.
enum Outcome {
    Answer(Vec<u8>),
    Failed(String),
    /// It raised what is nobody's answer, such as KeyboardInterrupt.
    Ended(PyErr),
}

impl Calls {
    pub fn new(runner: Py<PyAny>) -> Self {
        Self { runner, stopped: AtomicBool::new(false), raised: Mutex::new(None) }
    }

    /// Ends all waits; `raised` is why, and the first reason stays.
    pub fn stop(&self, raised: PyErr) {
        let mut first = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(raised);
        self.stopped.store(true, Ordering::Release);
    }

    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Returns what ended it, if something did.
    pub fn raised(&self) -> Option<PyErr> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Runs signal handlers, where this is the thread that has them.
    pub fn check_signals(&self, py: Python<'_>) {
        if let Err(raised) = py.check_signals() {
            self.stop(raised);
        }
    }

    /// Calls `function`, and waits for what it answers; the GIL is not held.
    fn call(
        &self,
        function: &Py<PyAny>,
        wanted: Wanted,
        arguments: impl FnOnce(Python<'_>) -> PyResult<Vec<Py<PyAny>>>,
    ) -> Result<Vec<u8>, String> {
        if self.stopped() {
            return Err(INTERRUPTED.to_owned());
        }
        let (to, answers) = mpsc::channel();
        let begun = Python::try_attach(|py| {
            let reply = Py::new(py, Reply { wanted, to: Mutex::new(Some(to)) })?;
            let arguments = arguments(py)?;
            self.runner.call_method1(py, intern!(py, "start"), (reply, function, arguments))?;
            Ok(())
        });
        match begun {
            Some(Ok(())) => self.wait(&answers),
            Some(Err(error)) => Err(self.not_begun(error)),
            None => Err("the interpreter is going away".to_owned()),
        }
    }

    /// Says why a call did not begin: a signal handler may have raised meanwhile.
    fn not_begun(&self, error: PyErr) -> String {
        Python::attach(|py| {
            if !error.is_instance_of::<PyException>(py) {
                self.stop(error);
                return INTERRUPTED.to_owned();
            }
            let class = error.get_type(py).name().map(|name| name.to_string());
            format!("{}: {}", class.unwrap_or_default(), error.value(py))
        })
    }

    fn wait(&self, answers: &Receiver<Outcome>) -> Result<Vec<u8>, String> {
        loop {
            match answers.recv_timeout(TICK) {
                Ok(Outcome::Answer(answer)) => return Ok(answer),
                Ok(Outcome::Failed(why)) => return Err(why),
                Ok(Outcome::Ended(raised)) => self.stop(raised),
                Err(RecvTimeoutError::Timeout) => {
                    Python::try_attach(|py| self.check_signals(py));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the call was dropped before it answered".to_owned());
                }
            }
            if self.stopped() {
                return Err(INTERRUPTED.to_owned());
            }
        }
    }
}

/// Where the runner puts what a call came to, once.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Reply {
    wanted: Wanted,
    to: Mutex<Option<Sender<Outcome>>>,
}

#[pymethods]
impl Reply {
    /// Take what the function returned; TypeError or JsonTypeError if it is not what is wanted.
    fn answer(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let answer = match self.wanted {
            Wanted::Text => text(value)?,
            Wanted::Json => json(value)?,
        };
        self.send(Outcome::Answer(answer));
        Ok(())
    }

    /// Take what went wrong, for people.
    fn fail(&self, why: String) {
        self.send(Outcome::Failed(why));
    }

    /// End all of it with an exception that is no answer.
    fn end(&self, raised: Bound<'_, PyAny>) {
        self.send(Outcome::Ended(PyErr::from_value(raised)));
    }
}

impl Reply {
    fn send(&self, outcome: Outcome) {
        let to = self.to.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Who waited may have gone.
        to.map(|to| to.send(outcome));
    }
}

/// A function that gives a row its new output.
pub struct RowTarget<'a> {
    pub calls: &'a Calls,
    pub function: Py<PyAny>,
}

impl Target for RowTarget<'_> {
    fn output(&self, row: &CoreRow) -> Result<String, String> {
        let output = self.calls.call(&self.function, Wanted::Text, |py| {
            Ok(vec![Py::new(py, Row::new(row.clone()))?.into_any()])
        })?;
        String::from_utf8(output).map_err(|cause| cause.to_string())
    }
}

/// A function that sends model calls.
pub struct Models<'a> {
    pub calls: &'a Calls,
    pub function: Py<PyAny>,
}

impl ModelCalls for Models<'_> {
    fn call(&self, endpoint: Endpoint, request: &[u8]) -> Result<Vec<u8>, String> {
        let endpoint = match endpoint {
            Endpoint::Embeddings => "embeddings",
            Endpoint::ChatCompletions => "chat_completions",
            Endpoint::Messages => "messages",
        };
        self.calls.call(&self.function, Wanted::Json, |py| {
            let loads = py.import(intern!(py, "json"))?.getattr(intern!(py, "loads"))?;
            let request = loads.call1((PyBytes::new(py, request),))?;
            Ok(vec![PyString::new(py, endpoint).into_any().unbind(), request.unbind()])
        })
    }
}

fn text(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.as_bytes().to_vec()),
        Err(_) => {
            let class = value.get_type().fully_qualified_name()?;
            Err(PyTypeError::new_err(format!("it returned {class} where str is needed")))
        }
    }
}

/// Takes a response: JSON text, a dict, or a model of an SDK.
fn json(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let is_text = value.cast::<PyString>().is_ok()
        || value.cast::<PyBytes>().is_ok()
        || value.cast::<PyByteArray>().is_ok()
        || value.cast::<PyMemoryView>().is_ok();
    if is_text {
        return Ok(Content::of(value, "response")?.bytes().to_vec());
    }
    if value.cast::<PyDict>().is_err() && !value.hasattr(intern!(value.py(), "model_dump"))? {
        let class = value.get_type().fully_qualified_name()?;
        let message =
            format!("it returned {class} where a response is needed: a dict or JSON text");
        return Err(PyTypeError::new_err(message));
    }
    let mut text = Vec::new();
    let written = walk::write(value, &mut text);
    written
        .map_err(|problem| error::json_type(value.py(), &format!("response{}", problem.text())))?;
    Ok(text)
}
