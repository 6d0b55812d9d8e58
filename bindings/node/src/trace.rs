//! `NativeTraces`: recorded traces, row by row.

use crate::failure::guard;
use crate::output;
use f3dx_cache_core::replay::Rows;
use f3dx_cache_core::trace::{BadRow, Format, Row, Source, TraceOptions, Traces};
use f3dx_cache_core::{Error, ErrorKind, Result};
use napi_derive::napi;
use serde::{Deserialize, Serialize};
use serde_json::json;
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
    bad_rows: Vec<BadRow>,
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

/// Rows that the caller has, as rows of a file.
pub struct Given(std::vec::IntoIter<Row>);

impl Given {
    /// Reads a JSON array of rows. Those that stand in no file are numbered.
    pub fn read(rows: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Told {
            #[serde(flatten)]
            row: Row,
            prompt: Option<String>,
        }
        let told: Vec<Told> = serde_json::from_str(rows)
            .map_err(|cause| Error::new(ErrorKind::InvalidArgument, "traces").because(cause))?;
        let rows = told.into_iter().zip(1..).map(|(Told { mut row, prompt }, number)| {
            if row.source == Source::default() {
                row.source.line = number;
            }
            if let (true, Some(prompt)) = (row.messages.is_empty(), prompt) {
                row.messages.push(json!({ "role": "user", "content": prompt }));
            }
            row
        });
        Ok(Self(rows.collect::<Vec<_>>().into_iter()))
    }
}

impl Iterator for Given {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl Rows for Given {
    fn bad(&self) -> u64 {
        0
    }

    fn bad_rows(&self) -> &[BadRow] {
        &[]
    }
}

/// Returns a row as JSON text.
pub fn text(row: &Row) -> Result<String> {
    output::json(&Asked { row, prompt: row.prompt() })
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
            State::Open(traces) => output::json(&told(traces)),
            State::Replayed => Err(replayed()),
            State::Closed(told) => output::json(told),
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
        format: traces.format().map(Format::name),
        bad: traces.bad(),
        bad_rows: traces.bad_rows().to_vec(),
    }
}

fn replayed() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the traces are being replayed")
}
