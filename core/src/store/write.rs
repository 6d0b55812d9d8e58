//! Puts, deletions and hit counts, in transactions as short as they can be.

use super::open::writer;
use super::row::{decode, decode_response, encode, encode_response};
use super::schema::{META, REQUESTS, RESPONSES, SKETCHES, Table};
use super::shared::{Shared, lock};
use super::{Patience, failure, guarded};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::sketch::Sketch;
use redb::{ReadableTable, WriteTransaction};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What is to be written.
#[derive(Clone)]
pub(crate) enum Change {
    /// Adds an entry; what stands there stays, unless `replaces` says otherwise.
    Put(Arc<NewEntry>),
    /// Removes an entry.
    Delete(Fingerprint),
    /// Adds to the hit counts of entries.
    Hits(Arc<Vec<(Fingerprint, u64)>>),
}

/// An entry that is to be recorded.
pub(crate) struct NewEntry {
    pub fingerprint: Fingerprint,
    pub request: Vec<u8>,
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// JSON text of the meta.
    pub meta: Vec<u8>,
    pub sketch: Sketch,
    /// The run whose recordings stay though this one is newer: in `refresh`,
    /// what another run recorded is replaced. `None`: whatever stands, stays.
    pub replaces_unless_of_run: Option<String>,
    /// Refuses to let the file grow beyond this many bytes; 0 is no limit.
    pub max_bytes: u64,
    /// The identity policy that the fingerprint was found under, as the file has it.
    pub identity: Arc<str>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was written.
    Done,
    /// An entry stood there and stays.
    Kept,
    /// There was nothing to change.
    Missing,
}

/// A change that waits for the thread that writes.
pub(super) struct Job {
    change: Change,
    result: Mutex<Option<Result<Outcome>>>,
}

impl Shared {
    /// Writes a change; it is durable when this returns.
    ///
    /// Changes of several threads go into one transaction: the first thread
    /// writes all that wait. The file is open for writing only meanwhile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Locked`] if another process keeps its turn for too long,
    /// [`ErrorKind::Full`], [`ErrorKind::ReadOnly`], [`ErrorKind::Io`],
    /// [`ErrorKind::Corrupt`]. Then nothing was written, unless the turn was lost
    /// just after the commit.
    pub fn write(&self, change: Change, patience: &Patience) -> Result<Outcome> {
        let written = self.write_all(vec![change], patience).pop();
        written.unwrap_or_else(|| Err(self.forgotten()))
    }

    /// Writes several changes in one transaction, as [`Shared::write`] does one;
    /// returns what became of each.
    pub fn write_all(&self, changes: Vec<Change>, patience: &Patience) -> Vec<Result<Outcome>> {
        let job = |change| Arc::new(Job { change, result: Mutex::new(None) });
        let jobs: Vec<_> = changes.into_iter().map(job).collect();
        lock(&self.queue).extend(jobs.iter().cloned());
        let _turn = lock(&self.writing);
        // Another thread may have written these with its own.
        if jobs.iter().any(|job| lock(&job.result).is_none()) {
            let batch = std::mem::take(&mut *lock(&self.queue));
            let written = guarded(&self.path, || self.write_batch(&batch, patience));
            self.release();
            self.forget_replaced();
            for (at, waiting) in batch.iter().enumerate() {
                let result = match &written {
                    Ok(outcomes) => outcomes[at].as_ref().copied().map_err(Error::restate),
                    Err(error) => Err(error.restate()),
                };
                *lock(&waiting.result) = Some(result);
            }
        }
        let result = |job: &Arc<Job>| lock(&job.result).take();
        jobs.iter().map(|job| result(job).unwrap_or_else(|| Err(self.forgotten()))).collect()
    }

    fn forgotten(&self) -> Error {
        Error::file(ErrorKind::Io, &self.path, "a queued change was lost; record it again")
    }

    /// Fails unless the pages are whole that `batch` may change: redb would take
    /// what it needs from damaged ones, and write over what is intact.
    fn check_room_for(&self, batch: &[Arc<Job>], patience: &Patience) -> Result<()> {
        // While the snapshot lives, no other writer reuses the pages that are looked at.
        let Some(snapshot) = self.snapshot(patience)? else { return Ok(()) };
        let keys: Vec<&[u8]> = batch
            .iter()
            .flat_map(|job| match &job.change {
                Change::Put(entry) => vec![&entry.fingerprint],
                Change::Delete(fingerprint) => vec![fingerprint],
                Change::Hits(hits) => hits.iter().map(|(fingerprint, _)| fingerprint).collect(),
            })
            .map(|fingerprint| &fingerprint.as_bytes()[..])
            .collect();
        snapshot.check_room_for(&keys)
    }

