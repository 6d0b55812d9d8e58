//! Secrets that a response hands out in pieces: token by token, an event for each.
//!
//! The strings of one place, read one after the other, are what the caller reads. A
//! place is the path of names to a string, and the `index` members beside that path:
//! of two choices or tool calls that arrive mixed, each is a place of its own.

use super::{Splice, splice};
use crate::http::Chunk;
use crate::json::{Document, Edit, Kind, Node, Segment, rewrite};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// A longer event is no piece of a text, and its strings are searched where they stand.
const LONGEST_EVENT: usize = 1 << 20;

/// The texts of a response, put together from their pieces.
pub(super) struct Texts<'b> {
    body: &'b [u8],
    events: Vec<Range<usize>>,
    texts: Vec<Text>,
}

/// What stands at one place.
#[derive(Default)]
struct Text {
    text: String,
    pieces: Vec<Piece>,
}

struct Piece {
    /// Where it ends in the text.
    end: usize,
    event: usize,
    /// Which string of its event it is.
    string: usize,
}

/// A replacement in a text.
pub(super) struct Replacement {
    pub text: usize,
    pub at: Range<usize>,
    pub by: String,
}

impl<'b> Texts<'b> {
    /// Reads the events of a body: `data:` lines, lines of JSON, or one JSON value.
    pub fn of(body: &'b [u8]) -> Self {
        let mut texts = Self { body, events: Vec::new(), texts: Vec::new() };
        let mut places = HashMap::new();
        if texts.read(0..body.len(), &mut places) {
            return texts;
        }
        let mut start = 0;
        for end in memchr::memchr2_iter(b'\n', b'\r', body).chain([body.len()]) {
            let line = &body[start..end];
            let json = line.strip_prefix(b"data:").unwrap_or(line).trim_ascii_start();
            texts.read(end - json.len()..end, &mut places);
            start = end + 1;
        }
        texts
    }

    /// Reads the payloads of frames, which are not to be rewritten.
    pub fn of_payloads(payloads: &[Vec<u8>]) -> Self {
        let mut texts = Self { body: b"", events: Vec::new(), texts: Vec::new() };
        let mut places = HashMap::new();
        for payload in payloads.iter().filter(|payload| payload.len() <= LONGEST_EVENT) {
            if let Ok(document) = Document::parse(payload) {
                texts.add(&document, &mut places);
            }
        }
        texts
    }

    /// Walks over the texts, by their number.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.texts.iter().enumerate().map(|(n, text)| (n, text.text.as_str()))
    }

    /// Returns the body with replacements made, which are in order in each text and
    /// apart; what stood in several pieces is replaced in the first of them.
    pub fn replaced(&self, replacements: &[Replacement], chunks: &mut [Chunk]) -> Vec<u8> {
        let mut edits: HashMap<usize, HashMap<usize, String>> = HashMap::new();
        for (n, text) in self.texts.iter().enumerate() {
            let mut of_text = replacements.iter().filter(|one| one.text == n).peekable();
            if of_text.peek().is_some() {
                let of_text: Vec<_> = of_text.collect();
                text.edit(&of_text, |piece, to| {
                    edits.entry(piece.event).or_default().insert(piece.string, to);
                });
            }
        }
        let mut edits: Vec<_> = edits.into_iter().collect();
        edits.sort_unstable_by_key(|(event, _)| *event);
        let splices: Vec<_> = edits
            .into_iter()
            .filter_map(|(event, mut strings)| {
                let at = self.events[event].clone();
                let by = edited(&self.body[at.clone()], &mut strings)?;
                Some(Splice { at, by })
            })
            .collect();
        splice(self.body, &splices, chunks)
    }

    fn read(&mut self, at: Range<usize>, places: &mut HashMap<u64, usize>) -> bool {
        let json = &self.body[at.clone()];
        if json.len() > LONGEST_EVENT || !matches!(json.first(), Some(b'{' | b'[')) {
            return false;
        }
        let Ok(document) = Document::parse(json) else { return false };
        self.add(&document, places);
        self.events.push(at);
        true
    }

    fn add(&mut self, document: &Document, places: &mut HashMap<u64, usize>) {
        let event = self.events.len();
        let mut string = 0;
        walk(document.root(), &mut DefaultHasher::new(), &mut |place, text| {
            let number = *places.entry(place).or_insert_with(|| {
                self.texts.push(Text::default());
                self.texts.len() - 1
            });
            let whole = &mut self.texts[number];
            whole.text.push_str(text);
            whole.pieces.push(Piece { end: whole.text.len(), event, string });
            string += 1;
        });
    }
}

impl Text {
    /// Hands over every piece that a replacement touches, with what becomes of it.
    fn edit(&self, replacements: &[&Replacement], mut change: impl FnMut(&Piece, String)) {
        let mut start = 0;
        for piece in &self.pieces {
            let place = start..piece.end;
            let first = replacements.partition_point(|one| one.at.end <= place.start);
            let touching = replacements[first..].iter().take_while(|one| one.at.start < place.end);
            let mut to = String::new();
            let mut at = place.start;
            let mut touched = false;
            for one in touching {
                touched = true;
                to.push_str(&self.text[at.min(one.at.start).max(at)..one.at.start.max(at)]);
                if one.at.start >= place.start {
                    to.push_str(&one.by);
                }
                at = one.at.end.min(place.end);
            }
            if touched {
                to.push_str(&self.text[at..place.end]);
                change(piece, to);
            }
            start = piece.end;
        }
    }
}

/// Returns an event with some of its strings, by their number, changed.
fn edited(json: &[u8], strings: &mut HashMap<usize, String>) -> Option<Vec<u8>> {
    let document = Document::parse(json).ok()?;
    let mut out = Vec::with_capacity(json.len());
    let mut string = 0;
    let mut edit = |_: &[Segment<'_>], node: Node<'_>| {
        if node.kind() != Kind::String {
            return Edit::Keep;
        }
        string += 1;
        strings.remove(&(string - 1)).map_or(Edit::Keep, Edit::Text)
    };
    rewrite(document.root(), &mut edit, &mut |_| None, &mut out).ok()?;
    Some(out)
}

/// Hands over every string in order, with its place.
fn walk(node: Node<'_>, place: &mut DefaultHasher, each: &mut dyn FnMut(u64, &str)) {
    match node.kind() {
        Kind::String => {
            if let Some(text) = node.as_str() {
                each(place.finish(), &text);
            }
        }
        // Items follow one another: pieces of one text, as Gemini's parts are.
        Kind::Array => node.items().for_each(|item| walk(item, &mut place.clone(), each)),
        Kind::Object => {
            for (name, value) in node.members() {
                let is_index = name.ends_with("ndex");
                if let Some(index) = value.as_u64().filter(|_| is_index) {
                    (&*name, index).hash(place);
                }
            }
            for (name, value) in node.members() {
                let mut below = place.clone();
                name.hash(&mut below);
                walk(value, &mut below, each);
            }
        }
        _ => {}
    }
}
