//! One strict pass over the bytes of a JSON text.

use super::number;
use super::string;
use super::tape::{Kind, Member, Open, Piece, Pieces, Tape};
use crate::{Error, ErrorKind, JsonErrorKind, Result};

/// How many levels of arrays and objects a text may have.
const MAX_DEPTH: usize = 127;

/// How many bytes a text may have, so that pieces are small.
const MAX_LENGTH: usize = 1 << 29;

/// Reads a text into a tape, and replaces what was on it.
pub(super) fn read(text: &[u8], tape: &mut Tape) -> Result<()> {
    check_framing(text)?;
    tape.clear();
    let mut reader = Reader { text, at: 0, run: 0, top: Open::DOCUMENT, tape };
    reader.skip_space();
    if reader.at == text.len() {
        return Err(Error::json(JsonErrorKind::EmptyInput, 0, "there is no value"));
    }
    reader.document()
}

/// Checks what concerns the text as a whole, before anything is read.
fn check_framing(text: &[u8]) -> Result<()> {
    if text.len() > MAX_LENGTH {
        let message = format!("a JSON text of {} bytes: at most {MAX_LENGTH} are read", text.len());
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    if let Err(error) = str::from_utf8(text) {
        let detail = "the text is not UTF-8";
        return Err(Error::json(JsonErrorKind::InvalidUtf8, error.valid_up_to(), detail));
    }
    if text.starts_with("\u{feff}".as_bytes()) {
        let detail = "the text starts with a byte order mark";
        return Err(Error::json(JsonErrorKind::Bom, 0, detail));
    }
    Ok(())
}

/// What comes after a value.
enum Next {
    Value,
    Closed,
    End,
}

/// The state of the pass. All of it is one loop, into which the methods are
/// inlined, so that places in the text stay in registers.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// What lies between here and `at` is canonical, but no piece yet.
    run: usize,
    /// What is being read.
    top: Open,
    tape: &'a mut Tape,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<()> {
        loop {
            let opened = match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'{') => self.object()?,
                Some(b'[') => self.array()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'N' | b'I') => {
                    return Err(self.unexpected("a value; NaN and Infinity are not JSON"));
                }
                _ => return Err(self.unexpected("a value")),
            };
            if opened {
                continue;
            }
            loop {
                match self.after_value()? {
                    Next::Value => break,
                    Next::Closed => {}
                    Next::End => return Ok(()),
                }
            }
        }
    }

    /// Passes over what follows a value, up to the next one or a closing bracket.
    #[inline(always)]
    fn after_value(&mut self) -> Result<Next> {
        self.skip_space();
        match self.top.kind {
            Kind::Object => {
                let more = self.peek() == Some(b',');
                self.at += usize::from(more);
                self.flush();
                let next = self.tape.pieces.len() as u32;
                if let Some(member) = self.tape.members.last_mut() {
                    member.pieces.next = next;
                }
                if more {
                    self.skip_space();
                    self.name()?;
                    return Ok(Next::Value);
                }
                if self.peek() != Some(b'}') {
                    return Err(self.unexpected("a comma or }"));
                }
                self.at += 1;
                if !self.top.in_order {
                    self.tape.move_members(self.text, self.top)?;
                    self.run = self.at;
                }
                self.tape.members.truncate(self.top.base);
            }
            Kind::Array => match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.skip_space();
                    return Ok(Next::Value);
                }
                Some(b']') => self.at += 1,
                _ => return Err(self.unexpected("a comma or ]")),
            },
            Kind::Document => {
                if self.at < self.text.len() {
                    let detail = "there is more after the value";
                    return Err(Error::json(JsonErrorKind::TrailingData, self.at, detail));
                }
                self.flush();
                return Ok(Next::End);
            }
        }
        self.top = self.tape.open.pop().unwrap_or(Open::DOCUMENT);
        Ok(Next::Closed)
    }

    /// Opens an object and passes over its first name, or over all if it is empty.
    #[inline(always)]
    fn object(&mut self) -> Result<bool> {
        self.check_depth()?;
        // The brace is a piece of its own, to be replaced if members must move.
        self.flush();
        let (head, base) = (self.tape.pieces.len(), self.tape.members.len());
        self.at += 1;
        self.flush();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(false);
        }
        self.tape.open.push(self.top);
        self.top = Open { kind: Kind::Object, in_order: true, last: 0, head, base };
        self.name()?;
        // Nothing comes before the first name.
        self.top.in_order = true;
        Ok(true)
    }

    #[inline(always)]
    fn array(&mut self) -> Result<bool> {
        self.check_depth()?;
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(false);
        }
        self.tape.open.push(self.top);
        self.top = Open { kind: Kind::Array, ..Open::DOCUMENT };
        Ok(true)
    }

    #[inline(always)]
    fn check_depth(&self) -> Result<()> {
        if self.tape.open.len() < MAX_DEPTH {
            return Ok(());
        }
        let detail = format_args!("more than {MAX_DEPTH} levels of arrays and objects");
        Err(Error::json(JsonErrorKind::TooDeep, self.at, detail))
    }

    /// Passes over the name of a member, which starts a piece, and the colon.
    #[inline(always)]
    fn name(&mut self) -> Result<()> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a member name in double quotes"));
        }
        let (at, start) = (self.at, self.at + 1);
        let special = string::find_special(self.text, start);
        let member = if self.text.get(special) == Some(&b'"') {
            self.at = special + 1;
            let length = special - start;
            Member {
                pieces: Pieces::from(self.tape.pieces.len()),
                at: at as u32,
                prefix: string::prefix(&self.text[start..], length),
                name: start as u32,
                length: length as u32,
            }
        } else {
            let member = self.tape.escaped_name(self.text, at, special)?;
            self.string()?;
            member
        };
        // Where prefixes are equal, sorting finds out.
        self.top.in_order &= self.top.last < member.prefix;
        self.top.last = member.prefix;
        self.tape.members.push(member);
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    #[inline(always)]
    fn string(&mut self) -> Result<bool> {
        let special = string::find_special(self.text, self.at + 1);
        if self.text.get(special) == Some(&b'"') {
            self.at = special + 1;
            return Ok(false);
        }
        let (end, respelled) = self.tape.escaped_string(self.text, self.run, self.at, special)?;
        self.at = end;
        self.run = if respelled { end } else { self.run };
        Ok(false)
    }

    #[inline(always)]
    fn number(&mut self) -> Result<bool> {
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
        if !plain {
            self.tape.respell_number(token, self.run, start, integer)?;
            self.run = self.at;
        }
        Ok(false)
    }

    /// Passes over one digit or more.
    #[inline(always)]
    fn digits(&mut self) -> Result<()> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    #[inline(always)]
    fn literal(&mut self, word: &[u8]) -> Result<bool> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(false)
    }

    /// Ends the run of canonical bytes here.
    #[inline(always)]
    fn flush(&mut self) {
        if self.run < self.at {
            self.tape.pieces.push(Piece::input(self.run, self.at));
            self.run = self.at;
        }
    }

    #[inline(always)]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.flush();
            while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
                self.at += 1;
            }
            self.run = self.at;
        }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline(always)]
    fn unexpected(&self, wanted: &str) -> Error {
        unexpected(self.text, self.at, wanted)
    }
}

#[cold]
#[inline(never)]
fn unexpected(text: &[u8], at: usize, wanted: &str) -> Error {
    let rest = str::from_utf8(&text[at..]).unwrap_or_default();
    let found = match rest.chars().next() {
        Some(letter) => format!("{letter:?}"),
        None => "the end".to_owned(),
    };
    Error::json(JsonErrorKind::Syntax, at, format_args!("expected {wanted}, found {found}"))
}
