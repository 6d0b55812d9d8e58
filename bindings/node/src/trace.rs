//! `NativeTraces`: recorded traces, row by row.

use crate::failure::guard;
use crate::output::json;
use f3dx_cache_core::trace::{Row, TraceOptions, Traces};
use f3dx_cache_core::{Error, ErrorKind, Result};
use napi_derive::napi;
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A reader of recorded traces.
#[napi]
pub struct NativeTraces {
    state: Arc<Mutex<State>>,
}

/// What can be done with a reader.
enum State {
    Open(Box<Traces>),
    Replayed,
    Closed(Box<Told>),
}

/// What was read, as it is told.
#[derive(Clone, Serialize)]
struct Told {
    format: Option<&'static str>,
    bad: u64,
    bad_rows: Vec<f3dx_cache_core::trace::BadRow>,
}

/// A reader that is being replayed; when it is dropped, others may read on.
pub struct Taken {
    pub traces: Option<Box<Traces>>,
    state: Arc<Mutex<State>>,
}

/// A row and what it was asked, which core works out.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    row: &'a Row,
    prompt: Option<String>,
}

/// Returns a row as JSON text.
pub fn text(row: &Row) -> Result<String> {
    json(&Asked { row, prompt: row.prompt() })
}

#[napi]
impl NativeTraces {
    /// Opens a trace file; options are JSON text.
    #[napi(factory)]
    pub fn open(path: String, options: String) -> napi::Result<Self> {
        let traces = guard(|| Traces::open(path, &TraceOptions::from_json(options.as_bytes())?))?;
        Ok(Self { state: Arc::new(Mutex::new(State::Open(Box::new(traces)))) })
    }

    /// Returns the next row as JSON text; null is the end.
    #[napi]
    pub fn next(&self) -> napi::Result<Option<String>> {
        guard(|| match &mut *lock(&self.state) {
            State::Open(traces) => traces.next().transpose()?.as_ref().map(text).transpose(),
            State::Replayed => Err(replayed()),
            State::Closed(_) => Ok(None),
        })
    }

    /// Returns as JSON text what was read so far: the format, how many rows are bad, the first
    /// of them.
    #[napi]
    pub fn told(&self) -> napi::Result<String> {
        guard(|| match &*lock(&self.state) {
            State::Open(traces) => json(&told(traces)),
            State::Replayed => Err(replayed()),
            State::Closed(told) => json(told),
        })
    }

    /// Closes the file. What was read can still be asked for.
    #[napi]
    pub fn close(&self) -> napi::Result<()> {
        guard(|| {
            let mut state = lock(&self.state);
            match &*state {
                State::Open(traces) => *state = State::Closed(Box::new(told(traces))),
                State::Replayed => return Err(replayed()),
                State::Closed(_) => {}
            }
            Ok(())
        })
    }
}

impl NativeTraces {
    /// Takes the reader for a replay.
    pub fn take(&self) -> Result<Taken> {
        let mut state = lock(&self.state);
        match std::mem::replace(&mut *state, State::Replayed) {
            State::Open(traces) => Ok(Taken { traces: Some(traces), state: self.state.clone() }),
            State::Replayed => Err(replayed()),
            closed @ State::Closed(_) => {
                *state = closed;
                Err(Error::new(ErrorKind::InvalidArgument, "the traces are closed"))
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take() {
            *lock(&self.state) = State::Open(traces);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(traces: &Traces) -> Told {
    Told {
        format: traces.format().map(f3dx_cache_core::trace::Format::name),
        bad: traces.bad(),
        bad_rows: traces.bad_rows().to_vec(),
    }
}

fn replayed() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the traces are being replayed")
}
