//! Texts whose rows do not stand on a line each: values over many lines, one array, and the
//! documents of OTLP, of which one span at a time is read.

use super::bad::Bad;
use super::input::Text;
use super::lines::LONGEST;
use super::value;
use serde_json::{Map, Value};
use std::io::{self, BufRead, ErrorKind};

/// The members that lead to the spans.
const PATH: [&[u8]; 3] = [b"resourceSpans", b"scopeSpans", b"spans"];
/// What is kept of each level, for the spans in it.
const CONTEXT: [&[u8]; 3] = [b"", b"resource", b"scope"];
/// How long that may be.
const LONGEST_CONTEXT: usize = 1 << 20;
/// How much memory is kept from one value to the next.
const KEPT: usize = 4 << 20;

/// The rows of such a text.
pub(super) struct Documents {
    bytes: Bytes,
    /// Whether to go down to the spans.
    otlp: bool,
    within: Vec<Within>,
    text: Vec<u8>,
    /// The resource and the scope that the next span belongs to.
    context: [Option<Value>; 3],
    /// Whether something was wrong, so that brackets may be left over.
    resynced: bool,
}

/// One row, or what stands in its place.
pub(super) struct Document<'a> {
    pub text: Result<&'a [u8], Bad>,
    /// The line at which it starts.
    pub line: u64,
    /// How many bytes of that line stand before it.
    pub before: usize,
}

#[derive(Clone, Copy)]
enum Within {
    /// The array of all rows.
    Rows,
    /// An object of the path.
    Object(usize),
    /// An array of the path.
    Array(usize),
}

/// What reading one step further came to.
enum Step {
    Row,
    Wrong(&'static str),
    On,
    End,
}

/// Whether a text that begins like this is one of documents.
pub(super) fn begins(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or(head).trim_ascii();
    head.starts_with(b"[") || line == b"{" || begins_otlp(head)
}

/// Whether a text that begins like this is OTLP's.
pub(super) fn begins_otlp(head: &[u8]) -> bool {
    let inside = head.strip_prefix(b"{").unwrap_or_default().trim_ascii_start();
    inside.starts_with(b"\"resourceSpans\"")
        || inside.starts_with(b"\"resourceLogs\"")
        || inside.starts_with(b"\"resourceMetrics\"")
}

impl Documents {
    pub fn new(input: Text, otlp: bool) -> Self {
        let bytes = Bytes { input, line: 1, before: 0 };
        let (within, text, context) = (Vec::new(), Vec::new(), [const { None }; 3]);
        Self { bytes, otlp, within, text, context, resynced: false }
    }

    /// Reads the next row.
    pub fn next(&mut self) -> io::Result<Option<Document<'_>>> {
        self.text.clear();
        self.text.shrink_to(KEPT);
        loop {
            self.bytes.skip_space()?;
            let (line, before) = (self.bytes.line, self.bytes.before);
            let reason = match self.step()? {
                Step::On => continue,
                Step::End => return Ok(None),
                Step::Row => return Ok(Some(Document { text: Ok(&self.text), line, before })),
                Step::Wrong(reason) => reason,
            };
            let (line, before) = (self.bytes.line, self.bytes.before);
            self.resync()?;
            return Ok(Some(Document { text: Err(Bad::byte(0, reason)), line, before }));
        }
    }

    /// Returns the members that the spans read last share: those of their resource and scope.
    pub fn context(&self) -> Map<String, Value> {
        let named = |level: usize| {
            let name = String::from_utf8_lossy(CONTEXT[level]).into_owned();
            Some((name, self.context[level].clone()?))
        };
        (1..CONTEXT.len()).filter_map(named).collect()
    }

    fn step(&mut self) -> io::Result<Step> {
        let Some(byte) = self.bytes.peek()? else {
            return Ok(if self.within.is_empty() {
                Step::End
            } else {
                self.within.clear();
                Step::Wrong("the file ends within a value")
            });
        };
        match (self.within.last().copied(), byte) {
            (None, b',' | b']' | b'}') if self.resynced => self.bytes.bump(),
            (None, b'[') => self.open(Within::Rows),
            (None, b'{') if self.otlp => self.open(Within::Object(0)),
            (Some(Within::Rows | Within::Array(_)), b']') | (Some(Within::Object(_)), b'}') => {
                self.within.pop();
                self.bytes.bump();
            }
            (Some(_), b',') => self.bytes.bump(),
            (Some(Within::Array(level)), b'{') if level + 1 < PATH.len() => {
                self.context[level + 1..].fill(None);
                self.open(Within::Object(level + 1));
            }
            (Some(Within::Object(level)), b'"') => return self.member(level),
            (Some(Within::Object(_)), _) => return Ok(Step::Wrong("it is not JSON")),
            _ => return self.value(true),
        }
        Ok(Step::On)
    }

