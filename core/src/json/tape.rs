//! One strict pass over the bytes of a JSON text.
//!
//! The pass notes where the pieces of the canonical form lie: mostly spans of
//! the input, since strings, numbers and punctuation are canonical in nearly all
//! requests. A span runs on until white space, the start of a member, or a
//! spelling that must change; only the latter is copied.

use std::ops::Range;

use super::{number, string};
use crate::{Error, ErrorKind, JsonErrorKind, Result};

/// How many levels of arrays and objects a text may have.
const MAX_DEPTH: usize = 127;

/// How many bytes a text may have, so that pieces are small.
const MAX_LENGTH: usize = 1 << 29;

/// How many members are sorted by counting; no more than a `u32` has bits.
const RANKED: usize = 24;

/// Bits beyond any length.
const RESPELLED: u32 = 1 << 30;
const MOVED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

/// A part of the canonical form, in the order of the input.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    start: u32,
    /// The length, or the length and a bit that says what `start` means.
    tagged: u32,
}

/// What a [`Piece`] stands for.
pub(super) enum Part {
    /// Bytes of the input.
    Input(usize, usize),
    /// Bytes of [`Tape::respelled`].
    Respelled(usize, usize),
    /// An object of [`Tape::moved`], with all its members.
    Moved(usize),
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
    /// Members in canonical order. All but the one that is last in the input end
    /// with their comma.
    pub sorted: Vec<Pieces>,
    /// Members of the objects that are still open.
    members: Vec<Member>,
    /// What the names with escapes say.
    names: Vec<u8>,
    /// The arrays and objects around the one that is being read.
    open: Vec<Open>,
}

/// A range of [`Tape::pieces`].
#[derive(Clone, Copy, Default)]
pub(super) struct Pieces {
    pub first: u32,
    pub next: u32,
}

/// A member of an object that is still open.
struct Member {
    pieces: Pieces,
    /// Where it is in the input.
    at: u32,
    /// The first bytes of the name, ordered like it.
    prefix: u64,
    /// Where the name is in the input, or in [`Tape::names`] if it had escapes;
    /// then [`ESCAPED`] is added to its length.
    name: u32,
    length: u32,
}

/// An array or object that is not yet closed, or the document around all.
#[derive(Clone, Copy)]
struct Open {
    kind: Kind,
    /// The members so far are in strict order.
    in_order: bool,
    /// The prefix of the last one.
    last: u64,
    /// Where its brace is in [`Tape::pieces`].
    head: usize,
    /// Its first one in [`Tape::members`].
    base: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Document,
    Array,
    Object,
}

/// What comes after a value.
enum Next {
    Value,
    Closed,
    End,
}

impl Piece {
    fn new(start: usize, end: usize, tag: u32) -> Self {
        Self {
            start: start as u32,
            tagged: (end - start) as u32 | tag,
        }
    }

    #[inline]
    pub fn part(self) -> Part {
        let start = self.start as usize;
        let end = start + (self.tagged & !(RESPELLED | MOVED)) as usize;
        match self.tagged & (RESPELLED | MOVED) {
            0 => Part::Input(start, end),
            RESPELLED => Part::Respelled(start, end),
            _ => Part::Moved(start),
        }
    }
}

