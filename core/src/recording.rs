//! Recording: a response becomes what a request is answered with.

use crate::address::{Address, Distinction};
use crate::cache::Cache;
use crate::entry::{Meta, now_ms};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::http::{ResponseHead, facts_of};
use crate::json::{Document, canonicalize};
use crate::mode::Mode;
use crate::options::Repeats;
use crate::secrets::{SecretKind, SentSecrets};
use crate::sketch::Sketch;
use crate::store::{Change, NewEntry, Outcome};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a `put` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The address of the request.
    pub fingerprint: Fingerprint,
    /// Whether the response is what stands there now.
    pub stored: Stored,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was written, durably.
    Recorded,
    /// An earlier recording of the request stays.
    Kept,
    /// The mode does not record.
    Skipped,
}

impl Cache {
    /// Records `response` as the answer to `request`, durably when this returns.
    ///
    /// Model, system fingerprint and usage are read from the response where
    /// `meta` does not name them. In [`Mode::Record`] the first recording of a
    /// request stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] in [`Mode::Replay`], or if the file cannot be
    /// written; [`ErrorKind::InvalidJson`]; [`ErrorKind::Locked`];
    /// [`ErrorKind::Full`]; [`ErrorKind::Io`].
    pub fn put(&self, request: &[u8], response: &[u8], meta: Meta) -> Result<Put> {
        self.alive()?;
        let occurrence = match self.open.settings.options.repeats {
            Some(Repeats::Sequence) => {
                let call = self.open.addressing.fingerprint(request)?;
                Some(self.session.occurrences().put(&call))
            }
            _ => None,
        };
        let distinction =
            Distinction { occurrence: occurrence.filter(|n| *n > 1), scope: self.scope()? };
        let address = self.open.addressing.address(request, &distinction)?;
        let body = match self.open.settings.mode.records() {
            true => self.without_found_secrets(request, response)?,
            false => Cow::Borrowed(response),
        };
        self.record(address, Vec::new(), body.into_owned(), meta, None)
    }

    /// Records as [`Cache::put`] does what core itself asks: one response to a request,
    /// whatever `repeats` and `scope` say.
    ///
    /// # Errors
    ///
    /// As [`Cache::put`].
    pub(crate) fn put_own(&self, request: &[u8], response: &[u8], meta: Meta) -> Result<Put> {
        let address = self.open.addressing.address(request, &Distinction::default())?;
        let body = match self.open.settings.mode.records() {
            true => self.without_found_secrets(request, response)?,
            false => Cow::Borrowed(response),
        };
        self.record(address, Vec::new(), body.into_owned(), meta, None)
    }

    /// Removes the entry at an address; `false` if there was none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] unless the mode records; as [`Cache::put`].
    pub fn delete(&self, fingerprint: &Fingerprint) -> Result<bool> {
        self.alive()?;
        if !self.open.settings.mode.records() {
            return Err(self.may_not("delete"));
        }
        // What is not there is not worth opening the file for writing.
        Ok(self.contains_at(fingerprint)?
            && self.write(Change::Delete(*fingerprint))? == Outcome::Done)
    }

    /// Writes the hit counts, if this handle recorded something or `persist_hits`
    /// is on. Every put is durable already.
    ///
    /// # Errors
    ///
    /// As [`Cache::put`].
    pub fn flush(&self) -> Result<()> {
        let options = &self.open.settings.options;
        let writes = self.open.settings.mode.records()
            && (self.open.recorded.load(Ordering::Relaxed) || options.persist_hits == Some(true));
        if writes {
            let hits = std::mem::take(&mut *self.hits());
            if !hits.is_empty() {
                self.write(Change::Hits(Arc::new(hits.into_iter().collect())))?;
            }
        }
        self.release();
        Ok(())
    }

    /// Gives back the space that recording left behind, if that saves a third of
    /// the file and nobody else reads it just now; returns whether it did.
    ///
    /// For the owner of a run, at its end. Does nothing unless the mode records.
    ///
    /// # Errors
    ///
    /// As [`Cache::put`]; nothing recorded is lost.
    pub fn compact(&self) -> Result<bool> {
        self.alive()?;
        match self.open.settings.mode.records() {
            true => self.shared().compact(&self.open.patience),
            false => Ok(false),
        }
    }

