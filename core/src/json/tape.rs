//! One strict pass over the bytes of a JSON text.
//!
//! The pass notes where the pieces of the canonical form lie: mostly spans of
//! the input, since strings, numbers and punctuation are canonical in nearly all
//! requests. Spans that touch are one. Only what must be respelled is copied.

use std::ops::Range;

use super::{number, string};
use crate::{Error, JsonErrorKind, Result};

/// How many levels of arrays and objects a text may have.
const MAX_DEPTH: usize = 127;

/// A part of the canonical form, in the order of the input.
#[derive(Clone, Copy)]
pub(super) enum Piece {
    /// Bytes of the input.
    Input { start: usize, end: usize },
    /// Bytes of [`Tape::respelled`].
    Respelled { start: usize, end: usize },
    /// An object whose members stand in another order: [`Tape::sorted`] has the
    /// right one. Its members are the pieces up to `next`.
    Object { first: usize, count: usize, next: usize },
}

/// What the pass found; reused from text to text.
#[derive(Default)]
pub(super) struct Tape {
    pub pieces: Vec<Piece>,
    pub respelled: Vec<u8>,
    /// Members, as ranges of pieces, in canonical order. All but the one that
    /// is last in the input end with their comma.
    pub sorted: Vec<Range<usize>>,
    /// Members of the objects that are still open.
    members: Vec<Member>,
    /// What the names with escapes say.
    names: Vec<u8>,
    /// A piece may only be extended if it is at or after this one.
    seam: usize,
}

struct Member {
    /// Where the name is in the input, or in `names` if it had escapes.
    name: Range<usize>,
    escaped: bool,
    at: usize,
    pieces: Range<usize>,
}

impl Tape {
    /// Reads a text, which replaces what was read before.
    pub fn read(&mut self, text: &[u8]) -> Result<()> {
        self.clear();
        let mut reader = Reader { text, at: 0, depth: 0, tape: self };
        check_framing(text)?;
        reader.skip_space();
        if reader.at == text.len() {
            return Err(Error::json(JsonErrorKind::EmptyInput, 0, "there is no value"));
        }
        reader.value()?;
        reader.skip_space();
        if reader.at < text.len() {
            let detail = "there is more after the value";
            return Err(Error::json(JsonErrorKind::TrailingData, reader.at, detail));
        }
        Ok(())
    }

    /// Gives memory back that only an unusually large text needed.
    pub fn shrink(&mut self, bytes: usize) {
        self.clear();
        self.pieces.shrink_to(bytes / size_of::<Piece>());
        self.members.shrink_to(bytes / size_of::<Member>());
        self.sorted.shrink_to(bytes / size_of::<Range<usize>>());
        self.respelled.shrink_to(bytes);
        self.names.shrink_to(bytes);
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.respelled.clear();
        self.sorted.clear();
        self.members.clear();
        self.names.clear();
        self.seam = 0;
    }

    /// Makes the next piece a new one, even if it touches the last.
    fn cut(&mut self) {
        self.seam = self.pieces.len();
    }

    fn keep(&mut self, start: usize, end: usize) {
        if self.pieces.len() > self.seam
            && let Some(Piece::Input { end: last, .. }) = self.pieces.last_mut()
            && *last == start
        {
            *last = end;
        } else {
            self.pieces.push(Piece::Input { start, end });
        }
    }

    fn respell(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let start = self.respelled.len();
        write(&mut self.respelled)?;
        self.pieces.push(Piece::Respelled { start, end: self.respelled.len() });
        Ok(())
    }

    /// Sorts the members from `base` on, which were not in strict order.
    fn sort(&mut self, base: usize, text: &[u8]) -> Result<()> {
        let names = &self.names;
        let name = |member: &Member| {
            let bytes = if member.escaped { names } else { text };
            &bytes[member.name.clone()]
        };
        let members = &mut self.members[base..];
        members
            .sort_unstable_by(|a, b| string::compare_utf16(name(a), name(b)).then(a.at.cmp(&b.at)));
        let again = members
            .array_windows()
            .filter(|[a, b]| name(a) == name(b))
            .map(|[_, b]| b)
            .min_by_key(|member| member.at);
        if let Some(member) = again {
            let name = String::from_utf8_lossy(name(member));
            let detail = format_args!("duplicate key {name:?}");
            return Err(Error::json(JsonErrorKind::DuplicateKey, member.at, detail));
        }
        Ok(())
    }
}

