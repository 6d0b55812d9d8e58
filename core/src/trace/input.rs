//! The bytes of a trace file, decompressed, and how they begin.

use crate::error::{Error, ErrorKind, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::Path;

/// How much of a file is looked at to tell what it is.
const HEAD: u64 = 4096;
/// How much is read at once.
const CHUNK: usize = 128 << 10;

const GZIP: &[u8] = b"\x1f\x8b";
const PARQUET: &[u8] = b"PAR1";

/// The text of a file.
pub(super) type Text = Box<dyn BufRead + Send>;

/// A file that is open.
pub(super) enum Input {
    /// A parquet file, at its start.
    Parquet(File),
    /// A text, and how it begins, without a byte order mark and white space.
    Text(Text, Vec<u8>),
}

/// Opens a file, and looks at how it begins.
pub(super) fn open(path: &Path) -> Result<Input> {
    let fail = |doing| move |cause| Error::io(path, doing, cause);
    let mut file = File::open(path).map_err(fail("open it"))?;
    let start = head(&mut file).map_err(fail("read it"))?;
    if start.starts_with(PARQUET) {
        file.rewind().map_err(fail("read it"))?;
        return Ok(Input::Parquet(file));
    }
    let gzip = start.starts_with(GZIP);
    let whole = BufReader::with_capacity(CHUNK, Cursor::new(start.clone()).chain(file));
    if !gzip {
        return Ok(Input::Text(Box::new(whole), trimmed(&start)));
    }
    let mut text = MultiGzDecoder::new(whole);
    let start = head(&mut text).map_err(|cause| broken(path, cause))?;
    let whole = Cursor::new(start.clone()).chain(text);
    Ok(Input::Text(Box::new(BufReader::with_capacity(CHUNK, whole)), trimmed(&start)))
}

/// Returns the error for a file that could not be read on.
pub(super) fn broken(path: &Path, cause: io::Error) -> Error {
    match cause.kind() {
        // These come from the decompressor, whatever the operating system said.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Error::file(ErrorKind::InvalidRow, path, "the gzip stream is damaged or cut off")
        }
        _ => Error::io(path, "read it", cause),
    }
}

fn head(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(HEAD).read_to_end(&mut start)?;
    Ok(start)
}

fn trimmed(start: &[u8]) -> Vec<u8> {
    start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start().to_vec()
}
