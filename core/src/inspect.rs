//! What a cache holds: entries, their requests and meta, sizes and counters.

use crate::cache::Cache;
use crate::entry::{Entry, Meta};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::session::Saved;
use crate::store::{FORMAT_VERSION, Snapshot};
use crate::summary::Summary;
use serde::Serialize;
use std::collections::VecDeque;

/// How many fingerprints a walk reads ahead.
const AHEAD: usize = 256;

/// Counters of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Recorded requests.
    pub entries: u64,
    /// Replays by this session.
    pub hits: u64,
    /// Misses of this session.
    pub misses: u64,
    /// Bytes of all requests, canonical, before storage overhead.
    pub bytes_requests: u64,
    /// Bytes of all responses with their heads, before storage overhead.
    pub bytes_responses: u64,
    /// The file's size.
    pub file_bytes: u64,
    /// The file's format; what this library writes if there is no file.
    pub format_version: u32,
}

/// A walk over the entries in fingerprint order, as they were when it began.
///
/// It may outlive its cache. While it lives, recorders cannot reuse the space
/// of what they replace. In a forked child, the walk of its parent is an error of
/// kind [`ErrorKind::InvalidArgument`].
pub struct Entries {
    snapshot: Option<Snapshot>,
    ahead: VecDeque<Fingerprint>,
    last: Option<Fingerprint>,
    passed: u64,
    pid: u32,
}

impl Cache {
    /// Begins a walk over the entries.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), [`Corrupt`](crate::ErrorKind::Corrupt).
    pub fn entries(&self) -> Result<Entries> {
        Ok(Entries {
            snapshot: self.snapshot()?,
            ahead: VecDeque::new(),
            last: None,
            passed: 0,
            pid: std::process::id(),
        })
    }

    /// Returns what is known about the entry at an address.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn meta(&self, fingerprint: &Fingerprint) -> Result<Option<Meta>> {
        let text = self.read(|snapshot| snapshot.meta(fingerprint))?.flatten();
        text.map(|text| Meta::from_json(&text)).transpose()
    }

    /// Returns the request of the entry at an address: canonical, ignored
    /// members included, secrets as placeholders.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn request(&self, fingerprint: &Fingerprint) -> Result<Option<Vec<u8>>> {
        Ok(self.read(|snapshot| snapshot.request(fingerprint))?.flatten())
    }

    /// Returns the counters.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), [`Corrupt`](crate::ErrorKind::Corrupt).
    pub fn stats(&self) -> Result<Stats> {
        let counted = self.session.counted();
        let mut stats = Stats {
            hits: counted.hits,
            misses: counted.misses,
            format_version: FORMAT_VERSION,
            ..Stats::default()
        };
        if let Some(snapshot) = self.snapshot()? {
            stats.entries = snapshot.len()?;
            (stats.bytes_requests, stats.bytes_responses) = snapshot.sizes()?;
            stats.file_bytes =
                std::fs::metadata(&self.settings().path).map_or(0, |meta| meta.len());
            stats.format_version = snapshot.format_version();
        }
        Ok(stats)
    }

    /// Returns what this session did, and what its replays saved.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn summary(&self) -> Result<Summary> {
        let mut saved = Saved::default();
        for (fingerprint, times) in self.session.replayed() {
            // A damaged meta says nothing about what was saved, and replays all the same.
            let Ok(Some(meta)) = self.meta(&fingerprint) else { continue };
            let usage = meta.usage.unwrap_or_default();
            saved.add(usage.input_tokens, usage.output_tokens, meta.response_duration_ms, times);
        }
        Ok(self.session.summary(saved))
    }

    /// Returns the explanations of intercepted calls that were refused, so that
    /// a test that swallowed one can be failed.
    pub fn refused_misses(&self) -> Vec<String> {
        self.session.refused_misses()
    }

    /// Returns what this session has to tell: secrets that came back in a response.
    pub fn warnings(&self) -> Vec<String> {
        self.session.warnings()
    }
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_inherited() {
            let snapshot = self.snapshot.take();
            let goes_on = snapshot.is_some();
            // It is the parent's: it must be neither read nor dropped here.
            std::mem::forget(snapshot);
            return goes_on.then(|| Err(Self::inherited()));
        }
        if self.ahead.is_empty() {
            match self.read_ahead() {
                Ok(()) => {}
                Err(error) => {
                    self.snapshot = None;
                    return Some(Err(error));
                }
            }
        }
        let snapshot = self.snapshot.as_ref()?;
        let fingerprint = self.ahead.pop_front()?;
        self.last = Some(fingerprint);
        self.passed += 1;
        let meta = snapshot.meta(&fingerprint).and_then(|text| match text {
            Some(text) => Meta::from_json(&text),
            None => Ok(Meta::default()),
        });
        Some(meta.map(|meta| Entry { fingerprint, meta }))
    }
}

impl Entries {
    /// Returns whether a parent of this process began the walk.
    pub fn is_inherited(&self) -> bool {
        self.pid != std::process::id()
    }

    /// Returns the error of a walk that was inherited across a fork.
    pub fn inherited() -> Error {
        Error::new(
            ErrorKind::InvalidArgument,
            "the walk was begun before this process was forked; begin one here",
        )
    }

    /// Reads the next fingerprints; at the end, checks that there were as many as
    /// the file says.
    fn read_ahead(&mut self) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        self.ahead = snapshot.fingerprints(self.last.as_ref(), AHEAD)?.into();
        if self.ahead.is_empty() {
            snapshot.check_walked(self.passed)?;
            self.snapshot = None;
        }
        Ok(())
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            std::mem::forget(self.snapshot.take());
        }
    }
}
