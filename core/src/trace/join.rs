//! The requests of a batch, found by their name; only their places are kept in memory.

use super::bad::{Bad, BadRow};
use super::lines::{Line, Lines};
use super::{Source, value};
use crate::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

/// The input file of a batch.
pub(super) struct Join {
    path: std::path::PathBuf,
    lines: Lines<BufReader<File>>,
    /// The hash of each name, and the byte at which its line starts; sorted.
    places: Vec<(u64, u64)>,
}

impl Join {
    /// Reads where each request stands; `bad` is told of the rows that are none.
    pub fn open(path: &Path, mut bad: impl FnMut(BadRow) -> Result<()>) -> Result<Self> {
        let fail = |cause| Error::io(path, "read it", cause);
        let file = File::open(path).map_err(|cause| Error::io(path, "open it", cause))?;
        let mut lines = Lines::new(BufReader::with_capacity(64 << 10, file));
        let mut places = Vec::new();
        loop {
            let start = lines.offset();
            let Some(Line { number, text, .. }) = lines.next().map_err(fail)? else { break };
            if number == 1 && text.is_some_and(|text| text.starts_with(b"\x1f\x8b")) {
                let detail = "the input of a batch is read in any order: decompress it first";
                return Err(Error::file(ErrorKind::InvalidArgument, path, detail));
            }
            if text.is_some_and(|text| text.trim_ascii().is_empty()) {
                continue;
            }
            match text.ok_or_else(Bad::too_long).and_then(request) {
                Ok((name, _)) => places.push((hash(&name), start)),
                Err(wrong) => {
                    let file = path.display().to_string();
                    bad(wrong.within(Source { file, line: number }, text.unwrap_or_default(), 0))?;
                }
            }
        }
        places.sort_unstable();
        Ok(Self { path: path.to_owned(), lines, places })
    }

    /// Returns the body of the request of this name.
    pub fn find(&mut self, name: &str) -> Result<Result<Map<String, Value>, Bad>> {
        let hash = hash(name);
        let first = self.places.partition_point(|(other, _)| *other < hash);
        let mut found = None;
        for &(_, place) in self.places[first..].iter().take_while(|(other, _)| *other == hash) {
            let path = &self.path;
            let fail = |cause| Error::io(path, "read it", cause);
            self.lines.seek(SeekFrom::Start(place)).map_err(fail)?;
            let line = self.lines.next().map_err(fail)?;
            let Some(Ok((other, body))) = line.and_then(|line| line.text).map(request) else {
                let detail = "it changed while it was read";
                return Err(Error::file(ErrorKind::Io, path, detail));
            };
            if other == name && found.replace(body).is_some() {
                return Ok(Err(unclear("two requests of the input have this `custom_id`")));
            }
        }
        Ok(found.ok_or_else(|| unclear("no request of the input has this `custom_id`")))
    }
}

fn unclear(reason: &str) -> Bad {
    Bad { at: super::bad::Place::Member("custom_id"), reason: reason.to_owned() }
}

/// Reads the name and the body of a request.
fn request(line: &[u8]) -> Result<(String, Map<String, Value>), Bad> {
    let mut fields = super::fields::Fields::new(value::parse(line)?);
    let name = fields.text("custom_id")?;
    let name = name.ok_or_else(|| Bad::row("it has no `custom_id`: no request of a batch"))?;
    Ok((name, fields.object("body")?.unwrap_or_default()))
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl Lines<BufReader<File>> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<()> {
        self.input_mut().seek(to).map(|_| ())
    }
}
