//! Why a request missed: the nearest recorded one, and what differs.

mod suggestion;

use crate::address::Distinction;
use crate::cache::Cache;
use crate::entry::Meta;
use crate::error::Result;
use crate::fingerprint::Fingerprint;
use crate::json::{Difference, Document, differences};
use crate::sketch::Sketch;
use crate::store::Snapshot;
use serde::Serialize;
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

/// How many of the most similar requests are compared in full.
const CANDIDATES: usize = 8;
/// How many differences an explanation lists.
const LISTED: usize = 8;
/// How long the search for similar requests may take.
const SEARCH: Duration = Duration::from_millis(60);
/// How many characters of a value are shown.
const SHOWN: usize = 100;

/// Why a request missed, and the way out. Its `Display` is for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What happened, in one line.
    pub reason: String,
    /// Method and URL of an HTTP call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The model that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The mode's name.
    pub mode: &'static str,
    /// Why that mode.
    pub mode_reason: String,
    /// The cache file.
    pub path: String,
    /// How many entries it holds.
    pub entries: u64,
    /// The address that was looked up.
    pub fingerprint: String,
    /// The nearest recorded request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// What would make it a hit, if something simple would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// The command that records it.
    pub command: String,
}

/// The recorded request that a request is most like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// Its address.
    pub fingerprint: String,
    /// The test that recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where they disagree, by JSON Pointer into the stored request.
    pub differences: Vec<Difference>,
    /// How many more differences there are than are listed.
    pub more: usize,
}

impl Cache {
    /// Says why `request` misses: the nearest recorded request, by JSON Pointer
    /// every difference to it, and what would make it a hit.
    ///
    /// Bounded: it compares sketches of all entries for at most 60 ms, and a
    /// handful of the most similar requests in full.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`](crate::ErrorKind::InvalidJson),
    /// [`Corrupt`](crate::ErrorKind::Corrupt).
    pub fn explain(&self, request: &[u8]) -> Result<Explanation> {
        self.alive()?;
        let distinction = Distinction { occurrence: self.missed(request)?, scope: self.scope()? };
        let address = self.open.addressing.address(request, &distinction)?;
        self.explain_stored(&address.stored, &address.fingerprint)
    }

    /// Returns which identical call of its test missed, from the second.
    fn missed(&self, request: &[u8]) -> Result<Option<u32>> {
        let call = self.open.addressing.fingerprint(request)?;
        Ok(self.session.occurrences().first_missed(&call).filter(|n| *n > 1))
    }

    /// Explains the miss of a request in its stored form.
    pub(crate) fn explain_stored(
        &self,
        stored: &[u8],
        fingerprint: &Fingerprint,
    ) -> Result<Explanation> {
        let document = Document::parse(stored)?;
        let root = document.root();
        let text = |pointer| root.pointer(pointer).and_then(|node| node.as_str());
        let snapshot = self.snapshot()?;
        let entries = snapshot.as_ref().map_or(Ok(0), Snapshot::len)?;
        let nearest = match &snapshot {
            Some(snapshot) => nearest(snapshot, &document, fingerprint)?,
            None => None,
        };
        let settings = self.settings();
        let suggestion = nearest.as_ref().and_then(|found| {
            suggestion::for_differences(
                &found.differences,
                found.more,
                crate::identity::is_http_document(root),
            )
        });
        Ok(Explanation {
            reason: match (&snapshot, entries) {
                (None, _) => "not recorded: there is no cache file yet",
                (Some(_), 0) => "not recorded: the cache is empty",
                (Some(_), _) => "not recorded",
            }
            .to_owned(),
            call: text("/method").zip(text("/url")).map(|(method, url)| format!("{method} {url}")),
            model: text("/body/model").or_else(|| text("/model")).map(|name| name.into_owned()),
            mode: settings.mode.name(),
            mode_reason: settings.mode_reason.clone(),
            path: settings.path.display().to_string(),
            entries,
            fingerprint: fingerprint.to_string(),
            nearest,
            suggestion,
            command: self.command(),
        })
    }

    /// Returns what records the misses of this session.
    pub(crate) fn command(&self) -> String {
        self.session.command.clone().unwrap_or_else(|| self.settings().way_to_record().to_owned())
    }
}

fn nearest(
    snapshot: &Snapshot,
    document: &Document,
    asked: &Fingerprint,
) -> Result<Option<Nearest>> {
    let mut best: Option<(u64, Nearest)> = None;
    for fingerprint in similar(snapshot, document, asked)? {
        // A damaged entry is not what this is about: another one explains as well.
        let Ok(Some(request)) = snapshot.request(&fingerprint) else { continue };
        let Ok(recorded) = Document::parse(&request) else { continue };
        let found = differences(recorded.root(), document.root(), LISTED);
        let cost = cost(&found.list) + 1_000_000 * found.more as u64;
        if best.as_ref().is_some_and(|(least, _)| *least <= cost) {
            continue;
        }
        let meta = snapshot.meta(&fingerprint).ok().flatten();
        let source = meta.and_then(|text| Meta::from_json(&text).ok()).and_then(|meta| meta.source);
        best = Some((
            cost,
            Nearest {
                fingerprint: fingerprint.to_string(),
                source,
                differences: found.list,
                more: found.more,
            },
        ));
    }
    Ok(best.map(|(_, nearest)| nearest))
}

