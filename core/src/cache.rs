//! The cache: look a request up.

use crate::address::Distinction;
use crate::entry::Meta;
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::mode::Mode;
use crate::opening::{Hits, Open};
use crate::options::{Repeats, Scope};
use crate::repeats::NthCall;
use crate::session::Session;
use crate::store::Response;
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

/// An open cache file.
///
/// Cheap to clone; usable from any thread, and in a forked child. All handles
/// of a process on one file share what is open.
///
/// ```
/// use f3dx_cache_core::{Cache, Meta, Options};
///
/// let folder = tempfile::tempdir()?;
/// let cache = Cache::open(folder.path().join("llm.redb"), Options::default())?;
/// let request = br#"{"model": "gpt-4o", "messages": []}"#;
/// assert_eq!(cache.get(request)?, None);
/// cache.put(request, b"an answer", Meta::default())?;
/// assert_eq!(cache.get(request)?.unwrap().body, b"an answer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Cache {
    pub(crate) open: Arc<Open>,
    pub(crate) session: Arc<Session>,
}

impl Cache {
    /// Returns the recorded response of `request`, a JSON text.
    ///
    /// `None` is a miss; [`Cache::explain`] says why. In [`Mode::Off`] every
    /// lookup is a miss, in [`Mode::Refresh`] what this run did not record.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`]; [`ErrorKind::Corrupt`] if the stored bytes do
    /// not match their checksum.
    pub fn get(&self, request: &[u8]) -> Result<Option<Response>> {
        let asked = self.ask(request)?;
        let response = self.lookup(&asked.fingerprint)?;
        self.count(&asked, response.is_some());
        Ok(response)
    }

    /// Returns what [`Cache::get`] would, and counts nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn peek(&self, request: &[u8]) -> Result<Option<Response>> {
        self.lookup(&self.fingerprint(request)?)
    }

    /// Returns the recorded response at an address, and counts it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`].
    pub fn get_at(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        let response = self.lookup(fingerprint)?;
        let asked = Asked { fingerprint: *fingerprint, call: None };
        self.count(&asked, response.is_some());
        Ok(response)
    }

    /// Returns what [`Cache::get_at`] would, and counts nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get_at`].
    pub fn peek_at(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        self.lookup(fingerprint)
    }

    /// Returns the address of `request` in this file: the fingerprint after the
    /// file's identity policy, and in the scope of the session's test.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`].
    pub fn fingerprint(&self, request: &[u8]) -> Result<Fingerprint> {
        self.alive()?;
        match self.scope()? {
            None => self.open.addressing.fingerprint(request),
            scope => {
                let distinction = Distinction { occurrence: None, scope };
                Ok(self.open.addressing.address(request, &distinction)?.fingerprint)
            }
        }
    }

    /// Returns whether [`Cache::get`] would find a response; counts nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`].
    pub fn contains(&self, request: &[u8]) -> Result<bool> {
        let fingerprint = self.fingerprint(request)?;
        match self.open.settings.mode {
            Mode::Replay | Mode::Record | Mode::ReadOnly => self.contains_at(&fingerprint),
            Mode::Refresh | Mode::Off => Ok(self.lookup(&fingerprint)?.is_some()),
        }
    }

    /// Returns whether an entry stands at an address; counts nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`], [`ErrorKind::Corrupt`].
    pub fn contains_at(&self, fingerprint: &Fingerprint) -> Result<bool> {
        Ok(self.read(|snapshot| snapshot.contains(fingerprint))?.unwrap_or(false))
    }

    /// Drops the snapshot that lookups hold, if they do: see [`Hooks::holds`](crate::Hooks).
    pub fn release(&self) {
        if self.open.holds {
            self.shared().release();
        }
    }

    /// Looks an address up, as the mode has it; counts nothing.
    pub(crate) fn lookup(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        self.alive()?;
        let found = match self.open.settings.mode {
            Mode::Off => return Ok(None),
            Mode::Refresh => self.read(|snapshot| {
                let recorded = snapshot.meta(fingerprint)?;
                let of_this_run = recorded
                    .and_then(|text| Meta::from_json(&text).ok())
                    .is_some_and(|meta| meta.run.as_ref() == Some(&self.open.run));
                match of_this_run {
                    true => snapshot.response(fingerprint),
                    false => Ok(None),
                }
            }),
            Mode::Replay | Mode::Record | Mode::ReadOnly => {
                self.read(|snapshot| snapshot.response(fingerprint))
            }
        };
        Ok(found?.flatten())
    }

    pub(crate) fn hits(&self) -> MutexGuard<'_, HashMap<Fingerprint, u64>> {
        let hits = self.open.hits.get_or_make(Hits::default);
        hits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a lookup.
    pub(crate) fn count(&self, asked: &Asked, hit: bool) {
        if hit {
            self.session.hit(asked.fingerprint);
            *self.hits().entry(asked.fingerprint).or_default() += 1;
            return;
        }
        self.session.miss();
        if let Some((call, occurrence)) = asked.call {
            self.session.occurrences().missed(&call, occurrence);
        }
    }

    /// Returns the name of the test that keeps its recordings to itself.
    pub(crate) fn scope(&self) -> Result<Option<String>> {
        match (self.open.settings.options.scope, &self.session.test) {
            (Some(Scope::Test), Some(test)) => Ok(Some(test.clone())),
            (Some(Scope::Test), None) => Err(Error::new(
                ErrorKind::Config,
                "scope = \"test\" needs a test: use it with the test hooks, or name one with `session`",
            )),
            _ => Ok(None),
        }
    }

    /// Finds the address that this lookup of `request` goes to.
    fn ask(&self, request: &[u8]) -> Result<Asked> {
        if self.open.settings.options.repeats != Some(Repeats::Sequence) {
            return Ok(Asked { fingerprint: self.fingerprint(request)?, call: None });
        }
        self.alive()?;
        let call = self.open.addressing.fingerprint(request)?;
        let occurrence = self.session.occurrences().ask(&call);
        let distinction =
            Distinction { occurrence: Some(occurrence).filter(|n| *n > 1), scope: self.scope()? };
        let fingerprint = match distinction.adds_nothing() {
            true => call,
            false => self.open.addressing.address(request, &distinction)?.fingerprint,
        };
        Ok(Asked { fingerprint, call: Some((call, occurrence)) })
    }
}

/// Where a lookup went, and which identical call of its test it was.
pub(crate) struct Asked {
    pub fingerprint: Fingerprint,
    pub call: Option<NthCall>,
}
