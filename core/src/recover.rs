//! `recover`: save what is intact in a damaged file.

use crate::entry::{Meta, now_ms};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::identity::IdentityPolicy;
use crate::json::Document;
use crate::sketch::Sketch;
use crate::store::{Change, Inventory, NewEntry, Part, create, shared};
use crate::verify::{Flaw, Survey, patience};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Entries are written in batches of so many bytes, or so many entries.
const BATCH_BYTES: usize = 8 << 20;
const BATCH_ENTRIES: usize = 1000;

/// What [`recover`] saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recovery {
    /// Entries in the new file.
    pub recovered: u64,
    /// Entries of which something was found, but not enough.
    pub lost: Vec<Fingerprint>,
    /// What is wrong with the old file, as [`verify`](crate::verify()) lists it.
    pub flaws: Vec<Flaw>,
}

/// Copies every entry that is intact from the file at `from` into a new one at `to`.
///
/// An entry is intact if its request leads to it, and its request and its response
/// match their checksums; where only meta is lost, it begins anew. If the pages that
/// lead to others are damaged, every page of the file is searched, which may bring back
/// what had been deleted or replaced. The old file is left as it is.
///
/// # Errors
///
/// As [`verify`](crate::verify()) for the old file; [`ErrorKind::Io`] if there is a
/// file at `to` already, [`ErrorKind::ReadOnly`] if none can be made there. A new file
/// that could not be finished is no whole copy; it can be deleted.
pub fn recover(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Recovery> {
    let (from, to) = (from.as_ref(), to.as_ref());
    if std::fs::symlink_metadata(to).is_ok() {
        let detail = "exists already; name a new file to recover into";
        return Err(Error::file(ErrorKind::Io, to, detail));
    }
    let mut inventory = Inventory::take(from, &patience())?;
    inventory.look_everywhere()?;
    let identity = match inventory.identity() {
        Some(identity) => identity.to_owned(),
        // What was recorded under another policy does not lead to its address: it is lost.
        None => String::from_utf8_lossy(&IdentityPolicy::default().to_json()?).into_owned(),
    };
    let survey = Survey::of(&inventory, Some(&identity))?;
    create(to, identity.as_bytes(), &patience())?;
    let mut recovery = Recovery { recovered: 0, lost: Vec::new(), flaws: survey.flaws };
    let mut copy = Copy { to, identity: identity.into(), batch: Vec::new(), bytes: 0 };
    for fingerprint in survey.entries {
        let intact = inventory.has(Part::Responses, &fingerprint)
            && inventory.has(Part::Requests, &fingerprint)
            && !survey.astray.contains(&fingerprint);
        if intact {
            copy.entry(&inventory, fingerprint)?;
            recovery.recovered += 1;
        } else {
            recovery.lost.push(fingerprint);
        }
    }
    copy.write()?;
    Ok(recovery)
}

struct Copy<'t> {
    to: &'t Path,
    identity: Arc<str>,
    batch: Vec<Change>,
    bytes: usize,
}

impl Copy<'_> {
    fn entry(&mut self, inventory: &Inventory, fingerprint: Fingerprint) -> Result<()> {
        let request = inventory.content(Part::Requests, &fingerprint)?;
        let response = inventory.response(&fingerprint)?;
        let meta = match inventory.has(Part::Meta, &fingerprint) {
            true => inventory.content(Part::Meta, &fingerprint)?,
            false => Meta { created_at_ms: now_ms(), ..Meta::default() }.to_json()?,
        };
        self.bytes += request.len() + response.body.len();
        self.batch.push(Change::Put(Arc::new(NewEntry {
            fingerprint,
            sketch: Sketch::of(Document::parse(&request)?.root()),
            request,
            head: response.head,
            body: response.body,
            meta,
            replaces_unless_of_run: None,
            max_bytes: 0,
            identity: Arc::clone(&self.identity),
        })));
        if self.bytes >= BATCH_BYTES || self.batch.len() >= BATCH_ENTRIES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        shared(self.to).write_all(batch, &patience()).into_iter().try_for_each(|put| put.map(drop))
    }
}
