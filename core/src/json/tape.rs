//! One strict pass over the bytes of a JSON text.
//!
//! The pass notes where the pieces of the canonical form lie: mostly spans of
//! the input, since strings, numbers and punctuation are canonical in nearly all
//! requests. A span runs on until white space, the start of a member, or a
//! spelling that must change; only the latter is copied.

use std::cmp::Ordering;
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
    /// The brace of an object whose members are in order.
    Object,
    /// An object of [`Tape::moved`], with all its members.
    Moved { index: usize },
}

/// An object whose members stand in another order than the canonical one.
pub(super) struct Moved {
    /// Its members in [`Tape::sorted`].
    pub sorted: Range<usize>,
    /// The piece after its members.
    pub next: usize,
}

/// What the pass found; reused from text to text.
#[derive(Default)]
pub(super) struct Tape {
    pub pieces: Vec<Piece>,
    pub respelled: Vec<u8>,
    pub moved: Vec<Moved>,
    /// Members, as ranges of pieces, in canonical order. All but the one that
    /// is last in the input end with their comma.
    pub sorted: Vec<Range<usize>>,
    /// Members of the objects that are still open.
    members: Vec<Member>,
    /// What the names with escapes say.
    names: Vec<u8>,
}

struct Member {
    /// The first bytes of the name, ordered like it.
    prefix: u64,
    /// Where the name is in the input, or in `names` if it had escapes.
    name: Range<usize>,
    escaped: bool,
    at: usize,
    pieces: Range<usize>,
}

impl Tape {
    /// Reads a text, which replaces what was read before.
    pub fn read(&mut self, text: &[u8]) -> Result<()> {
        check_framing(text)?;
        self.clear();
        let mut reader = Reader {
            text,
            at: 0,
            run: 0,
            depth: 0,
            tape: self,
        };
        reader.skip_space();
        if reader.at == text.len() {
            return Err(Error::json(
                JsonErrorKind::EmptyInput,
                0,
                "there is no value",
            ));
        }
        reader.value()?;
        reader.skip_space();
        if reader.at < text.len() {
            let detail = "there is more after the value";
            return Err(Error::json(JsonErrorKind::TrailingData, reader.at, detail));
        }
        reader.flush();
        Ok(())
    }

    /// Gives memory back that only an unusually large text needed.
    pub fn shrink(&mut self, bytes: usize) {
        self.clear();
        self.pieces.shrink_to(bytes / size_of::<Piece>());
        self.moved.shrink_to(bytes / size_of::<Moved>());
        self.sorted.shrink_to(bytes / size_of::<Range<usize>>());
        self.members.shrink_to(bytes / size_of::<Member>());
        self.respelled.shrink_to(bytes);
        self.names.shrink_to(bytes);
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.respelled.clear();
        self.moved.clear();
        self.sorted.clear();
        self.members.clear();
        self.names.clear();
    }
}

