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

/// The bytes in which writers queue up, one each: who waits moves up as soon as the
/// place before is free, and writes in the first. redb locks none of them, and whoever
/// merely polls for redb's own locks never gets one from writers in a tight loop.
const QUEUE: std::ops::Range<u64> = (1 << 62) - 64..(1 << 62) - 32;

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

    /// Makes a backend whose turn to write it is, after those who came before, until it
    /// is closed.
    ///
    /// Waits for as long as the others write: the timeout is for one that keeps its turn.
    pub fn in_turn(file: File, patience: Patience) -> Result<Self, redb::DatabaseError> {
        let watched = file.try_clone().map_err(redb::StorageError::from)?;
        let backend = Self::new(file, patience)?;
        backend.queue_up(&watched).map_err(redb::StorageError::from)?;
        Ok(backend)
    }

    fn queue_up(&self, file: &File) -> Result<(), BackendError> {
        let modified = || file.metadata().and_then(|meta| meta.modified()).ok();
        let (mut begun, mut seen) = (Instant::now(), modified());
        let mut behind = None;
        for place in QUEUE.rev() {
            let (start, end) = (Bound::Included(place), Bound::Included(place));
            // The next one's turn comes any moment; who is further behind leaves it the time.
            let pause = Duration::from_micros(if place == QUEUE.start { 500 } else { 4000 });
            let attempt = || self.file.try_lock_range(start, end);
            while let Err(why) = self.wait(begun, pause, attempt)? {
                let now = modified();
                if matches!(why, LockFailure::Interrupted) || now == seen {
                    return Err(give_up(why));
                }
                (begun, seen) = (Instant::now(), now);
            }
            if let Some((start, end)) = behind.replace((start, end)) {
                self.file.unlock_range(start, end)?;
            }
        }
        Ok(())
    }

    /// Asks again and again; the inner failure is why it stopped asking.
    fn wait(
        &self,
        begun: Instant,
        longest_pause: Duration,
        attempt: impl Fn() -> Result<bool, BackendError>,
    ) -> Result<Result<(), LockFailure>, BackendError> {
        let mut pause = Duration::from_micros(20);
        while !attempt()? {
            if (self.patience.interrupted)() {
                return Ok(Err(LockFailure::Interrupted));
            }
            if begun.elapsed() >= self.patience.timeout {
                return Ok(Err(LockFailure::Timeout(self.patience.timeout)));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest_pause);
        }
        Ok(Ok(()))
    }

    fn poll(&self, attempt: impl Fn() -> Result<bool, BackendError>) -> Result<(), BackendError> {
        self.wait(Instant::now(), Duration::from_millis(4), attempt)?.map_err(give_up)
    }
}

fn give_up(why: LockFailure) -> BackendError {
    BackendError::Io(io::Error::other(why))
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
        self.poll(|| self.file.try_lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.poll(|| self.file.try_lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    fn file(path: &Path) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).open(path).unwrap()
    }

    #[test]
    fn who_waits_gets_the_turn_before_a_writer_that_comes_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let queue_up = || {
            let patience = Patience::of(Duration::from_secs(60));
            PatientBackend::in_turn(file(&path), patience).unwrap()
        };
        let (sender, turns) = channel();
        let waiting = sender.clone();
        std::thread::scope(|scope| {
            let first = queue_up();
            scope.spawn(move || {
                let turn = queue_up();
                waiting.send("the one that waited").unwrap();
                turn.close().unwrap();
            });
            let next = Bound::Included(QUEUE.start + 1);
            let probe = FileBackend::new(file(&path)).unwrap();
            while !probe.query_lock_range(next, next).unwrap() {
                std::thread::yield_now();
            }
            first.close().unwrap();
            let again = queue_up();
            sender.send("the one that came again").unwrap();
            again.close().unwrap();
        });
        drop(sender);
        let turns: Vec<_> = turns.iter().collect();
        assert_eq!(turns, ["the one that waited", "the one that came again"]);
    }

    #[test]
    fn the_wait_goes_on_for_as_long_as_others_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let timeout = Duration::from_millis(20);
        let other = PatientBackend::in_turn(file(&path), Patience::of(timeout)).unwrap();
        let left = Mutex::new((other, 10));
        let writes = move || {
            let (other, left) = &mut *left.lock().unwrap();
            // The clock of a file system may stand still for a few milliseconds.
            std::thread::sleep(timeout / 2);
            *left -= 1;
            match *left {
                0 => other.close().unwrap(),
                _ => other.write(0, b"an entry").unwrap(),
            }
            false
        };
        let patience = Patience { timeout, interrupted: Arc::new(writes) };
        PatientBackend::in_turn(file(&path), patience).unwrap();
    }

    #[test]
    fn one_that_keeps_its_turn_and_writes_nothing_is_waited_for_with_a_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let patience = Patience::of(Duration::from_millis(20));
        let _other = PatientBackend::in_turn(file(&path), patience.clone()).unwrap();
        let error = PatientBackend::in_turn(file(&path), patience).unwrap_err();
        let redb::DatabaseError::Storage(redb::StorageError::Io(cause)) = error else {
            panic!("{error}")
        };
        assert!(matches!(lock_failure(&cause), Some(LockFailure::Timeout(_))));
    }
}