/// Nothing yet, from this piece on.
impl From<usize> for Pieces {
    fn from(first: usize) -> Self {
        Self {
            first: first as u32,
            next: first as u32,
        }
    }
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
            top: Open::DOCUMENT,
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
        reader.document()
    }

    /// Gives memory back that only an unusually large text needed.
    pub fn shrink(&mut self, bytes: usize) {
        self.clear();
        self.pieces.shrink_to(bytes / size_of::<Piece>());
        self.moved.shrink_to(bytes / size_of::<Moved>());
        self.sorted.shrink_to(bytes / size_of::<Pieces>());
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
        self.open.clear();
    }

    /// Reads a string with escapes: its first one, if it is that, is at `special`.
    /// Returns where the string ends, and whether it was respelled.
    #[inline(never)]
    fn escaped_string(
        &mut self,
        text: &[u8],
        run: usize,
        at: usize,
        special: usize,
    ) -> Result<(usize, bool)> {
        let (end, canonical) = string::scan(text, at, special)?;
        if !canonical {
            self.respell(run, at, |out| string::respell(&text[at..end], out))?;
        }
        Ok((end, !canonical))
    }

    /// Decodes a name with escapes.
    #[inline(never)]
    fn escaped_name(&mut self, text: &[u8], at: usize, special: usize) -> Result<Member> {
        let (end, _) = string::scan(text, at, special)?;
        let start = self.names.len();
        string::unescape(&text[at + 1..end - 1], &mut self.names)?;
        let length = self.names.len() - start;
        let prefix = string::prefix(&self.names[start..], length);
        Ok(Member {
            pieces: Pieces::from(self.pieces.len()),
            at: at as u32,
            prefix,
            name: start as u32,
            length: length as u32 | ESCAPED,
        })
    }

    /// Respells a number that may not be as it should.
    #[inline(never)]
    fn respell_number(
        &mut self,
        token: &[u8],
        run: usize,
        at: usize,
        is_integer: bool,
    ) -> Result<()> {
        let token = str::from_utf8(token).unwrap_or_default();
        self.respell(run, at, |out| {
            if is_integer {
                number::write_integer(token, out);
                return Ok(());
            }
            number::respell(token, at, out)
        })
    }

    /// Puts what `write` appends after the run that ends at `at`.
    fn respell(
        &mut self,
        run: usize,
        at: usize,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        if run < at {
            self.pieces.push(Piece::new(run, at, 0));
        }
        let start = self.respelled.len();
        write(&mut self.respelled)?;
        self.pieces
            .push(Piece::new(start, self.respelled.len(), RESPELLED));
        Ok(())
    }

    /// Sorts the members of an object that is complete.
    #[inline(never)]
    fn move_members(&mut self, text: &[u8], open: Open) -> Result<()> {
        let first = self.sorted.len();
        if !self.rank(open.base) {
            self.sorted.truncate(first);
            self.sort(text, open.base)?;
        }
        let index = self.moved.len();
        self.pieces[open.head] = Piece::new(index, index, MOVED);
        self.moved.push(Moved {
            sorted: first..self.sorted.len(),
            next: self.pieces.len(),
        });
        Ok(())
    }

    /// Sorts the members from `base` on if they are few and no two prefixes are
    /// equal; says whether that was so.
    ///
    /// Counting what is less takes more comparisons than sorting, but no branch
    /// that depends on one.
    fn rank(&mut self, base: usize) -> bool {
        let members = &self.members[base..];
        if members.len() > RANKED {
            return false;
        }
        let first = self.sorted.len();
        self.sorted.resize(first + members.len(), Pieces::default());
        let sorted = &mut self.sorted[first..];
        let mut ranks = 0_u32;
        for member in members {
            let less = members
                .iter()
                .map(|other| usize::from(other.prefix < member.prefix));
            let rank = less.sum::<usize>();
            sorted[rank] = member.pieces;
            ranks |= 1 << rank;
        }
        ranks.count_ones() as usize == members.len()
    }

    /// Sorts the members from `base` on, whatever they are.
    fn sort(&mut self, text: &[u8], base: usize) -> Result<()> {
        let compare = |a: &Member, b: &Member| {
            let order = a.prefix.cmp(&b.prefix);
            order.then_with(|| string::compare_utf16(self.name(text, a), self.name(text, b)))
        };
        let mut members: Vec<&Member> = self.members[base..].iter().collect();
        members.sort_unstable_by(|a, b| compare(a, b).then(a.at.cmp(&b.at)));
        let again = members
            .array_windows()
            .filter(|[a, b]| compare(a, b).is_eq())
            .map(|[_, again]| again)
            .min_by_key(|member| member.at);
        if let Some(member) = again {
            let name = String::from_utf8_lossy(self.name(text, member));
            let detail = format_args!("duplicate key {name:?}");
            return Err(Error::json(
                JsonErrorKind::DuplicateKey,
                member.at as usize,
                detail,
            ));
        }
        self.sorted
            .extend(members.iter().map(|member| member.pieces));
        Ok(())
    }

    fn name<'a>(&'a self, text: &'a [u8], member: &Member) -> &'a [u8] {
        let bytes = if member.length & ESCAPED == 0 {
            text
        } else {
            &self.names
        };
        &bytes[member.name as usize..][..(member.length & !ESCAPED) as usize]
    }
}

/// Checks what concerns the text as a whole, before anything is read.
fn check_framing(text: &[u8]) -> Result<()> {
    if text.len() > MAX_LENGTH {
        let message = format!(
            "a JSON text of {} bytes: at most {MAX_LENGTH} are read",
            text.len()
        );
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
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

impl Open {
    const DOCUMENT: Self = Self {
        kind: Kind::Document,
        in_order: true,
        last: 0,
        head: 0,
        base: 0,
    };
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
        self.top = Open {
            kind: Kind::Object,
            in_order: true,
            last: 0,
            head,
            base,
        };
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
        self.top = Open {
            kind: Kind::Array,
            ..Open::DOCUMENT
        };
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
        let (end, respelled) = self
            .tape
            .escaped_string(self.text, self.run, self.at, special)?;
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
            self.tape.pieces.push(Piece::new(self.run, self.at, 0));
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
    Error::json(
        JsonErrorKind::Syntax,
        at,
        format_args!("expected {wanted}, found {found}"),
    )
}
