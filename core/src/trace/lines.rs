//! Lines of any length, of which the longest are passed over.

use std::io::{self, BufRead, ErrorKind};

/// How many bytes a line may have.
pub(super) const LONGEST: usize = 64 << 20;

/// How much memory is kept from one line to the next.
const KEPT: usize = 4 << 20;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The lines of a text.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    /// How many bytes were read.
    offset: u64,
}

/// A line without its end.
pub(super) struct Line<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// What it says; none if it is longer than [`LONGEST`].
    pub text: Option<&'a [u8]>,
    /// How many bytes stand before the text, which is a byte order mark.
    pub skipped: usize,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0, offset: 0 }
    }

    /// Returns where the next line starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn input_mut(&mut self) -> &mut R {
        &mut self.input
    }

    /// Reads the next line.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        self.line.shrink_to(KEPT);
        let mut length = 0;
        loop {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let newline = memchr::memchr(b'\n', chunk);
            let part = &chunk[..newline.unwrap_or(chunk.len())];
            length += part.len();
            if length <= LONGEST {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(newline.is_some());
            self.input.consume(used);
            self.offset += used as u64;
            if newline.is_some() {
                break;
            }
        }
        self.number += 1;
        let number = self.number;
        if length > LONGEST {
            return Ok(Some(Line { number, text: None, skipped: 0 }));
        }
        let text = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let (text, skipped) = match text.strip_prefix(BOM) {
            Some(text) if number == 1 => (text, BOM.len()),
            _ => (text, 0),
        };
        Ok(Some(Line { number, text: Some(text), skipped }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    fn lines(text: &[u8]) -> Vec<(u64, String)> {
        let mut lines = Lines::new(BufReader::with_capacity(3, text));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.number, String::from_utf8_lossy(line.text.unwrap()).into_owned()));
        }
        all
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_file() {
        let said = [(1, "abcd".to_owned()), (2, String::new()), (3, "e".to_owned())];
        assert_eq!(lines(b"abcd\n\ne"), said);
        assert_eq!(lines(b"abcd\r\n\r\ne\r\n"), said);
        assert_eq!(lines(b"\xef\xbb\xbfabcd\n\ne\n"), said);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_beyond_the_limit_is_passed_over() {
        let long = io::repeat(b'x').take(LONGEST as u64 + 1);
        let mut lines = Lines::new(BufReader::new(long.chain(&b"\nnext"[..])));
        assert!(lines.next().unwrap().unwrap().text.is_none());
        assert_eq!(lines.next().unwrap().unwrap().text, Some(&b"next"[..]));
        assert!(lines.next().unwrap().is_none());
    }
}
