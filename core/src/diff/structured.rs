//! The layer of JSON: whether two texts have one value, and if not, where they differ.

use std::cell::RefCell;

use serde_json::value::RawValue;

use super::bytes;
use super::comparison::{Change, ChangeKind, Verdict};
use super::excerpt;
use super::finding::Finding;
use super::options::DiffOptions;
use crate::json::{Canonicalizer, Difference, Document, differences};
use crate::{Error, JsonErrorKind, Result};

/// How many differences are listed in full, and how many of those in the note.
const LISTED: usize = 100;
const NAMED: usize = 3;

/// How many characters of a pointer and of a value the note shows.
const SHOWN_OF_PATH: usize = 120;
const SHOWN_OF_VALUE: usize = 60;

/// What a thread keeps of its memory from one comparison to the next, in each buffer.
const KEPT_BYTES: usize = 1 << 20;

/// How two texts are compared as JSON.
pub(super) struct Structured {}

/// The memory of a thread.
#[derive(Default)]
struct Buffers {
    canonicalizer: Canonicalizer,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// What a text is, if not JSON.
struct Flaw {
    error: Error,
    /// Whether it looks like JSON all the same.
    broken: bool,
}

impl Structured {
    pub fn new(_options: &DiffOptions) -> Result<Self> {
        Ok(Self {})
    }

    /// Compares two texts; also says whether at least one of them is JSON.
    pub fn compare(&self, before: &[u8], after: &[u8]) -> (Finding, bool) {
        thread_local! {
            static BUFFERS: RefCell<Buffers> = RefCell::default();
        }
        // A destructor of another thread-local value may run after this one is gone.
        BUFFERS
            .try_with(|buffers| self.compare_in(&mut buffers.borrow_mut(), before, after))
            .unwrap_or_else(|_| self.compare_in(&mut Buffers::default(), before, after))
    }

    fn compare_in(&self, buffers: &mut Buffers, before: &[u8], after: &[u8]) -> (Finding, bool) {
        let Buffers { canonicalizer, before: old, after: new } = buffers;
        let flaws = (read(canonicalizer, before, old), read(canonicalizer, after, new));
        let outcome = match flaws {
            (None, None) if old == new => (Finding::new(Verdict::Same, "equal as JSON"), true),
            (None, None) => (differ(old, new), true),
            (Some(before), None) => (Finding::new(before.verdict(), before.says("before")), true),
            (None, Some(after)) => {
                let verdict = if after.is_text() { Verdict::Different } else { Verdict::Error };
                (Finding::new(verdict, after.says("after")), true)
            }
            (Some(old), Some(new)) => (neither(&old, &new, before, after), false),
        };
        canonicalizer.shrink(KEPT_BYTES);
        old.shrink_to(KEPT_BYTES);
        new.shrink_to(KEPT_BYTES);
        outcome
    }
}

impl Flaw {
    /// Whether the text is text at all.
    fn is_text(&self) -> bool {
        !matches!(self.error.json_kind(), Some((JsonErrorKind::InvalidUtf8, _)) | None)
    }

    /// What becomes of a comparison with JSON if this is wrong with the text before.
    fn verdict(&self) -> Verdict {
        if self.broken || !self.is_text() { Verdict::Error } else { Verdict::Different }
    }

    fn says(&self, side: &str) -> String {
        if self.broken || !self.is_text() {
            return format!("the text {side} is {}", self.error);
        }
        format!("the text {side} is not JSON, the other is ({})", self.error)
    }
}

/// Writes the canonical form of a text to `out`, or says why there is none.
fn read(canonicalizer: &mut Canonicalizer, text: &[u8], out: &mut Vec<u8>) -> Option<Flaw> {
    let error = canonicalizer.canonicalize(text, out).err()?;
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    Some(Flaw { error, broken: matches!(first, Some(b'{' | b'[')) })
}

fn neither(old: &Flaw, new: &Flaw, before: &[u8], after: &[u8]) -> Finding {
    for (flaw, side) in [(old, "before"), (new, "after")] {
        if !flaw.is_text() {
            return Finding::new(Verdict::Error, flaw.says(side));
        }
    }
    if old.broken {
        return Finding::new(Verdict::Error, old.says("before"));
    }
    if before == after {
        return Finding::new(Verdict::Same, "the texts are equal; neither is JSON");
    }
    let place = bytes::first_difference(before, after);
    Finding::new(Verdict::Inconclusive, format!("neither is JSON; {place}"))
}

/// Lists the differences of two canonical texts.
fn differ(old: &[u8], new: &[u8]) -> Finding {
    let documents = Document::parse(old).and_then(|old| Ok((old, Document::parse(new)?)));
    let (old, new) = match documents {
        Ok(documents) => documents,
        Err(error) => return Finding::new(Verdict::Error, error.to_string()),
    };
    let found = differences(old.root(), new.root(), LISTED);
    let differences: Vec<_> = found.list.into_iter().map(Change::from).collect();
    let note = note(&differences, differences.len() + found.more);
    Finding { differences, more: found.more, ..Finding::new(Verdict::Different, note) }
}

fn note(differences: &[Change], count: usize) -> String {
    let mut note = match count {
        1 => "1 difference: ".to_owned(),
        _ => format!("{count} differences: "),
    };
    for (nth, change) in differences.iter().take(NAMED).enumerate() {
        if nth > 0 {
            note.push_str("; ");
        }
        match change.path.as_str() {
            "" => note.push_str("the whole value"),
            path => excerpt::push_short(path, SHOWN_OF_PATH, &mut note),
        }
        let value = |value: &Option<Box<RawValue>>| {
            let mut short = String::new();
            let text = value.as_ref().map_or("", |value| value.get());
            excerpt::push_short(text, SHOWN_OF_VALUE, &mut short);
            short
        };
        let (before, after) = (value(&change.before), value(&change.after));
        match change.kind {
            ChangeKind::Added => note.push_str(&format!(" added: {after}")),
            ChangeKind::Removed => note.push_str(&format!(" removed: {before}")),
            ChangeKind::Changed => note.push_str(&format!(" changed from {before} to {after}")),
            ChangeKind::TypeChanged => {
                note.push_str(&format!(" changed its type, from {before} to {after}"));
            }
        }
    }
    if count > NAMED {
        note.push_str("; …");
    }
    note
}

impl From<Difference> for Change {
    fn from(difference: Difference) -> Self {
        let kind = match (&difference.recorded, &difference.requested) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            (Some(before), Some(after)) if kind(before) == kind(after) => ChangeKind::Changed,
            _ => ChangeKind::TypeChanged,
        };
        let value = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
        let Difference { path, recorded, requested } = difference;
        Self { path, kind, before: value(recorded), after: value(requested) }
    }
}

/// Returns what tells the type of a canonical value.
fn kind(json: &str) -> u8 {
    match json.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => b'0',
        Some(b't' | b'f') => b't',
        Some(first) => *first,
        None => 0,
    }
}