/// Returns the entries whose sketches are most like the document's.
fn similar(
    snapshot: &Snapshot,
    document: &Document,
    asked: &Fingerprint,
) -> Result<Vec<Fingerprint>> {
    let sketch = Sketch::of(document.root());
    let begun = Instant::now();
    let mut ranked: Vec<(u32, Fingerprint)> = Vec::with_capacity(CANDIDATES + 1);
    let mut seen = 0_u32;
    snapshot.sketches(|fingerprint, recorded| {
        seen += 1;
        let likeness = sketch.similarity(&recorded);
        let worst = ranked.last().map_or(0, |(least, _)| *least);
        if fingerprint != *asked && (ranked.len() < CANDIDATES || likeness > worst) {
            let place = ranked.partition_point(|(other, _)| *other >= likeness);
            ranked.insert(place, (likeness, fingerprint));
            ranked.truncate(CANDIDATES);
        }
        !seen.is_multiple_of(1024) || begun.elapsed() < SEARCH
    })?;
    Ok(ranked.into_iter().map(|(_, fingerprint)| fingerprint).collect())
}

/// Ranks by how much text differs; a member that is only on one side counts double.
fn cost(list: &[Difference]) -> u64 {
    list.iter()
        .map(|difference| match (&difference.recorded, &difference.requested) {
            (Some(recorded), Some(requested)) => {
                let same = common_start(recorded, requested) as u64;
                1_000
                    + (recorded.len().max(requested.len()) as u64).saturating_sub(same).min(10_000)
            }
            (one, other) => {
                let length = one.as_ref().or(other.as_ref()).map_or(0, String::len);
                2_000 + (length as u64).min(10_000)
            }
        })
        .sum()
}

fn common_start(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

/// Several lines: what happened, the call, the difference, the way out.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "f3dx-cache: {} (mode {}: {})", self.reason, self.mode, self.mode_reason)?;
        if let Some(call) = &self.call {
            writeln!(f, "  call        {call}")?;
        }
        if let Some(model) = &self.model {
            writeln!(f, "  model       {model}")?;
        }
        let plural = if self.entries == 1 { "entry" } else { "entries" };
        writeln!(f, "  cache       {} ({} {plural})", self.path, self.entries)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "  nearest     {}", &nearest.fingerprint[..16])?;
            if let Some(source) = &nearest.source {
                write!(f, ", recorded by {source}")?;
            }
            writeln!(f)?;
            for difference in &nearest.differences {
                write!(f, "{}", Shown(difference))?;
            }
            if nearest.more > 0 {
                writeln!(f, "    … and {} more differences", nearest.more)?;
            }
        }
        if let Some(suggestion) = &self.suggestion {
            writeln!(f, "  suggestion  {suggestion}")?;
        }
        write!(f, "  record it   {}", self.command)
    }
}

/// A difference on three lines, its values cut to where they differ.
struct Shown<'a>(&'a Difference);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { path, recorded, requested } = self.0;
        let same = match (recorded, requested) {
            (Some(recorded), Some(requested)) => common_start(recorded, requested),
            _ => 0,
        };
        writeln!(f, "    at {}", if path.is_empty() { "the whole request" } else { path })?;
        writeln!(f, "      recorded   {}", around(recorded.as_deref(), same))?;
        writeln!(f, "      requested  {}", around(requested.as_deref(), same))
    }
}

/// Returns the part of `text` around byte `at`, or `(absent)`.
fn around(text: Option<&str>, at: usize) -> String {
    let Some(text) = text else { return "(absent)".to_owned() };
    let before = SHOWN / 3;
    let skipped = match text.len() <= SHOWN {
        true => 0,
        false => text[..text.floor_char_boundary(at)].chars().count().saturating_sub(before),
    };
    let mut shown = String::new();
    if skipped > 0 {
        shown.push('…');
    }
    let mut rest = text.chars().skip(skipped);
    for character in rest.by_ref().take(SHOWN) {
        match character.is_control() {
            // Canonical text escapes most of these; DEL and C1 come as they are.
            true => drop(write!(shown, "\\u{:04x}", character as u32)),
            false => shown.push(character),
        }
    }
    if rest.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_shown_where_it_differs() {
        let recorded = format!("\"{}the 1st of May\"", "x".repeat(500));
        let shown = around(Some(&recorded), 505);
        assert!(shown.starts_with('…') && shown.contains("the 1st of May"), "{shown}");
        assert!(shown.chars().count() <= SHOWN + 2);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let text = "é".repeat(300);
        for at in 0..=text.len() {
            assert!(around(Some(&text), at).contains('é'));
        }
    }
}
