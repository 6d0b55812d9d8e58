//! One handle per file in a process, shared by every `Cache` and thread.

use super::backend::Patience;
use super::fork::PerProcess;
use super::open::{FileId, Header, Reader, reader};
use super::read::{Held, Snapshot};
use super::write::Job;
use crate::claim::Claims;
use crate::error::Result;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// What the handles of one file in one process have in common.
pub(crate) struct Shared {
    pub(super) path: PathBuf,
    reader: Mutex<Option<Arc<Reader>>>,
    /// A snapshot kept from one lookup to the next; see [`Shared::held`].
    pub(super) held: Mutex<Option<Held>>,
    /// Puts that wait for the thread that writes.
    pub(super) queue: Mutex<Vec<Arc<Job>>>,
    pub(super) writing: Mutex<()>,
    /// Which fingerprints this process is calling the model for.
    pub(crate) claims: Claims,
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    File(FileId),
    Path(PathBuf),
}

type Registry = Mutex<HashMap<Key, Weak<Shared>>>;

/// Returns what this process shares about the file at `path`.
pub(crate) fn shared(path: &Path) -> Arc<Shared> {
    static REGISTRY: OnceLock<PerProcess<Registry>> = OnceLock::new();
    let registry = REGISTRY.get_or_init(|| PerProcess::new(Registry::default()));
    let mut files = lock(registry.get_or_make(Registry::default));
    files.retain(|_, shared| shared.strong_count() > 0);
    let file = FileId::at(path);
    let key = file.map_or_else(|| Key::Path(path.to_path_buf()), Key::File);
    // A file that was renamed since is another one's: what is shared goes by its path.
    let stands = |shared: &Arc<Shared>| shared.path == path || FileId::at(&shared.path) == file;
    if let Some(shared) = files.get(&key).and_then(Weak::upgrade).filter(stands) {
        return shared;
    }
    let shared = Arc::new(Shared {
        path: path.to_path_buf(),
        reader: Mutex::new(None),
        held: Mutex::new(None),
        queue: Mutex::new(Vec::new()),
        writing: Mutex::new(()),
        claims: Claims::beside(path),
    });
    files.insert(key, Arc::downgrade(&shared));
    shared
}

impl Shared {
    /// Returns what the file's format table says; `None` if there is no file,
    /// or none that is complete.
    pub fn header(&self, patience: &Patience) -> Result<Option<Header>> {
        Ok(self.reader(patience)?.and_then(|reader| reader.header.clone()))
    }

    /// Begins a fresh read; `None` if there is no file.
    pub fn snapshot(&self, patience: &Patience) -> Result<Option<Snapshot>> {
        match self.reader(patience)? {
            Some(reader) => Snapshot::begin(&self.path, &reader).map(Some),
            None => Ok(None),
        }
    }

    /// Returns the handle to read with, opened on first use.
    pub(super) fn reader(&self, patience: &Patience) -> Result<Option<Arc<Reader>>> {
        let mut open = lock(&self.reader);
        let usable = |reader: &Reader| reader.header.is_some() && !reader.has_failed();
        if !open.as_deref().is_some_and(usable) {
            *open = reader(&self.path, patience)?.map(Arc::new);
        }
        Ok(open.clone())
    }

    /// Forgets the handle if another file stands at the path by now.
    pub(super) fn forget_replaced(&self) {
        let replaced = |reader: &mut Arc<Reader>| reader.file != FileId::at(&self.path);
        // Not both locks at once: a lookup takes them in the other order.
        let forgotten = lock(&self.reader).take_if(replaced);
        if forgotten.is_some() {
            self.release();
        }
    }
}

/// Locks a mutex whose holder may have panicked: every value behind these is
/// replaced whole, so it is consistent all the same.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