/// Checks what concerns the text as a whole, before anything is read.
fn check_framing(text: &[u8]) -> Result<()> {
    if let Err(error) = std::str::from_utf8(text) {
        let detail = "the text is not UTF-8";
        return Err(Error::json(JsonErrorKind::InvalidUtf8, error.valid_up_to(), detail));
    }
    if text.starts_with("\u{feff}".as_bytes()) {
        let detail = "the text starts with a byte order mark";
        return Err(Error::json(JsonErrorKind::Bom, 0, detail));
    }
    Ok(())
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    tape: &'a mut Tape,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            Some(b'N' | b'I') => Err(self.unexpected("a value; NaN and Infinity are not JSON")),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn string(&mut self) -> Result<()> {
        let span = string::scan(self.text, self.at)?;
        self.at = span.end;
        self.keep_string(span)
    }

    fn keep_string(&mut self, span: string::StringSpan) -> Result<()> {
        if span.canonical {
            self.tape.keep(span.start, span.end);
            return Ok(());
        }
        let quoted = &self.text[span.start..span.end];
        self.tape.respell(|out| string::respell(quoted, out))
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<()>) -> Result<()> {
        if self.depth == MAX_DEPTH {
            let detail = format_args!("more than {MAX_DEPTH} levels of arrays and objects");
            return Err(Error::json(JsonErrorKind::TooDeep, self.at, detail));
        }
        self.depth += 1;
        read(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self) -> Result<()> {
        self.keep_byte();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.keep_byte();
            return Ok(());
        }
        loop {
            self.value()?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.keep_byte(),
                Some(b']') => break,
                _ => return Err(self.unexpected("a comma or ]")),
            }
            self.skip_space();
        }
        self.keep_byte();
        Ok(())
    }

    fn object(&mut self) -> Result<()> {
        // The brace is a piece of its own, to be replaced if members must move.
        self.tape.cut();
        let head = self.tape.pieces.len();
        self.keep_byte();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.keep_byte();
            return Ok(());
        }
        let base = self.tape.members.len();
        let mut in_order = true;
        loop {
            let member = self.name()?;
            if in_order && self.tape.members.len() > base {
                let last = &self.tape.members[self.tape.members.len() - 1];
                in_order = string::compare_utf16(self.bytes(last), self.bytes(&member)).is_lt();
            }
            let index = self.tape.members.len();
            self.tape.members.push(member);
            self.skip_space();
            self.expect(b':', "a colon")?;
            self.skip_space();
            self.value()?;
            self.skip_space();
            let more = self.peek() == Some(b',');
            if more {
                self.keep_byte();
            }
            self.tape.members[index].pieces.end = self.tape.pieces.len();
            if !more {
                break;
            }
            self.skip_space();
        }
        if self.peek() != Some(b'}') {
            return Err(self.unexpected("a comma or }"));
        }
        if in_order {
            self.keep_byte();
        } else {
            self.tape.sort(base, self.text)?;
            self.at += 1;
            let tape = &mut *self.tape;
            let first = tape.sorted.len();
            tape.sorted.extend(tape.members[base..].iter().map(|member| member.pieces.clone()));
            let (count, next) = (tape.members.len() - base, tape.pieces.len());
            tape.pieces[head] = Piece::Object { first, count, next };
            tape.cut();
        }
        self.tape.members.truncate(base);
        Ok(())
    }

    fn name(&mut self) -> Result<Member> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a member name in double quotes"));
        }
        self.tape.cut();
        let span = string::scan(self.text, self.at)?;
        let start = self.tape.pieces.len();
        self.keep_string(span)?;
        self.at = span.end;
        let mut name = span.start + 1..span.end - 1;
        if span.escaped {
            let start = self.tape.names.len();
            string::unescape(&self.text[name], &mut self.tape.names)?;
            name = start..self.tape.names.len();
        }
        let pieces = start..start + 1;
        Ok(Member { name, escaped: span.escaped, at: span.start, pieces })
    }

    fn bytes(&self, member: &Member) -> &[u8] {
        let bytes = if member.escaped { &self.tape.names } else { self.text };
        &bytes[member.name.clone()]
    }

    fn number(&mut self) -> Result<()> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        let mut integer = true;
        let mut exponent = false;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            (integer, exponent) = (false, true);
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let token = &self.text[start..self.at];
        let plain = if integer {
            number::is_plain_integer(token)
        } else {
            !exponent && number::is_plain_fraction(token)
        };
        if plain {
            self.tape.keep(start, self.at);
            return Ok(());
        }
        let token = str::from_utf8(token).unwrap_or_default();
        self.tape.respell(|out| {
            if integer {
                number::write_integer(token, out);
                return Ok(());
            }
            number::respell(token, start, out)
        })
    }

    /// Passes over one digit or more.
    fn digits(&mut self) -> Result<()> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<()> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.tape.keep(self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(what));
        }
        self.keep_byte();
        Ok(())
    }

    fn keep_byte(&mut self) {
        self.tape.keep(self.at, self.at + 1);
        self.at += 1;
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn unexpected(&self, wanted: &str) -> Error {
        let rest = str::from_utf8(&self.text[self.at..]).unwrap_or_default();
        match rest.chars().next() {
            Some(letter) => Error::json(
                JsonErrorKind::Syntax,
                self.at,
                format_args!("expected {wanted}, found {letter:?}"),
            ),
            None => Error::json(
                JsonErrorKind::Syntax,
                self.at,
                format_args!("expected {wanted}, found the end"),
            ),
        }
    }
}
