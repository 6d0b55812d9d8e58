//! Rows of parquet files, one row at a time.

use crate::error::{Error, ErrorKind, Result};
use parquet::file::reader::SerializedFileReader;
use parquet::record::Field;
use parquet::record::reader::RowIter;
use serde_json::{Map, Value};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The rows of a parquet file.
pub(super) struct Parquet {
    rows: RowIter<'static>,
}

impl Parquet {
    pub fn open(file: File, path: &Path) -> Result<Self> {
        guarded(path, || {
            let reader = SerializedFileReader::new(file).ok()?;
            Some(RowIter::from_file_into(Box::new(reader)).with_batch_size(64))
        })?
        .map(|rows| Self { rows })
        .ok_or_else(|| damaged(path))
    }

    /// Reads the columns of the next row.
    pub fn next(&mut self, path: &Path) -> Result<Option<Map<String, Value>>> {
        let rows = &mut self.rows;
        match guarded(path, || rows.next())? {
            None => Ok(None),
            Some(Err(_)) => Err(damaged(path)),
            Some(Ok(row)) => Ok(Some(
                row.into_columns().into_iter().map(|(name, field)| (name, value(field))).collect(),
            )),
        }
    }
}

/// Calls into the crate, which panics at some files that are damaged.
fn guarded<T>(path: &Path, call: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| damaged(path))
}

fn damaged(path: &Path) -> Error {
    let detail =
        "the parquet file is damaged, or compressed otherwise than by snappy, zstd or gzip";
    Error::file(ErrorKind::InvalidRow, path, detail)
}

fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) | Field::Date(value) | Field::TimeMillis(value) => value.into(),
        Field::Long(value)
        | Field::TimeMicros(value)
        | Field::TimestampMillis(value)
        | Field::TimestampMicros(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float16(value) => value.to_f64().into(),
        Field::Float(value) => value.into(),
        Field::Double(value) => value.into(),
        Field::Str(text) => text.into(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned().into(),
        Field::Group(row) => {
            row.into_columns().into_iter().map(|(name, field)| (name, value(field))).collect()
        }
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect(),
        other => other.to_string().into(),
    }
}