/// Checks what concerns the text as a whole, before anything is read.
fn check_framing(text: &[u8]) -> Result<()> {
    if let Err(error) = str::from_utf8(text) {
        let detail = "the text is not UTF-8";
        return Err(Error::json(
            JsonErrorKind::InvalidUtf8,
            error.valid_up_to(),
            detail,
        ));
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
    /// What lies between here and `at` is canonical, but no piece yet.
    run: usize,
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

    #[inline]
    fn string(&mut self) -> Result<()> {
        let end = string::find_special(self.text, self.at + 1);
        if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(());
        }
        self.escaped_string(end)
    }

    /// Reads a string whose first escape, if that is what it is, is at `special`.
    fn escaped_string(&mut self, special: usize) -> Result<()> {
        let start = self.at;
        let (end, canonical) = string::scan(self.text, start, special)?;
        if canonical {
            self.at = end;
            return Ok(());
        }
        let quoted = &self.text[start..end];
        self.respell(end, |out| string::respell(quoted, out))
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
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value()?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("a comma or ]")),
            }
            self.skip_space();
        }
        self.at += 1;
        Ok(())
    }

    fn object(&mut self) -> Result<()> {
        self.flush();
        let head = self.tape.pieces.len();
        self.tape.pieces.push(Piece::Object);
        self.at += 1;
        self.run = self.at;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let base = self.tape.members.len();
        let mut in_order = true;
        loop {
            let member = self.name()?;
            if in_order && let Some(last) = self.tape.members[base..].last() {
                in_order = self.compare(last, &member).is_lt();
            }
            let index = self.tape.members.len();
            self.tape.members.push(member);
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("a colon"));
            }
            self.at += 1;
            self.skip_space();
            self.value()?;
            self.skip_space();
            let more = self.peek() == Some(b',');
            self.at += usize::from(more);
            self.flush();
            self.tape.members[index].pieces.end = self.tape.pieces.len();
            if !more {
                break;
            }
            self.skip_space();
        }
        if self.peek() != Some(b'}') {
            return Err(self.unexpected("a comma or }"));
        }
        self.at += 1;
        if !in_order {
            self.sort(base)?;
            let tape = &mut *self.tape;
            let first = tape.sorted.len();
            tape.sorted.extend(
                tape.members[base..]
                    .iter()
                    .map(|member| member.pieces.clone()),
            );
            tape.pieces[head] = Piece::Moved {
                index: tape.moved.len(),
            };
            let sorted = first..tape.sorted.len();
            tape.moved.push(Moved {
                sorted,
                next: tape.pieces.len(),
            });
            self.run = self.at;
        }
        self.tape.members.truncate(base);
        Ok(())
    }

    /// Reads the name of a member, which starts a piece.
    fn name(&mut self) -> Result<Member> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a member name in double quotes"));
        }
        let (at, start) = (self.at, self.at + 1);
        let pieces = self.tape.pieces.len()..self.tape.pieces.len();
        let special = string::find_special(self.text, start);
        if self.text.get(special) == Some(&b'"') {
            self.at = special + 1;
            let prefix = string::prefix(&self.text[start..], special - start);
            return Ok(Member {
                prefix,
                name: start..special,
                escaped: false,
                at,
                pieces,
            });
        }
        let (end, _) = string::scan(self.text, self.at, special)?;
        let decoded = self.tape.names.len();
        string::unescape(&self.text[start..end - 1], &mut self.tape.names)?;
        let name = decoded..self.tape.names.len();
        let prefix = string::prefix(&self.tape.names[decoded..], name.len());
        self.escaped_string(special)?;
        Ok(Member {
            prefix,
            name,
            escaped: true,
            at,
            pieces,
        })
    }

    /// Sorts the members from `base` on, which are not in strict order.
    fn sort(&mut self, base: usize) -> Result<()> {
        let mut members = std::mem::take(&mut self.tape.members);
        members[base..].sort_unstable_by(|a, b| self.compare(a, b).then(a.at.cmp(&b.at)));
        let again = members[base..]
            .array_windows()
            .filter(|[a, b]| self.compare(a, b).is_eq())
            .map(|[_, again]| again)
            .min_by_key(|member| member.at);
        if let Some(member) = again {
            return Err(self.duplicate(member));
        }
        self.tape.members = members;
        Ok(())
    }

    #[inline]
    fn compare(&self, a: &Member, b: &Member) -> Ordering {
        let order = a.prefix.cmp(&b.prefix);
        order.then_with(|| string::compare_utf16(self.bytes(a), self.bytes(b)))
    }

    fn bytes(&self, member: &Member) -> &[u8] {
        let bytes = if member.escaped {
            &self.tape.names
        } else {
            self.text
        };
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
            return Ok(());
        }
        let end = std::mem::replace(&mut self.at, start);
        let token = str::from_utf8(token).unwrap_or_default();
        self.respell(end, |out| {
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
        self.at += word.len();
        Ok(())
    }

    /// Replaces what lies between here and `end` by what `write` appends.
    fn respell(
        &mut self,
        end: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        self.flush();
        let start = self.tape.respelled.len();
        write(&mut self.tape.respelled)?;
        self.tape.pieces.push(Piece::Respelled {
            start,
            end: self.tape.respelled.len(),
        });
        self.at = end;
        self.run = end;
        Ok(())
    }

    /// Ends the run of canonical bytes here.
    #[inline]
    fn flush(&mut self) {
        if self.run < self.at {
            self.tape.pieces.push(Piece::Input {
                start: self.run,
                end: self.at,
            });
            self.run = self.at;
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.flush();
            while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
                self.at += 1;
            }
            self.run = self.at;
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[cold]
    fn unexpected(&self, wanted: &str) -> Error {
        let rest = str::from_utf8(&self.text[self.at..]).unwrap_or_default();
        let found = match rest.chars().next() {
            Some(letter) => format!("{letter:?}"),
            None => "the end".to_owned(),
        };
        let detail = format_args!("expected {wanted}, found {found}");
        Error::json(JsonErrorKind::Syntax, self.at, detail)
    }

    #[cold]
    fn duplicate(&self, member: &Member) -> Error {
        let name = String::from_utf8_lossy(self.bytes(member));
        Error::json(
            JsonErrorKind::DuplicateKey,
            member.at,
            format_args!("duplicate key {name:?}"),
        )
    }
}
