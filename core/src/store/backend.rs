//! A file that waits for its locks with a deadline, and hands out no page that leads
//! out of it.

use super::pages::{Layout, leads_beyond};
use crate::error::{Error, ErrorKind};
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to wait for another process, and what may cut the wait short.
#[derive(Clone)]
pub(crate) struct Patience {
    /// The longest wait for one lock.
    pub timeout: Duration,
    /// Asked between two attempts; `true` gives up.
    pub interrupted: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Patience {
    /// Waits up to `timeout`, with no interruption.
    #[cfg(test)]
    pub fn of(timeout: Duration) -> Self {
        Self { timeout, interrupted: Arc::new(|| false) }
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patience({:?})", self.timeout)
    }
}

/// Why a lock was not had.
#[derive(Clone, Copy, Debug)]
pub(super) enum LockFailure {
    Timeout(Duration),
    Interrupted,
}

impl LockFailure {
    pub fn into_error(self, path: &Path, doing: &str) -> Error {
        let detail = match self {
            Self::Timeout(waited) => format!(
                "cannot {doing}: another process kept its turn to write for {} s; \
                 is one stopped, or a killed recorder's child still running? \
                 `lock_timeout_ms` sets how long to wait",
                waited.as_secs_f64()
            ),
            Self::Interrupted => format!("cannot {doing}: interrupted while waiting for a turn"),
        };
        Error::file(ErrorKind::Locked, path, detail)
    }
}

impl fmt::Display for LockFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(waited) => write!(f, "lock not free after {waited:?}"),
            Self::Interrupted => f.write_str("interrupted while waiting for a lock"),
        }
    }
}

impl std::error::Error for LockFailure {}

/// Finds the lock failure in an I/O error that went through redb.
pub(super) fn lock_failure(error: &io::Error) -> Option<LockFailure> {
    error.get_ref()?.downcast_ref::<LockFailure>().copied()
}

/// A [`FileBackend`] whose blocking locks poll, so that they have a deadline:
/// redb's own open blocks for as long as a writer lives, or a child of it.
///
/// It reads no page that leads out of the file: redb would make room for what it
/// leads to, up to 4 GiB, before it finds that nothing is there.
#[derive(Debug)]
pub(super) struct PatientBackend {
    file: FileBackend,
    patience: Patience,
    /// `None` while the file is made.
    layout: Option<Layout>,
}

impl PatientBackend {
    pub fn new(file: File, patience: Patience) -> Result<Self, redb::DatabaseError> {
        let file = FileBackend::new(file)?;
        let layout = Layout::of(&file);
        Ok(Self { file, patience, layout })
    }

    fn check(&self, page: &[u8]) -> io::Result<()> {
        let Some(layout) = &self.layout else { return Ok(()) };
        match leads_beyond(page, layout, || self.file.len())? {
            false => Ok(()),
            true => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a page of it leads out of the file",
            )),
        }
    }

    fn wait(&self, attempt: impl Fn() -> Result<bool, BackendError>) -> Result<(), BackendError> {
        let give_up = |why| BackendError::Io(io::Error::other(why));
        let begun = Instant::now();
        let mut pause = Duration::from_micros(20);
        while !attempt()? {
            if begun.elapsed() >= self.patience.timeout {
                return Err(give_up(LockFailure::Timeout(self.patience.timeout)));
            }
            if (self.patience.interrupted)() {
                return Err(give_up(LockFailure::Interrupted));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(4));
        }
        Ok(())
    }
}

impl StorageBackend for PatientBackend {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)?;
        self.check(out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.wait(|| self.file.try_lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.wait(|| self.file.try_lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
