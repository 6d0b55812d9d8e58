//! `Traces`: the rows of a trace file.

use crate::detached::detached;
use crate::row::{Row, named, source};
use crate::{error, options};
use f3dx_cache_core::Result;
use f3dx_cache_core::trace::{BadRow, TraceOptions, Traces as CoreTraces};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The rows of a trace file, read one at a time.
///
/// A row that cannot be read is counted, kept in bad_rows and passed over; if strict, it ends
/// the iteration with TraceError.
#[pyclass(module = "f3dx_cache", frozen)]
pub struct Traces {
    path: PathBuf,
    reader: Mutex<Reader>,
}

/// The file while it is open, and what is known about it afterwards.
#[derive(Default)]
struct Reader {
    open: Option<CoreTraces>,
    format: Option<&'static str>,
    bad: u64,
    bad_rows: Vec<BadRow>,
}

#[pymethods]
impl Traces {
    #[new]
    #[pyo3(signature = (path, **options))]
    fn new(py: Python<'_>, path: PathBuf, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = options::object(py, options, TraceOptions::from_json)?;
        let opened = detached(py, || Ok(CoreTraces::open(&path, &options)))?;
        let open = Some(opened.map_err(|error| error::argument(py, &error))?);
        Ok(Self { path, reader: Mutex::new(Reader { open, ..Reader::default() }) })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Row>> {
        let row = self.reading(py, |reader| {
            Ok(match &mut reader.open {
                Some(open) => Some(open.next().transpose()?),
                None => None,
            })
        })?;
        match row {
            Some(row) => Ok(row.map(Row::new)),
            None => Err(self.not_open()),
        }
    }

    /// The file.
    #[getter]
    fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The format; None until the first row shows it.
    #[getter]
    fn format(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        self.reading(py, |reader| {
            reader.look();
            Ok(reader.format)
        })
    }

    /// How many rows could not be read so far.
    #[getter]
    fn bad(&self, py: Python<'_>) -> PyResult<u64> {
        self.reading(py, |reader| {
            reader.look();
            Ok(reader.bad)
        })
    }

    /// The first 1,000 rows that could not be read so far: source, column and reason.
    #[getter]
    fn bad_rows<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let rows = self.reading(py, |reader| {
            reader.look();
            Ok(reader.bad_rows.clone())
        })?;
        let row =
            |row: &BadRow| named(py, "BadRow", (source(py, &row.source)?, row.column, &row.reason));
        rows.iter().map(row).collect()
    }

    /// Close the file; what is known about it stays.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.take(py).map(drop)
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
        Ok(format!("<Traces {path}>"))
    }
}

impl Traces {
    /// Takes the file, for a replay, which may call what looks at this object.
    pub fn take(&self, py: Python<'_>) -> PyResult<Option<CoreTraces>> {
        self.reading(py, |reader| {
            reader.look();
            Ok(reader.open.take())
        })
    }

    /// Gives back what [`Traces::take`] took.
    pub fn give_back(&self, py: Python<'_>, open: CoreTraces) -> PyResult<()> {
        self.reading(py, |reader| {
            reader.open = Some(open);
            Ok(())
        })
    }

    /// Returns what says that there is nothing to read.
    pub fn not_open(&self) -> PyErr {
        let path = self.path.display();
        PyValueError::new_err(format!("{path}: it was closed, or is being replayed"))
    }

    /// Looks at the reader. It is waited for without the GIL, which its holder may want.
    fn reading<T: Send>(
        &self,
        py: Python<'_>,
        look: impl FnOnce(&mut Reader) -> Result<T> + Send,
    ) -> PyResult<T> {
        detached(py, || {
            let mut reader: MutexGuard<'_, Reader> =
                self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            look(&mut reader)
        })
    }
}

impl Reader {
    /// Notes what is known so far.
    fn look(&mut self) {
        if let Some(open) = &self.open {
            self.format = open.format().map(|format| format.name());
            self.bad = open.bad();
            self.bad_rows = open.bad_rows().to_vec();
        }
    }
}
