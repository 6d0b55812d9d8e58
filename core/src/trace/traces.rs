//! The rows of a trace file, one after the other.

use super::bad::{Bad, BadRow};
use super::documents::{self, Document, Documents};
use super::input::{self, Input, Text};
use super::join::Join;
use super::lines::{Line, Lines};
use super::messages::put_request;
use super::parquet::Parquet;
use super::{Format, Row, Source, TraceOptions, reading, value};
use crate::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use std::fmt;
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};

/// How many bad rows are kept.
const KEPT: usize = 1000;

/// The rows of a trace file, read one at a time, in memory that does not grow with the file.
///
/// A row that cannot be read is counted, kept in [`Traces::bad_rows`] and passed over; if the
/// options are strict, it is the last item, an [`ErrorKind::InvalidRow`] that says
/// `file:line:column: reason`. What the row holds is never said.
///
/// ```
/// use f3dx_cache_core::trace::{TraceOptions, Traces};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("traces.jsonl");
/// std::fs::write(&path, "{\"prompt\": \"2+2\", \"output\": \"4\"}\n{\"prompt\": ").unwrap();
/// let mut traces = Traces::open(&path, &TraceOptions::default())?;
/// let row = traces.next().unwrap()?;
/// assert_eq!(row.output.as_deref(), Some("4"));
/// assert!(traces.next().is_none());
/// assert_eq!(traces.bad(), 1);
/// assert_eq!(traces.bad_rows()[0].source.line, 2);
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
pub struct Traces {
    path: PathBuf,
    strict: bool,
    format: Option<Format>,
    rows: Rows,
    join: Option<Join>,
    bad: u64,
    bad_rows: Vec<BadRow>,
    done: bool,
}

/// Where rows come from.
enum Rows {
    Lines(Lines<Text>),
    Documents(Documents),
    Parquet(Parquet, u64),
}

impl Traces {
    /// Opens a trace file, compressed with gzip or not, and tells its format from its content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if a file cannot be read, [`ErrorKind::InvalidRow`] if it is a damaged
    /// parquet or gzip file, [`ErrorKind::InvalidArgument`] if the options do not fit it.
    pub fn open(path: impl AsRef<Path>, options: &TraceOptions) -> Result<Self> {
        let path = path.as_ref();
        let (rows, format) = match input::open(path)? {
            Input::Parquet(file) => {
                (Rows::Parquet(Parquet::open(file, path)?, 0), Some(Format::F3dxParquet))
            }
            Input::Text(text, head) => {
                let otlp = documents::begins_otlp(&head) && options.format.is_none()
                    || options.format == Some(Format::Otlp);
                if otlp || documents::begins(&head) {
                    let format = otlp.then_some(Format::Otlp);
                    (Rows::Documents(Documents::new(text, otlp)), format)
                } else {
                    (Rows::Lines(Lines::new(text)), None)
                }
            }
        };
        let parquet = Some(Format::F3dxParquet);
        if options.format.is_some_and(|wanted| (format == parquet) != (Some(wanted) == parquet)) {
            let detail = if format == parquet { "it is parquet" } else { "it is not parquet" };
            return Err(Error::file(ErrorKind::InvalidArgument, path, detail));
        }
        let mut traces = Self {
            path: path.to_owned(),
            strict: options.strict,
            format: options.format.or(format),
            rows,
            join: None,
            bad: 0,
            bad_rows: Vec::new(),
            done: false,
        };
        if let Some(input) = &options.input {
            traces.join = Some(Join::open(input, |bad| traces.note(bad))?);
        }
        Ok(traces)
    }

    /// Returns the format, once it was told or the first rows showed it.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Returns how many rows could not be read so far.
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// Returns the first 1,000 rows that could not be read so far.
    pub fn bad_rows(&self) -> &[BadRow] {
        &self.bad_rows
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads on to the next row.
    fn read(&mut self) -> Result<Option<Row>> {
        let file = self.path.display().to_string();
        loop {
            let path = &self.path;
            let fail = |cause| input::broken(path, cause);
            let (text, before, line, members) = match &mut self.rows {
                Rows::Lines(lines) => {
                    let Some(line) = lines.next().map_err(fail)? else { return Ok(None) };
                    let Line { number, text, skipped } = line;
                    if text.is_some_and(|text| text.trim_ascii().is_empty()) {
                        continue;
                    }
                    let members = text.ok_or_else(Bad::too_long).and_then(value::parse);
                    (text.unwrap_or_default(), skipped, number, members)
                }
                Rows::Documents(documents) => {
                    let Some(document) = documents.next().map_err(fail)? else { return Ok(None) };
                    let Document { text, line, before } = document;
                    match text {
                        Ok(text) => (text, before, line, value::parse(text)),
                        Err(bad) => (&[][..], before, line, Err(bad)),
                    }
                }
                Rows::Parquet(parquet, number) => {
                    let Some(members) = parquet.next(path)? else { return Ok(None) };
                    *number += 1;
                    (&[][..], 0, *number, Ok(members))
                }
            };
            let source = Source { file: file.clone(), line };
            let made = members.and_then(|members| make(&mut self.format, members));
            let made = match (made, &mut self.join) {
                (Ok(Some(mut row)), Some(join)) => {
                    let joined = match &row.case_id {
                        Some(name) => join.find(name)?,
                        None => Err(Bad::row("it has no `custom_id` to join by")),
                    };
                    joined.and_then(|body| put_request(&mut row, body)).map(|()| Some(row))
                }
                (made, _) => made,
            };
            match made {
                Ok(Some(mut row)) => {
                    row.source = source;
                    if let Rows::Documents(documents) = &self.rows {
                        row.extra.extend(documents.context());
                    }
                    return Ok(Some(row));
                }
                Ok(None) => {}
                Err(bad) => {
                    let bad = bad.within(source, text, before);
                    self.note(bad)?;
                }
            }
        }
    }

    /// Counts a bad row, or stops at it.
    fn note(&mut self, bad: BadRow) -> Result<()> {
        self.bad += 1;
        let stop = self.strict.then(|| bad.error());
        if self.bad_rows.len() < KEPT {
            self.bad_rows.push(bad);
        }
        stop.map_or(Ok(()), Err)
    }
}

/// Makes the row of the members, of the format that they show if none was before.
fn make(format: &mut Option<Format>, members: Map<String, Value>) -> Result<Option<Row>, Bad> {
    let Some(known) = format.or_else(|| reading::detect(&members)) else {
        return Err(Bad::row(
            "its members are those of no known format: \
             a plain row has `prompt` or `messages`, and `output`",
        ));
    };
    *format = Some(known);
    let own = members.clone();
    let row = reading::row(known, members)?;
    Ok(row.map(|row| Row { own, ..row }))
}

impl Iterator for Traces {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}

impl FusedIterator for Traces {}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("path", &self.path)
            .field("format", &self.format)
            .field("bad", &self.bad)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_may_move_to_another_thread() {
        fn moves<T: Send + 'static>() {}
        moves::<Traces>();
    }
}
