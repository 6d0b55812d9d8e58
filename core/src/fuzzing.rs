//! What the fuzz targets see of private modules; behind the feature `fuzzing`,
//! and no part of the API.

use crate::config::Config;
use crate::error::Result;
use crate::options::Options;
use crate::store;
use std::path::Path;

pub use crate::store::Table;

/// Returns the row of `content` in `table`.
pub fn encode_row(table: Table, key: &[u8], content: &[u8]) -> Vec<u8> {
    store::encode(table, key, &[content])
}

/// Returns the content of a row of `table`, if its checksum holds.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
pub fn decode_row<'r>(table: Table, key: &[u8], row: &'r [u8]) -> Result<&'r [u8]> {
    store::decode(Path::new("fuzzed"), table, key, row)
}

/// Returns the row of a response.
///
/// # Errors
///
/// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for a head of 4 GiB.
pub fn encode_response(key: &[u8], head: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    store::encode_response(key, head, body)
}

/// Returns head and body of a response's row, if its checksum holds.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt).
pub fn decode_response<'r>(key: &[u8], row: &'r [u8]) -> Result<(&'r [u8], &'r [u8])> {
    store::decode_response(Path::new("fuzzed"), key, row)
}

/// Reads what an `f3dx-cache.toml` at `file` says.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config).
pub fn configuration(file: &Path, bytes: &[u8]) -> Result<Options> {
    Config::parse(file.to_owned(), bytes).map(|config| config.options)
}