    fn open(&mut self, within: Within) {
        self.within.push(within);
        self.bytes.bump();
    }

    /// Reads a member of an object of the path.
    fn member(&mut self, level: usize) -> io::Result<Step> {
        if let wrong @ Step::Wrong(_) = self.value(true)? {
            return Ok(wrong);
        }
        let name = std::mem::take(&mut self.text);
        let name = &name[1..name.len() - 1];
        self.bytes.skip_space()?;
        if self.bytes.peek()? != Some(b':') {
            return Ok(Step::Wrong("it is not JSON"));
        }
        self.bytes.bump();
        self.bytes.skip_space()?;
        if name == PATH[level] && self.bytes.peek()? == Some(b'[') {
            self.open(Within::Array(level));
            return Ok(Step::On);
        }
        let kept = level > 0 && name == CONTEXT[level];
        if let wrong @ Step::Wrong(_) = self.value(kept)? {
            return Ok(wrong);
        }
        if kept && self.text.len() <= LONGEST_CONTEXT {
            self.context[level] = value::parse(&self.text).ok().map(Value::Object);
        }
        self.text.clear();
        Ok(Step::On)
    }

    /// Reads a value, as far as its brackets and strings tell.
    fn value(&mut self, kept: bool) -> io::Result<Step> {
        let mut scan = Scan::default();
        let mut length = 0;
        loop {
            let chunk = self.bytes.chunk()?;
            if chunk.is_empty() {
                let ends = scan.ends_with_file();
                return Ok(if ends {
                    Step::Row
                } else {
                    Step::Wrong("the file ends within a value")
                });
            }
            let end = scan.end(chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            length += part.len();
            if kept && length <= LONGEST {
                self.text.extend_from_slice(part);
            }
            let used = part.len();
            self.bytes.consume(used);
            if end.is_some() {
                break;
            }
        }
        Ok(match length {
            0 => Step::Wrong("it is not JSON"),
            _ if kept && length > LONGEST => Step::Wrong("it is longer than 64 MiB"),
            _ => Step::Row,
        })
    }

    /// Passes on to the next line that starts a value.
    fn resync(&mut self) -> io::Result<()> {
        self.within.clear();
        self.resynced = true;
        loop {
            let chunk = self.bytes.chunk()?;
            if chunk.is_empty() {
                return Ok(());
            }
            let newline = memchr::memchr(b'\n', chunk);
            let used = newline.map_or(chunk.len(), |newline| newline + 1);
            self.bytes.consume(used);
            if newline.is_some() && matches!(self.bytes.peek()?, Some(b'{' | b'[')) {
                return Ok(());
            }
        }
    }
}

/// How far a value goes, from chunk to chunk.
#[derive(Default)]
struct Scan {
    depth: usize,
    string: bool,
    escaped: bool,
    /// Whether it is a number or a literal, which has no end of its own.
    bare: bool,
}

impl Scan {
    /// Returns where the value ends in the chunk.
    fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < chunk.len() {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            if self.string {
                at += memchr::memchr2(b'"', b'\\', &chunk[at..])?;
                self.escaped = chunk[at] == b'\\';
                self.string = self.escaped;
                at += 1;
                if !self.string && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match chunk[at] {
                b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                    return Some(at);
                }
                b'"' => self.string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => self.bare |= self.depth == 0,
            }
            at += 1;
        }
        None
    }

    fn ends_with_file(&self) -> bool {
        self.bare && self.depth == 0 && !self.string
    }
}

/// A text, with the place in it.
struct Bytes {
    input: Text,
    line: u64,
    /// How many bytes of the line were read.
    before: usize,
}

impl Bytes {
    fn chunk(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        self.input.fill_buf()
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.chunk()?.first().copied())
    }

    fn bump(&mut self) {
        self.consume(1);
    }

    fn consume(&mut self, used: usize) {
        // What is consumed was looked at before, so that the buffer holds it.
        let part =
            self.input.fill_buf().ok().and_then(|chunk| chunk.get(..used)).unwrap_or_default();
        let newlines = memchr::memchr_iter(b'\n', part);
        let (count, last) = newlines.fold((0, None), |(count, _), at| (count + 1, Some(at)));
        self.line += count;
        self.before = last.map_or(self.before + used, |last| used - last - 1);
        self.input.consume(used);
    }

    fn skip_space(&mut self) -> io::Result<()> {
        loop {
            let start = (self.line, self.before) == (1, 0);
            let chunk = self.chunk()?;
            let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let used = if start && chunk.starts_with(b"\xef\xbb\xbf") {
                3
            } else {
                chunk.iter().position(|byte| !space(byte)).unwrap_or(chunk.len())
            };
            if used == 0 {
                return Ok(());
            }
            self.consume(used);
        }
    }
}