    /// Writes all of `batch` in one transaction, each change with its outcome.
    fn write_batch(&self, batch: &[Arc<Job>], patience: &Patience) -> Result<Vec<Result<Outcome>>> {
        let path = self.path.as_path();
        let cannot = |cause: redb::Error| failure(path, "write to the cache", cause);
        // Another file may stand here since the last read.
        self.forget_replaced();
        let header = self.header(patience)?;
        if let Some(header) = &header {
            header.check_writable(path)?;
        }
        self.check_room_for(batch, patience)?;
        let database = writer(path, patience)?;
        let write = database.begin_write().map_err(|e| cannot(e.into()))?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for job in batch {
            outcomes.push(match &job.change {
                Change::Put(entry) => {
                    let identity =
                        header.as_ref().map(|header| header.check_identity(path, &entry.identity));
                    match identity.unwrap_or(Ok(())).and_then(|()| check_room(path, entry)) {
                        Ok(()) => Ok(put(path, &write, entry)?),
                        Err(refused) => Err(refused),
                    }
                }
                Change::Delete(fingerprint) => Ok(delete(path, &write, fingerprint)?),
                Change::Hits(hits) => Ok(count_hits(path, &write, hits)?),
            });
        }
        let changed = outcomes.iter().any(|outcome| matches!(outcome, Ok(Outcome::Done)));
        match changed {
            true => write.commit().map_err(|e| cannot(e.into()))?,
            false => write.abort().map_err(|e| cannot(e.into()))?,
        }
        // What was committed is durable; a file that was not closed properly, because a
        // lock was not free in time, is repaired by who opens it next.
        let _ = database.close();
        Ok(outcomes)
    }
}

fn put(path: &Path, write: &WriteTransaction, entry: &NewEntry) -> Result<Outcome> {
    let cannot = |cause: redb::Error| failure(path, "record", cause);
    let key = entry.fingerprint.as_bytes();
    let mut responses = write.open_table(RESPONSES).map_err(|e| cannot(e.into()))?;
    let mut meta = write.open_table(META).map_err(|e| cannot(e.into()))?;
    // A row that is damaged is not in the way of a new recording.
    let stands = responses
        .get(key)
        .map_err(|e| cannot(e.into()))?
        .is_some_and(|row| decode_response(path, key, row.value()).is_ok());
    if stands {
        let Some(run) = &entry.replaces_unless_of_run else { return Ok(Outcome::Kept) };
        let row = meta.get(key).map_err(|e| cannot(e.into()))?;
        let recorded_by = row
            .as_ref()
            .and_then(|row| decode(path, Table::Meta, key, row.value()).ok())
            .and_then(|text| serde_json::from_slice::<Map<String, Value>>(text).ok());
        if recorded_by.is_some_and(|meta| meta.get("run").and_then(Value::as_str) == Some(run)) {
            return Ok(Outcome::Kept);
        }
    }
    let row = encode(Table::Requests, key, &[&entry.request]);
    let mut requests = write.open_table(REQUESTS).map_err(|e| cannot(e.into()))?;
    requests.insert(key, row.as_slice()).map_err(|e| cannot(e.into()))?;
    let row = encode_response(key, &entry.head, &entry.body)?;
    responses.insert(key, row.as_slice()).map_err(|e| cannot(e.into()))?;
    let row = encode(Table::Meta, key, &[&entry.meta]);
    meta.insert(key, row.as_slice()).map_err(|e| cannot(e.into()))?;
    let mut sketches = write.open_table(SKETCHES).map_err(|e| cannot(e.into()))?;
    sketches.insert(key, entry.sketch.as_bytes()).map_err(|e| cannot(e.into()))?;
    Ok(Outcome::Done)
}

fn delete(path: &Path, write: &WriteTransaction, fingerprint: &Fingerprint) -> Result<Outcome> {
    let cannot = |cause: redb::Error| failure(path, "delete an entry", cause);
    let key = fingerprint.as_bytes();
    let mut found = false;
    for rows in [RESPONSES, REQUESTS, META] {
        let mut table = write.open_table(rows).map_err(|e| cannot(e.into()))?;
        found |= table.remove(key).map_err(|e| cannot(e.into()))?.is_some();
    }
    let mut sketches = write.open_table(SKETCHES).map_err(|e| cannot(e.into()))?;
    sketches.remove(key).map_err(|e| cannot(e.into()))?;
    Ok(if found { Outcome::Done } else { Outcome::Missing })
}

fn count_hits(
    path: &Path,
    write: &WriteTransaction,
    hits: &[(Fingerprint, u64)],
) -> Result<Outcome> {
    let cannot = |cause: redb::Error| failure(path, "count hits", cause);
    let mut table = write.open_table(META).map_err(|e| cannot(e.into()))?;
    let mut outcome = Outcome::Missing;
    for (fingerprint, count) in hits {
        let key = fingerprint.as_bytes();
        let row = table.get(key).map_err(|e| cannot(e.into()))?;
        // A damaged count is left to `verify`: nothing depends on it.
        let meta = row
            .as_ref()
            .and_then(|row| decode(path, Table::Meta, key, row.value()).ok())
            .and_then(|text| serde_json::from_slice::<Map<String, Value>>(text).ok());
        drop(row);
        let Some(mut meta) = meta else { continue };
        let before = meta.get("hit_count").and_then(Value::as_u64).unwrap_or(0);
        meta.insert("hit_count".into(), before.saturating_add(*count).into());
        let row = encode(Table::Meta, key, &[&crate::json::to_canonical(&Value::Object(meta))?]);
        table.insert(key, row.as_slice()).map_err(|e| cannot(e.into()))?;
        outcome = Outcome::Done;
    }
    Ok(outcome)
}

fn check_room(path: &Path, entry: &NewEntry) -> Result<()> {
    let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let adds = (entry.request.len() + entry.head.len() + entry.body.len()) as u64;
    if entry.max_bytes == 0 || size.saturating_add(adds) <= entry.max_bytes {
        return Ok(());
    }
    Err(Error::file(
        ErrorKind::Full,
        path,
        format_args!(
            "recording {adds} bytes would grow the file of {size} bytes beyond `max_bytes` ({})",
            entry.max_bytes
        ),
    ))
}
