//! Lookups in one snapshot of the file.

use super::open::Reader;
use super::row::{self, Response, decode, decode_response};
use super::schema::{FORMAT_VERSION, META, REQUESTS, RESPONSES, Rows, SKETCHES, Table};
use super::shared::{Shared, lock};
use super::{Patience, RESTORE, failure, guarded, unproven};
use crate::error::{Error, ErrorKind, Result};
use crate::fingerprint::Fingerprint;
use crate::sketch::Sketch;
use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableError, TableHandle,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a held snapshot serves before a lookup takes a fresh one.
const HELD_FOR: Duration = Duration::from_secs(1);

type RowTable = ReadOnlyTable<&'static [u8; 32], &'static [u8]>;

/// The entries as they were when it began.
pub(crate) struct Snapshot {
    path: PathBuf,
    read: ReadTransaction,
    requests: OnceLock<Option<RowTable>>,
    responses: OnceLock<Option<RowTable>>,
    meta: OnceLock<Option<RowTable>>,
    /// Keeps the file open for as long as the snapshot is read; the last field,
    /// so that it goes last.
    reader: Arc<Reader>,
}

/// A snapshot that is kept between lookups.
pub(super) struct Held {
    snapshot: Snapshot,
    since: Instant,
}

/// Checks that a walk goes forward: damage can make the pages of a table a
/// circle, which a walk would never leave.
#[derive(Default)]
struct Order {
    last: Option<Fingerprint>,
    passed: u64,
}

impl Order {
    fn next(&mut self, path: &Path, fingerprint: Fingerprint) -> Result<Fingerprint> {
        if self.last.is_some_and(|last| last >= fingerprint) {
            let detail = format_args!("the file is damaged: its keys are out of order; {RESTORE}");
            return Err(Error::file(ErrorKind::Corrupt, path, detail));
        }
        self.last = Some(fingerprint);
        self.passed += 1;
        Ok(fingerprint)
    }

    /// Fails unless the walk passed all rows that the table says it has.
    fn check_end(&self, path: &Path, rows: u64) -> Result<()> {
        if self.passed == rows {
            return Ok(());
        }
        let detail = format_args!(
            "the file is damaged: a walk over {rows} rows came to {}; {RESTORE}",
            self.passed
        );
        Err(Error::file(ErrorKind::Corrupt, path, detail))
    }
}

impl Held {
    fn is_over(&self) -> bool {
        self.since.elapsed() > HELD_FOR || self.snapshot.reader.has_failed()
    }
}

impl Shared {
    /// Looks up in a snapshot that is kept for the next lookup.
    ///
    /// Cheaper than a fresh one by a lock of the file's header, but while it is
    /// held a recorder of another process cannot reuse pages. So it is taken
    /// anew after a second, and [`Shared::release`] drops it.
    pub fn held<T>(
        &self,
        patience: &Patience,
        look: impl Fn(&Snapshot) -> Result<T>,
        nothing: T,
    ) -> Result<T> {
        let mut held = lock(&self.held);
        if held.as_ref().is_none_or(|held| held.is_over()) {
            *held = None;
            let Some(snapshot) = self.snapshot(patience)? else { return Ok(nothing) };
            *held = Some(Held { snapshot, since: Instant::now() });
        }
        match held.as_ref() {
            Some(held) => look(&held.snapshot),
            None => Ok(nothing),
        }
    }

    /// Drops the held snapshot, so that no recorder has to grow the file for it.
    pub fn release(&self) {
        *lock(&self.held) = None;
    }
}

impl Snapshot {
    pub(super) fn begin(path: &Path, reader: &Arc<Reader>) -> Result<Self> {
        let read = guarded(path, || {
            reader.begin_read().map_err(|cause| {
                reader.fail();
                failure(path, "read the cache", cause)
            })
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            read,
            requests: OnceLock::new(),
            responses: OnceLock::new(),
            meta: OnceLock::new(),
            reader: Arc::clone(reader),
        })
    }

    /// Returns the recorded response.
    pub fn response(&self, fingerprint: &Fingerprint) -> Result<Option<Response>> {
        self.row(&self.responses, RESPONSES, fingerprint, |row| {
            let (head, body) = decode_response(&self.path, fingerprint.as_bytes(), row)?;
            Ok(Response { head: head.to_vec(), body: body.to_vec() })
        })
    }

    /// Returns whether a response is recorded, without reading it.
    pub fn contains(&self, fingerprint: &Fingerprint) -> Result<bool> {
        Ok(self.row(&self.responses, RESPONSES, fingerprint, |_| Ok(()))?.is_some())
    }

    /// Returns the recorded request, canonical, secrets as placeholders.
    pub fn request(&self, fingerprint: &Fingerprint) -> Result<Option<Vec<u8>>> {
        self.content(&self.requests, REQUESTS, Table::Requests, fingerprint)
    }

