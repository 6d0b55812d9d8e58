//! The layer of JSON: whether two texts have one value, and if not, where they differ.

use std::cell::RefCell;

use serde_json::value::RawValue;

use super::bytes;
use super::comparison::{Change, ChangeKind, Verdict};
use super::excerpt;
use super::fence;
use super::finding::Finding;
use super::options::DiffOptions;
use crate::json::{Canonicalizer, Difference, Document, Rules, differences_by};
use crate::{Error, Result};

/// How many differences are listed in full, and how many of those in the note.
const LISTED: usize = 100;
const NAMED: usize = 3;

/// How many characters of a pointer and of a value the note shows.
const SHOWN_OF_PATH: usize = 120;
const SHOWN_OF_VALUE: usize = 60;

/// What a thread keeps of its memory from one comparison to the next, in each buffer.
const KEPT_BYTES: usize = 1 << 20;

/// How two texts are compared as JSON.
pub(super) struct Structured {
    rules: Rules,
    /// The rules with `nested_json`, if they are without.
    nested: Option<Rules>,
    plain: bool,
    fenced: bool,
}

/// The memory of a thread.
#[derive(Default)]
struct Buffers {
    canonicalizer: Canonicalizer,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// Why a text is not JSON.
struct Flaw {
    reason: String,
    what: Not,
    /// Whether there is JSON in a fence, which is not looked at.
    fenced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Not {
    /// It does not even look like JSON.
    Json,
    /// It looks like JSON.
    Whole,
    /// It is not UTF-8, or too long.
    Readable,
}

impl Structured {
    pub fn new(options: &DiffOptions) -> Result<Self> {
        let rules =
            |nested| Rules::new(&options.ignore, &options.unordered, options.epsilon, nested);
        let with = options.nested_json;
        Ok(Self {
            rules: rules(with)?,
            nested: if with { None } else { Some(rules(true)?) },
            plain: rules(with)? == Rules::default(),
            fenced: options.fenced_json,
        })
    }

    /// Compares two texts; also says whether a cascade ends with that.
    ///
    /// It goes on if neither is JSON. If only one is broken, it does not: a model
    /// that is asked might overlook that.
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
        let flaws = (self.read(canonicalizer, before, old), self.read(canonicalizer, after, new));
        let outcome = match flaws {
            (None, None) if old == new => (Finding::new(Verdict::Same, "equal as JSON"), true),
            (None, None) => (self.differ(old, new), true),
            (Some(flaw), None) => {
                let verdict = match flaw.what {
                    Not::Json => Verdict::Different,
                    Not::Whole | Not::Readable => Verdict::Error,
                };
                (Finding::new(verdict, flaw.beside_json("before")), true)
            }
            (None, Some(flaw)) => {
                let verdict = match flaw.what {
                    Not::Json | Not::Whole => Verdict::Different,
                    Not::Readable => Verdict::Error,
                };
                (Finding::new(verdict, flaw.beside_json("after")), true)
            }
            (Some(old), Some(new)) => neither(&old, &new, before, after),
        };
        canonicalizer.shrink(KEPT_BYTES);
        for buffer in [old, new] {
            buffer.clear();
            buffer.shrink_to(KEPT_BYTES);
        }
        outcome
    }

    /// Writes the canonical form of a text to `out`, or says why there is none.
    fn read(
        &self,
        canonicalizer: &mut Canonicalizer,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Flaw> {
        let error = canonicalizer.canonicalize(text, out).err()?;
        let (Ok(prose), Some(_)) = (str::from_utf8(text), error.json_kind()) else {
            let reason = error.to_string();
            return Some(Flaw { reason, what: Not::Readable, fenced: false });
        };
        let fence = fence::find(prose);
        if let Some(fence) = fence.clone()
            && self.fenced
        {
            let error = canonicalizer.canonicalize(&text[fence.clone()], out).err()?;
            return Some(Flaw {
                reason: moved(&error, fence.start),
                what: Not::Whole,
                fenced: false,
            });
        }
        let fenced =
            fence.is_some_and(|fence| canonicalizer.canonicalize(&text[fence], out).is_ok());
        let start = prose.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        let what = if start.starts_with(['{', '[']) { Not::Whole } else { Not::Json };
        Some(Flaw { reason: error.to_string(), what, fenced })
    }

    /// Lists the differences of two canonical texts.
    fn differ(&self, old: &[u8], new: &[u8]) -> Finding {
        let document = |text: &[u8]| Document::of_canonical(text.to_vec());
        let (old, new) = match document(old).and_then(|old| Ok((old, document(new)?))) {
            Ok(documents) => documents,
            Err(error) => return Finding::new(Verdict::Error, error.to_string()),
        };
        let (old, new) = (old.root(), new.root());
        let found = differences_by(&self.rules, old, new, LISTED);
        if found.list.is_empty() && !self.plain {
            return Finding::new(Verdict::Same, "equal as JSON, as the options have it");
        }
        let differences: Vec<_> = found.list.into_iter().map(Change::from).collect();
        let mut note = note(&differences, differences.len() + found.more);
        if let Some(rules) = &self.nested
            && found.more == 0
            && differences.iter().all(may_be_nested)
            && differences_by(rules, old, new, 1).list.is_empty()
        {
            note.push_str("; equal with nested_json");
        }
        Finding { differences, more: found.more, ..Finding::new(Verdict::Different, note) }
    }
}

impl Flaw {
    /// Says it of a text that is compared with JSON.
    fn beside_json(&self, side: &str) -> String {
        let reason = &self.reason;
        let hint = if self.fenced { "; JSON is in its fence, see fenced_json" } else { "" };
        match self.what {
            Not::Json => format!("only the text {side} is not JSON ({reason}){hint}"),
            Not::Whole | Not::Readable => format!("the text {side}: {reason}{hint}"),
        }
    }
}

/// Compares two texts that are both not JSON.
fn neither(old: &Flaw, new: &Flaw, before: &[u8], after: &[u8]) -> (Finding, bool) {
    for (flaw, side) in [(old, "before"), (new, "after")] {
        if flaw.what == Not::Readable {
            return (Finding::new(Verdict::Error, flaw.beside_json(side)), true);
        }
    }
    if old.what == Not::Whole {
        return (Finding::new(Verdict::Error, old.beside_json("before")), false);
    }
    if before == after {
        return (Finding::new(Verdict::Same, "the texts are equal; neither is JSON"), true);
    }
    let mut note = format!("neither is JSON; {}", bytes::first_difference(before, after));
    if new.what == Not::Whole {
        note.push_str(&format!("; {}", new.beside_json("after")));
    }
    (Finding::new(Verdict::Inconclusive, note), false)
}

/// Returns what an error about a part of a text says about the whole.
fn moved(error: &Error, start: usize) -> String {
    let message = error.to_string();
    let Some((_, at)) = error.json_kind() else { return message };
    let detail = message.strip_prefix(&format!("invalid JSON at byte {at}"));
    match detail {
        Some(detail) => format!("invalid JSON at byte {}{detail}", start + at),
        None => message,
    }
}

/// Whether a difference is one of two strings that may hold JSON.
fn may_be_nested(change: &Change) -> bool {
    let may = |value: &Option<Box<RawValue>>| {
        let text = value.as_ref().map_or("", |value| value.get());
        text.starts_with("\"{") || text.starts_with("\"[")
    };
    may(&change.before) && may(&change.after)
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
