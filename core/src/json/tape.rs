//! What a pass over a JSON text finds: where its canonical form lies.
//!
//! Mostly that is spans of the input, since strings, numbers and punctuation are
//! canonical in nearly all requests. A span runs on until white space, the start
//! of a member, or a spelling that must change; only the latter is copied.

use std::ops::Range;

use super::{number, string};
use crate::{Error, JsonErrorKind, Result};

/// How many characters of a name an error quotes.
const LONGEST_NAME: usize = 16;
/// How many of a longer one, which may hold a key.
const SHOWN_OF_LONGER: usize = 8;

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
    pub members: Vec<Member>,
    /// What the names with escapes say.
    names: Vec<u8>,
    /// The arrays and objects around the one that is being read.
    pub open: Vec<Open>,
}

/// A range of [`Tape::pieces`].
#[derive(Clone, Copy, Default)]
pub(super) struct Pieces {
    pub first: u32,
    pub next: u32,
}

/// A member of an object that is still open.
pub(super) struct Member {
    pub pieces: Pieces,
    /// Where it is in the input.
    pub at: u32,
    /// The first bytes of the name, ordered like it.
    pub prefix: u64,
    /// Where the name is in the input, or in [`Tape::names`] if it had escapes;
    /// then [`ESCAPED`] is added to its length.
    pub name: u32,
    pub length: u32,
}

/// An array or object that is not yet closed, or the document around all.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub kind: Kind,
    /// The members so far are in strict order.
    pub in_order: bool,
    /// The prefix of the last one.
    pub last: u64,
    /// Where its brace is in [`Tape::pieces`].
    pub head: usize,
    /// Its first one in [`Tape::members`].
    pub base: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Document,
    Array,
    Object,
}

impl Open {
    /// What is around everything.
    pub const DOCUMENT: Self =
        Self { kind: Kind::Document, in_order: true, last: 0, head: 0, base: 0 };
}

impl Piece {
    #[inline(always)]
    pub fn input(start: usize, end: usize) -> Self {
        Self::new(start, end, 0)
    }

    #[inline(always)]
    fn new(start: usize, end: usize, tag: u32) -> Self {
        Self { start: start as u32, tagged: (end - start) as u32 | tag }
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
        Self { first: first as u32, next: first as u32 }
    }
}

impl Tape {
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

    pub fn clear(&mut self) {
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
    pub fn escaped_string(
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
    pub fn escaped_name(&mut self, text: &[u8], at: usize, special: usize) -> Result<Member> {
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
    pub fn respell_number(
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
            self.pieces.push(Piece::input(run, at));
        }
        let start = self.respelled.len();
        write(&mut self.respelled)?;
        self.pieces.push(Piece::new(start, self.respelled.len(), RESPELLED));
        Ok(())
    }

    /// Sorts the members of an object that is complete.
    #[inline(never)]
    pub fn move_members(&mut self, text: &[u8], open: Open) -> Result<()> {
        let first = self.sorted.len();
        if !self.rank(open.base) {
            self.sorted.truncate(first);
            self.sort(text, open.base)?;
        }
        let index = self.moved.len();
        self.pieces[open.head] = Piece::new(index, index, MOVED);
        self.moved.push(Moved { sorted: first..self.sorted.len(), next: self.pieces.len() });
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
            let less = members.iter().map(|other| usize::from(other.prefix < member.prefix));
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
            let long = name.chars().nth(LONGEST_NAME).is_some();
            let cut = if long { "…" } else { "" };
            let shown = if long { SHOWN_OF_LONGER } else { LONGEST_NAME };
            let name: String = name.chars().take(shown).collect();
            let detail = format_args!("duplicate key {name:?}{cut}");
            return Err(Error::json(JsonErrorKind::DuplicateKey, member.at as usize, detail));
        }
        self.sorted.extend(members.iter().map(|member| member.pieces));
        Ok(())
    }

    fn name<'a>(&'a self, text: &'a [u8], member: &Member) -> &'a [u8] {
        let bytes = if member.length & ESCAPED == 0 { text } else { &self.names };
        &bytes[member.name as usize..][..(member.length & !ESCAPED) as usize]
    }
}