    /// Returns the meta of an entry, as JSON text.
    pub fn meta(&self, fingerprint: &Fingerprint) -> Result<Option<Vec<u8>>> {
        self.content(&self.meta, META, Table::Meta, fingerprint)
    }

    /// Returns up to `limit` fingerprints after `after`, in order.
    pub fn fingerprints(
        &self,
        after: Option<&Fingerprint>,
        limit: usize,
    ) -> Result<Vec<Fingerprint>> {
        use std::ops::Bound;
        guarded(&self.path, || {
            let Some(table) = self.table(&self.responses, RESPONSES)? else {
                return Ok(Vec::new());
            };
            let start = after.map_or(Bound::Unbounded, |f| Bound::Excluded(f.as_bytes()));
            let range = table
                .range::<&[u8; 32]>((start, Bound::Unbounded))
                .map_err(|cause| self.failure(cause))?;
            let mut order = Order { last: after.copied(), passed: 0 };
            range
                .take(limit)
                .map(|row| {
                    let (key, _) = row.map_err(|cause| self.failure(cause))?;
                    order.next(&self.path, Fingerprint::from_bytes(*key.value()))
                })
                .collect()
        })
    }

    /// Fails unless a walk over `passed` fingerprints passed all.
    pub fn check_walked(&self, passed: u64) -> Result<()> {
        Order { last: None, passed }.check_end(&self.path, self.len()?)
    }

    /// Fails unless the pages are whole that a writer of these entries may change.
    pub(super) fn check_room_for(&self, fingerprints: &[&[u8]]) -> Result<()> {
        let tables = [RESPONSES.name(), REQUESTS.name(), META.name(), SKETCHES.name()];
        self.reader.pages.as_ref().map_or(Ok(()), |pages| {
            let checked = pages.check_room_for(&tables, fingerprints);
            checked.map_err(|why| unproven(&self.path, why))
        })
    }

    /// Fails unless every page in use is whole.
    pub(super) fn check_all(&self) -> Result<()> {
        self.reader
            .pages
            .as_ref()
            .map_or(Ok(()), |pages| pages.check_all().map_err(|why| unproven(&self.path, why)))
    }

    /// Fails if addresses found under the policy `identity` are not this file's.
    pub fn check_identity(&self, identity: &str) -> Result<()> {
        let header = self.reader.header.as_ref();
        header.map_or(Ok(()), |header| header.check_identity(&self.path, identity))
    }

    /// Returns the file's format version.
    pub fn format_version(&self) -> u32 {
        self.reader.header.as_ref().map_or(FORMAT_VERSION, |header| header.version)
    }

    /// Returns how many responses are recorded.
    pub fn len(&self) -> Result<u64> {
        guarded(&self.path, || match self.table(&self.responses, RESPONSES)? {
            Some(table) => table.len().map_err(|cause| self.failure(cause)),
            None => Ok(0),
        })
    }

    /// Returns the bytes of all requests and of all responses with their heads.
    pub fn sizes(&self) -> Result<(u64, u64)> {
        let sum = |cell, rows, overhead| -> Result<u64> {
            let mut sum = 0;
            self.walk(cell, rows, |row| sum += (row.len() as u64).saturating_sub(overhead))?;
            Ok(sum)
        };
        Ok((
            sum(&self.requests, REQUESTS, row::OVERHEAD)?,
            sum(&self.responses, RESPONSES, row::RESPONSE_OVERHEAD)?,
        ))
    }

