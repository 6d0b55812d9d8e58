//! Running recorded traces again.

use crate::cache::Cache;
use crate::callback::{Calls, Models, RowTarget};
use crate::detached::detached;
use crate::row::{Row, no_row};
use crate::trace::Traces;
use crate::{error, json, options};
use f3dx_cache_core::replay::{BadRow, Progress, Replay, ReplayOptions, Report, Rows};
use f3dx_cache_core::trace::{Row as CoreRow, Source};
use f3dx_cache_core::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator};
use std::ops::ControlFlow;

/// Replay traces, a Traces or an iterator of rows; return the report as JSON text.
///
/// total is how many rows the iterator has, if that is known. calls is a calls.Calls, which runs
/// target, call and embed; progress is called by this thread.
#[pyfunction]
#[pyo3(signature = (traces, target, options, calls, *, total=None, cache=None, call=None,
                    embed=None, progress=None))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub fn replay(
    py: Python<'_>,
    traces: &Bound<'_, PyAny>,
    target: Py<PyAny>,
    options: &Bound<'_, PyDict>,
    calls: Py<PyAny>,
    total: Option<usize>,
    cache: Option<&Cache>,
    call: Option<Py<PyAny>>,
    embed: Option<Py<PyAny>>,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let options = options::object(py, Some(options), ReplayOptions::from_json)?;
    let calls = Calls::new(calls);
    let target = RowTarget { calls: &calls, function: target };
    let models = call.map(|function| Models { calls: &calls, function });
    let embedder = embed.map(|function| Models { calls: &calls, function });
    let mut replay = Replay::new(&target, options);
    if let Some(models) = &models {
        replay = replay.with_models(models);
    }
    if let Some(embedder) = &embedder {
        replay = replay.with_embedder(embedder);
    }
    if let Some(cache) = cache {
        replay = replay.with_cache(cache.core());
    }
    let mut tell = |news: &Progress| tell(&calls, progress.as_ref(), news);
    let replayed = match traces.cast::<Traces>() {
        Ok(traces) => {
            let traces = traces.get();
            let mut rows = traces.take(py)?.ok_or_else(|| traces.not_open())?;
            let replayed = detached(py, || Ok(replay.run(&mut rows, &mut tell)));
            traces.give_back(py, rows)?;
            replayed
        }
        Err(_) => {
            let rows = traces.cast::<PyIterator>()?.clone().unbind();
            let mut rows = Given { rows, given: 0, total, calls: &calls };
            detached(py, || Ok(replay.run(&mut rows, &mut tell)))
        }
    }?;
    if let Some(raised) = calls.raised() {
        return Err(raised);
    }
    match replayed {
        Ok(report) => Ok(report.to_json()),
        Err(failure) => Err(error::argument(py, &failure)),
    }
}

/// Return a report, given as JSON text, as "json", "markdown", "junit" or "html".
#[pyfunction]
pub fn render(py: Python<'_>, report: &str, format: &str) -> PyResult<String> {
    let rendered =
        detached(py, || Ok(Report::from_json(report.as_bytes()).and_then(|it| it.render(format))))?;
    rendered.map_err(|failure| error::argument(py, &failure))
}

/// Tells Python how far it is, and whether somebody wants it to end.
fn tell(calls: &Calls, progress: Option<&Py<PyAny>>, news: &Progress) -> ControlFlow<()> {
    let told = Python::try_attach(|py| {
        calls.check_signals(py);
        let told = progress.filter(|_| !calls.stopped()).map(|progress| {
            let news = json::to_python(py, news)?;
            progress.call1(py, (news,))
        });
        if let Some(Err(raised)) = told {
            calls.stop(raised);
        }
    });
    match told {
        Some(()) if !calls.stopped() => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

/// Rows that Python gives.
struct Given<'a> {
    rows: Py<PyIterator>,
    /// How many it gave so far.
    given: u64,
    total: Option<usize>,
    calls: &'a Calls,
}

impl Iterator for Given<'_> {
    type Item = Result<CoreRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = Python::try_attach(|py| {
            let next = self.rows.bind(py).clone().next()?;
            let row = next.and_then(|row| match row.cast::<Row>() {
                Ok(row) => Ok(row.get().core().clone()),
                Err(_) => Err(no_row(&row)),
            });
            Some(row)
        });
        match next.flatten()? {
            Ok(row) => Some(Ok(self.numbered(row))),
            Err(raised) => {
                self.calls.stop(raised);
                Some(Err(Error::new(ErrorKind::Callback, "the rows could not be read")))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.total.unwrap_or(0), self.total)
    }
}

impl Given<'_> {
    /// Gives a row that was made by hand, and stands in no file, a place to be known by.
    fn numbered(&mut self, mut row: CoreRow) -> CoreRow {
        self.given += 1;
        if row.source == Source::default() {
            row.source = Source { file: "rows".to_owned(), line: self.given };
        }
        row
    }
}

impl Rows for Given<'_> {
    fn bad(&self) -> u64 {
        0
    }

    fn bad_rows(&self) -> &[BadRow] {
        &[]
    }
}