    /// Records a response under an address, as the mode has it. `asked_model` is the
    /// model if neither `meta` nor the response names one.
    pub(crate) fn record(
        &self,
        address: Address,
        head: Vec<u8>,
        body: Vec<u8>,
        mut meta: Meta,
        asked_model: Option<String>,
    ) -> Result<Put> {
        let Address { fingerprint, stored: request } = address;
        let mode = self.open.settings.mode;
        if mode == Mode::Replay {
            return Err(self.may_not("record"));
        }
        if !mode.records() {
            return Ok(Put { fingerprint, stored: Stored::Skipped });
        }
        meta.created_at_ms = now_ms();
        meta.hit_count = 0;
        meta.run = meta.run.or_else(|| Some(self.open.run.clone()));
        meta.source = meta.source.or_else(|| self.session.test.clone());
        let facts = facts_of(content_type(&head).as_deref(), &body);
        meta.model = meta.model.or(facts.model).or(asked_model);
        meta.system_fingerprint = meta.system_fingerprint.or(facts.system_fingerprint);
        meta.usage = meta.usage.or(facts.usage);
        let entry = NewEntry {
            fingerprint,
            sketch: Sketch::of(Document::parse(&request)?.root()),
            request,
            head,
            body,
            meta: self.without_secrets(meta)?.to_json()?,
            replaces_unless_of_run: (mode == Mode::Refresh).then(|| self.open.run.clone()),
            max_bytes: self.open.settings.options.max_bytes.unwrap_or(0),
            identity: Arc::clone(&self.open.identity),
        };
        let stored = match self.write(Change::Put(Arc::new(entry)))? {
            Outcome::Done => {
                self.session.recorded();
                self.open.recorded.store(true, Ordering::Relaxed);
                Stored::Recorded
            }
            Outcome::Kept | Outcome::Missing => Stored::Kept,
        };
        Ok(Put { fingerprint, stored })
    }

    /// Reports secrets in a response that is put by hand, and replaces them: those of
    /// its request always, others if `redact_responses` is on.
    fn without_found_secrets<'a>(&self, request: &[u8], body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let redactor = self.open.addressing.redactor();
        let sent = redactor.sent_with(&canonicalize(request)?, &SentSecrets::default())?;
        let everything = self.settings().options.redact_responses == Some(true);
        let cleaned = redactor.response(body, None, &sent, everything, &mut []);
        self.report_secrets("put", &cleaned.found);
        Ok(cleaned.body)
    }

    /// Warns that the response to a call holds secrets.
    pub(crate) fn report_secrets(&self, call: &str, found: &[SecretKind]) {
        if found.is_empty() {
            return;
        }
        // What the call was sent with is replaced in any case.
        let replaced = self.settings().options.redact_responses == Some(true)
            || found.iter().all(|kind| *kind == SecretKind::Sent);
        let kinds: Vec<String> = found.iter().map(ToString::to_string).collect();
        self.session.warn(format!(
            "{}: the response to {call} holds a secret ({}){}",
            self.session.test.as_deref().unwrap_or("a call"),
            kinds.join(", "),
            if replaced { ", replaced" } else { "; redact_responses = true replaces it" }
        ));
    }

    /// Replaces secrets in what a caller or a response says about an entry.
    fn without_secrets(&self, mut meta: Meta) -> Result<Meta> {
        // It tells runs apart and holds no secret: a `redact` pattern must not join them.
        let run = meta.run.take();
        let clean = self.open.addressing.redactor().request(&meta.to_json()?)?.into_owned();
        Ok(Meta { run, ..Meta::from_json(&clean)? })
    }

    fn write(&self, change: Change) -> Result<Outcome> {
        self.alive()?;
        self.shared().write(change, &self.open.patience)
    }

    fn may_not(&self, what: &str) -> Error {
        let settings = &self.open.settings;
        Error::file(
            ErrorKind::ReadOnly,
            &settings.path,
            format_args!(
                "mode {} ({}) may not {what}; to record: {}",
                settings.mode,
                settings.mode_reason,
                self.command()
            ),
        )
    }
}

/// Returns the content type that the head of a response names.
fn content_type(head: &[u8]) -> Option<String> {
    let head = ResponseHead::from_json(head).ok()?;
    head.header("content-type").map(str::to_owned)
}