    /// Calls `visit` with every row of a table.
    fn walk(
        &self,
        cell: &OnceLock<Option<RowTable>>,
        rows: Rows,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<()> {
        guarded(&self.path, || {
            let Some(table) = self.table(cell, rows)? else { return Ok(()) };
            let mut order = Order::default();
            for row in table.iter().map_err(|cause| self.failure(cause))? {
                let (key, row) = row.map_err(|cause| self.failure(cause))?;
                order.next(&self.path, Fingerprint::from_bytes(*key.value()))?;
                visit(row.value());
            }
            let rows = table.len().map_err(|cause| self.failure(cause))?;
            order.check_end(&self.path, rows)
        })
    }

    /// Returns the bytes that the tables take, unused parts of their pages included.
    pub fn used(&self) -> Result<u64> {
        // redb's `stats` recurses without end where damage makes pages a circle.
        for (cell, rows) in
            [(&self.requests, REQUESTS), (&self.responses, RESPONSES), (&self.meta, META)]
        {
            self.walk(cell, rows, |_| {})?;
        }
        self.sketches(|_, _| true)?;
        guarded(&self.path, || {
            let mut used = 0;
            let mut add = |stats: redb::TableStats| {
                used += stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
            };
            for (cell, rows) in
                [(&self.requests, REQUESTS), (&self.responses, RESPONSES), (&self.meta, META)]
            {
                if let Some(table) = self.table(cell, rows)? {
                    add(table.stats().map_err(|cause| self.failure(cause))?);
                }
            }
            if let Ok(sketches) = self.read.open_table(SKETCHES) {
                add(sketches.stats().map_err(|cause| self.failure(cause))?);
            }
            Ok(used)
        })
    }

    /// Calls `visit` with the sketches, in fingerprint order, while it returns `true`.
    pub fn sketches(&self, mut visit: impl FnMut(Fingerprint, Sketch) -> bool) -> Result<()> {
        guarded(&self.path, || {
            let table = match self.read.open_table(SKETCHES) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                Err(cause) => return Err(self.failure(cause)),
            };
            let mut order = Order::default();
            for row in table.iter().map_err(|cause| self.failure(cause))? {
                let (key, sketch) = row.map_err(|cause| self.failure(cause))?;
                let fingerprint = Fingerprint::from_bytes(*key.value());
                let fingerprint = order.next(&self.path, fingerprint)?;
                if !visit(fingerprint, Sketch::from_bytes(*sketch.value())) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn content(
        &self,
        cell: &OnceLock<Option<RowTable>>,
        rows: Rows,
        table: Table,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Vec<u8>>> {
        self.row(cell, rows, fingerprint, |row| {
            decode(&self.path, table, fingerprint.as_bytes(), row).map(<[u8]>::to_vec)
        })
    }

    fn row<T>(
        &self,
        cell: &OnceLock<Option<RowTable>>,
        rows: Rows,
        fingerprint: &Fingerprint,
        read: impl Fn(&[u8]) -> Result<T>,
    ) -> Result<Option<T>> {
        let found = guarded(&self.path, || {
            let Some(table) = self.table(cell, rows)? else { return Ok(None) };
            let row = table.get(fingerprint.as_bytes()).map_err(|cause| self.failure(cause))?;
            row.map(|row| read(row.value())).transpose()
        })?;
        if found.is_none() {
            self.check_absence(rows, fingerprint)?;
        }
        Ok(found)
    }

    /// Fails unless it is proven that the snapshot has no such row: redb does not
    /// notice damage that leads a lookup astray.
    fn check_absence(&self, rows: Rows, fingerprint: &Fingerprint) -> Result<()> {
        let Some(pages) = &self.reader.pages else { return Ok(()) };
        let key = fingerprint.as_bytes();
        // Another process may put and delete the row again and again.
        for _ in 0..100 {
            let latest = pages.holds(rows.name(), key).map_err(|why| unproven(&self.path, why))?;
            if !latest || self.is_newer(rows, key)? {
                return Ok(());
            }
        }
        Err(Error::file(
            ErrorKind::Corrupt,
            &self.path,
            format_args!("the file is damaged: a lookup does not find what is there; {RESTORE}"),
        ))
    }

    /// Returns whether a fresh snapshot has a row that this one has not.
    fn is_newer(&self, rows: Rows, key: &[u8; 32]) -> Result<bool> {
        guarded(&self.path, || {
            let read = self.reader.begin_read().map_err(|cause| self.failure(cause))?;
            let table = match read.open_table(rows) {
                Ok(table) => table,
                Err(TableError::TableDoesNotExist(_)) => return Ok(false),
                Err(cause) => return Err(self.failure(cause)),
            };
            Ok(table.get(key).map_err(|cause| self.failure(cause))?.is_some())
        })
    }

    /// Opens a table on first use; `None` in a file that is being created.
    fn table<'s>(
        &'s self,
        cell: &'s OnceLock<Option<RowTable>>,
        rows: Rows,
    ) -> Result<Option<&'s RowTable>> {
        if cell.get().is_none() {
            let table = match self.read.open_table(rows) {
                Ok(table) => Some(table),
                Err(TableError::TableDoesNotExist(_)) => None,
                Err(cause) => return Err(self.failure(cause)),
            };
            // Another thread may have been first: its table is as good.
            let _ = cell.set(table);
        }
        Ok(cell.get().and_then(Option::as_ref))
    }

    fn failure(&self, cause: impl Into<redb::Error>) -> Error {
        let cause = cause.into();
        if matches!(cause, redb::Error::Io(_) | redb::Error::PreviousIo) {
            self.reader.fail();
        }
        failure(&self.path, "read the cache", cause)
    }
}

#[cfg(test)]
mod tests {
    use super::lock;
    use crate::{Cache, Meta, Mode, Options};

    #[test]
    fn a_snapshot_is_held_under_test_hooks_alone_and_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        Cache::open(&path, Options::default()).unwrap().put(b"1", b"x", Meta::default()).unwrap();
        let options = Options { path: Some(path), mode: Some(Mode::Replay), ..Options::default() };
        let held = |cache: &Cache| lock(&cache.shared().held).is_some();

        let by_hand = Cache::open_with(None, options.clone(), crate::Hooks::default()).unwrap();
        by_hand.get(b"1").unwrap().unwrap();
        assert!(!held(&by_hand));

        let hooked = Cache::for_tests(options).unwrap();
        hooked.get(b"1").unwrap().unwrap();
        assert!(held(&hooked));
        hooked.release();
        assert!(!held(&hooked));
    }
}
