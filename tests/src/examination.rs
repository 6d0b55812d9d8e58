//! What comes of using a file that may be damaged, in every way a user can.

use crate::entries::{request, response};
use f3dx_cache_core::{Cache, Error, Meta, Mode, Options, recover, verify};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// Recorded entries that were answered.
    pub hits: u64,
    /// Recorded entries that were not, though no error said why.
    pub lost: u64,
    /// Answers with other bytes than were recorded.
    pub wrong: u64,
    /// Entries that were answered before the file was written to, and not any more.
    pub destroyed: u64,
    /// Damage that was met and that `verify` does not list, or that `recover` copied.
    pub unlisted: u64,
    /// Entries in a new file that `recover` made.
    pub recovered: u64,
    /// The kinds of the errors, and how often each came.
    pub errors: BTreeMap<String, u64>,
    /// An error of each kind.
    pub messages: BTreeMap<String, String>,
}

impl Examination {
    /// Reads, explains, walks, writes and compacts the cache at `path`, in which
    /// the entries 0 to `recorded` (exclusive) were recorded.
    pub fn of(path: &Path, recorded: u64) -> Self {
        let mut found = Self::default();
        let answered = found.read(path, recorded);
        found.verify(path);
        found.recover(path, &answered);
        found.write(path, recorded, &answered);
        found
    }

    /// Verifies the file: what a reader stumbled over, `verify` must list.
    fn verify(&mut self, path: &Path) {
        let stumbled = !self.errors.is_empty();
        let Some(found) = self.noting(verify(path)) else { return };
        self.unlisted += u64::from(stumbled && found.is_intact());
    }

    /// Recovers the file: what could be read is in the new one, and that is whole.
    fn recover(&mut self, path: &Path, answered: &[u64]) {
        let to = path.with_extension("recovered");
        if self.noting(recover(path, &to)).is_none() {
            self.destroyed += answered.len() as u64;
            return;
        }
        let Some(cache) = self.noting(open(&to, Mode::Replay)) else { return };
        for n in answered {
            let kept = cache.get(&request(*n));
            self.destroyed += u64::from(
                !kept.is_ok_and(|kept| kept.is_some_and(|kept| kept.body == response(*n))),
            );
        }
        self.unlisted += u64::from(!verify(&to).is_ok_and(|found| found.is_intact()));
        self.recovered += verify(&to).map_or(0, |found| found.entries);
        // What cannot be removed shows in the folder's removal.
        let _ = std::fs::remove_file(&to);
    }

    fn read(&mut self, path: &Path, recorded: u64) -> Vec<u64> {
        let mut answered = Vec::new();
        let Some(cache) = self.noting(open(path, Mode::Replay)) else { return answered };
        for n in 0..recorded {
            if self.look(&cache, n) {
                answered.push(n);
            }
        }
        self.hits = answered.len() as u64;
        for n in 0..recorded {
            let Some(fingerprint) = self.noting(cache.fingerprint(&request(n))) else { continue };
            if self.noting(cache.meta(&fingerprint)) == Some(None) {
                self.lost += 1;
            }
            match self.noting(cache.request(&fingerprint)) {
                Some(Some(text)) => self.wrong += u64::from(text != request(n)),
                Some(None) => self.lost += 1,
                // An answer without its request is no entry.
                None => answered.retain(|answered| *answered != n),
            }
        }
        // A miss reads what is near.
        self.noting(cache.explain(&request(recorded + 1)));
        if let Some(stats) = self.noting(cache.stats()) {
            self.lost += u64::from(stats.entries < recorded);
        }
        self.walk(&cache, recorded);
        self.noting(cache.close());
        answered
    }

    /// Walks over the entries, which must be all, or end with an error.
    fn walk(&mut self, cache: &Cache, recorded: u64) {
        let Some(entries) = self.noting(cache.entries()) else { return };
        let mut seen = 0;
        for entry in entries {
            match entry {
                Ok(_) => seen += 1,
                Err(error) => return self.note(&error),
            }
        }
        self.lost += recorded.saturating_sub(seen);
        self.wrong += seen.saturating_sub(recorded);
    }

    fn write(&mut self, path: &Path, recorded: u64, answered: &[u64]) {
        let Some(cache) = self.noting(open(path, Mode::Record)) else { return };
        let new = recorded + 1;
        let put = cache.put(&request(new), &response(new), Meta::default());
        if self.noting(put).is_some() && !self.look(&cache, new) {
            self.destroyed += 1;
        }
        self.noting(cache.compact());
        // An entry may be recorded over, or deleted, whether it is damaged or not.
        self.noting(cache.put(&request(0), &response(0), Meta::default()));
        if let Some(last) = self.noting(cache.fingerprint(&request(recorded - 1))) {
            self.noting(cache.delete(&last));
        }
        self.noting(cache.close());
        let Some(cache) = self.noting(open(path, Mode::Replay)) else {
            self.destroyed += answered.len() as u64;
            return;
        };
        let (lost, wrong) = (self.lost, self.wrong);
        for n in answered.iter().filter(|n| **n != recorded - 1) {
            self.destroyed += u64::from(!self.look(&cache, *n));
        }
        self.destroyed += self.lost - lost + self.wrong - wrong;
    }

    /// Returns whether entry `n` is answered rightly.
    fn look(&mut self, cache: &Cache, n: u64) -> bool {
        match cache.get(&request(n)) {
            Ok(Some(found)) if found.body == response(n) => return true,
            Ok(Some(_)) => self.wrong += 1,
            Ok(None) => self.lost += 1,
            Err(error) => self.note(&error),
        }
        false
    }

    fn noting<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.note(&error)).ok()
    }

    fn note(&mut self, error: &Error) {
        *self.errors.entry(error.kind().name().into()).or_default() += 1;
        self.messages.entry(error.kind().name().into()).or_insert_with(|| error.to_string());
    }
}

fn open(path: &Path, mode: Mode) -> Result<Cache, Error> {
    let options = Options { mode: Some(mode), lock_timeout_ms: Some(5000), ..Options::default() };
    Cache::open(path, options)
}
