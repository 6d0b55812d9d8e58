//! A row as bytes, and back, with its checksum.
//!
//! redb does not verify values when it reads them: of 1,000 one-bit flips, 654
//! came back as wrong bytes in silence (design.md). So every row carries a
//! checksum of its own, checked on every read.

use super::RESTORE;
use super::schema::Table;
use crate::error::{Error, ErrorKind, Result};
use std::path::Path;

/// The version of the layout of every row; its first byte.
const ROW_VERSION: u8 = 1;
const CHECKSUM: usize = 16;
const HEADER: usize = 1 + CHECKSUM;

/// Bytes that a row adds to its content.
pub(super) const OVERHEAD: u64 = HEADER as u64;
/// Bytes that a row adds to head and body of a response.
pub(super) const RESPONSE_OVERHEAD: u64 = OVERHEAD + 4;

/// A recorded response: head (empty, or HTTP status, headers, chunks) and body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// A JSON object for an HTTP call, empty for an explicit one.
    pub head: Vec<u8>,
    /// The response's bytes, content-encoding undone.
    pub body: Vec<u8>,
}

/// Returns `parts`, joined, as a row of `table` under `key`.
pub(crate) fn encode(table: Table, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut row = Vec::with_capacity(HEADER + length);
    row.push(ROW_VERSION);
    row.extend_from_slice(&[0; CHECKSUM]);
    for part in parts {
        row.extend_from_slice(part);
    }
    let checksum = checksum(table, key, &row[HEADER..]);
    row[1..HEADER].copy_from_slice(&checksum);
    row
}

/// Returns the content of a row whose checksum holds.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if it does not, or if the row's version is not ours: a
/// file with other rows says so in its format table.
pub(crate) fn decode<'r>(path: &Path, table: Table, key: &[u8], row: &'r [u8]) -> Result<&'r [u8]> {
    check(table, key, row).map_err(|wrong| damaged(path, table, key, &wrong))
}

/// Returns the content of a row whose checksum holds, or what is wrong with the row.
pub(super) fn check<'r>(table: Table, key: &[u8], row: &'r [u8]) -> Result<&'r [u8], String> {
    let Some((&[version], rest)) = row.split_first_chunk::<1>() else {
        return Err("is empty".into());
    };
    if version != ROW_VERSION {
        return Err(format!("has row version {version}, not {ROW_VERSION}"));
    }
    let Some((stored, content)) = rest.split_first_chunk::<CHECKSUM>() else {
        return Err("is cut short".into());
    };
    if *stored != checksum(table, key, content) {
        return Err("does not match its checksum".into());
    }
    Ok(content)
}

/// Returns the row of a response.
pub(crate) fn encode_response(key: &[u8], head: &[u8], body: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(head.len()).map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, "a response head is limited to 4 GiB")
    })?;
    Ok(encode(Table::Responses, key, &[&length.to_le_bytes(), head, body]))
}

/// Returns head and body of a response row whose checksum holds.
pub(crate) fn decode_response<'r>(
    path: &Path,
    key: &[u8],
    row: &'r [u8],
) -> Result<(&'r [u8], &'r [u8])> {
    let content = decode(path, Table::Responses, key, row)?;
    let parts = content.split_first_chunk::<4>().and_then(|(length, rest)| {
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
    });
    parts.ok_or_else(|| damaged(path, Table::Responses, key, "has a head longer than itself"))
}

/// BLAKE3 of the content, keyed with the BLAKE3 of table name, NUL, key and
/// content length (u64, little endian); the first 16 bytes.
///
/// Two steps, so that the content is hashed as one piece: BLAKE3 then works on
/// several of its chunks at once, which halves the time for 2 KB.
fn checksum(table: Table, key: &[u8], content: &[u8]) -> [u8; CHECKSUM] {
    let mut place = blake3::Hasher::new();
    place.update(table.name().as_bytes());
    place.update(&[0]);
    place.update(key);
    place.update(&(content.len() as u64).to_le_bytes());
    let hash = blake3::keyed_hash(place.finalize().as_bytes(), content);
    let mut short = [0; CHECKSUM];
    short.copy_from_slice(&hash.as_bytes()[..CHECKSUM]);
    short
}

fn damaged(path: &Path, table: Table, key: &[u8], detail: &str) -> Error {
    let key = match key.len() {
        32 => blake3_hex(key),
        _ => String::from_utf8_lossy(key).into_owned(),
    };
    Error::file(
        ErrorKind::Corrupt,
        path,
        format_args!("the {} row of {key} {detail}; {RESTORE}", table.name()),
    )
}

fn blake3_hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn every_flipped_bit_of_a_row_is_noticed() {
        let row = encode_response(&KEY, b"{}", b"forty-two").unwrap();
        for bit in 0..row.len() * 8 {
            let mut flipped = row.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = decode_response(Path::new("x"), &KEY, &flipped);
            assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt, "bit {bit}");
        }
    }

    #[test]
    fn a_row_moved_to_another_key_or_table_is_noticed() {
        let row = encode(Table::Requests, &KEY, &[b"{}"]);
        let path = Path::new("x");
        assert!(decode(path, Table::Requests, &KEY, &row).is_ok());
        assert!(decode(path, Table::Requests, &[8; 32], &row).is_err());
        assert!(decode(path, Table::Meta, &KEY, &row).is_err());
    }

    #[test]
    fn a_row_cut_anywhere_is_noticed() {
        let row = encode_response(&KEY, b"{}", b"forty-two").unwrap();
        for length in 0..row.len() {
            assert!(decode_response(Path::new("x"), &KEY, &row[..length]).is_err());
        }
    }
}
