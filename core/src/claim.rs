//! Single flight: of those that miss on one request, one calls the model.

use crate::cache::Cache;
use crate::error::Result;
use crate::fingerprint::Fingerprint;
use crate::store::Shared;
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who asks for a claim: a thread or a task, as the caller numbers them.
pub type Holder = u64;

/// The claims of this process on the fingerprints of one file.
///
/// Within the process a map says who calls; between processes a byte-range
/// lock in `<file>-claims`, which the kernel releases if the holder dies.
pub(crate) struct Claims {
    sidecar: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: HashMap<Fingerprint, Asking>,
    locks: Locks,
}

/// A task and the thread that it runs on, as the caller numbers both; a thread that asks
/// for itself is both.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub holder: Holder,
    pub thread: Holder,
}

/// The open sidecar.
#[derive(Default)]
enum Locks {
    #[default]
    Unopened,
    Open(FileBackend),
    /// The folder or the file system allows none: claims hold within the process.
    Unsupported,
}

/// What asking for a claim came to.
pub(crate) enum Attempt {
    /// The caller calls the model, and drops the claim when it has recorded.
    Held(Claim),
    /// Another one does; ask again later.
    Busy,
    /// The asking thread or task holds another claim, or a task that the asking thread
    /// would keep from running holds one: waiting could deadlock.
    Nested,
}

/// What [`Cache::claim`](crate::Cache::claim) came to.
pub enum Claimed {
    /// Call the model, record its response, then drop the claim. `None` where there
    /// is nothing to claim: the mode does not record, or the holder holds another one.
    Call(Option<Claim>),
    /// Nobody need call: the response is recorded.
    Recorded,
    /// Another one calls: ask again, or call without a claim.
    Wait,
}

/// The right to call the model for one fingerprint; dropping it frees the next.
pub struct Claim {
    claims: Arc<dyn AsClaims>,
    fingerprint: Fingerprint,
    pid: u32,
}

/// What owns [`Claims`]; a claim keeps it alive.
pub(crate) trait AsClaims: Send + Sync {
    fn claims(&self) -> &Claims;
}

impl Claims {
    /// Makes the claims that stand beside the cache file at `path`.
    pub fn beside(path: &Path) -> Self {
        let mut sidecar = path.as_os_str().to_owned();
        sidecar.push("-claims");
        Self { sidecar: sidecar.into(), state: Mutex::default() }
    }

    fn lock_byte(&self, state: &mut State, fingerprint: &Fingerprint) -> bool {
        if matches!(state.locks, Locks::Unopened) {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.sidecar);
            state.locks = match file.map(FileBackend::new) {
                Ok(Ok(file)) => Locks::Open(file),
                _ => Locks::Unsupported,
            };
        }
        let Locks::Open(file) = &state.locks else { return true };
        let (start, end) = byte_of(fingerprint);
        match file.try_lock_range(start, end) {
            Ok(free) => free,
            Err(_) => {
                state.locks = Locks::Unsupported;
                true
            }
        }
    }

    fn release(&self, fingerprint: &Fingerprint) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.remove(fingerprint);
        if let Locks::Open(file) = &state.locks {
            let (start, end) = byte_of(fingerprint);
            // A lock that cannot be released ends with the process.
            let _ = file.unlock_range(start, end);
        }
    }
}

/// Asks for the claim on `fingerprint`, without waiting.
pub(crate) fn attempt<C: AsClaims + 'static>(
    owner: &Arc<C>,
    fingerprint: &Fingerprint,
    asking: Asking,
) -> Attempt {
    let claims = owner.claims();
    let mut state = claims.state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.held.values().any(|held| held.holder == asking.holder) {
        return Attempt::Nested;
    }
    if state.held.contains_key(fingerprint) || !claims.lock_byte(&mut state, fingerprint) {
        return match state.held.values().any(|held| held.thread == asking.holder) {
            true => Attempt::Nested,
            false => Attempt::Busy,
        };
    }
    state.held.insert(*fingerprint, asking);
    Attempt::Held(Claim {
        claims: Arc::clone(owner) as Arc<dyn AsClaims>,
        fingerprint: *fingerprint,
        pid: std::process::id(),
    })
}

impl From<Holder> for Asking {
    fn from(thread: Holder) -> Self {
        Self { holder: thread, thread }
    }
}

impl AsClaims for Shared {
    fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl Cache {
    /// Asks for the right to call the model for a fingerprint that missed, for at
    /// most `patience`: single flight. Modes that do not record claim nothing.
    ///
    /// # Errors
    ///
    /// As [`Cache::get_at`].
    pub fn claim(
        &self,
        fingerprint: &Fingerprint,
        holder: Holder,
        patience: Duration,
    ) -> Result<Claimed> {
        if !self.open.settings.mode.records() {
            return Ok(Claimed::Call(None));
        }
        let since = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let attempt = attempt(self.shared(), fingerprint, holder.into());
            // Whoever holds it, or held it before, may have recorded the response.
            if self.lookup(fingerprint)?.is_some() {
                return Ok(Claimed::Recorded);
            }
            match attempt {
                Attempt::Held(claim) => return Ok(Claimed::Call(Some(claim))),
                Attempt::Nested => {
                    self.session.without_claim();
                    return Ok(Claimed::Call(None));
                }
                Attempt::Busy if since.elapsed() >= patience => return Ok(Claimed::Wait),
                Attempt::Busy => {
                    std::thread::sleep(pause.min(patience.saturating_sub(since.elapsed())));
                    pause = (2 * pause).min(Duration::from_millis(25));
                }
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A child that inherited the claim shares the parent's lock: releasing
        // it would free the parent's claim.
        if self.pid == std::process::id() {
            self.claims.claims().release(&self.fingerprint);
        }
    }
}

/// The byte that stands for a fingerprint: its first 62 bits, since offsets of
/// files are signed. Two that share one only wait for each other.
fn byte_of(fingerprint: &Fingerprint) -> (Bound<u64>, Bound<u64>) {
    let mut start = [0; 8];
    start.copy_from_slice(&fingerprint.as_bytes()[..8]);
    let offset = u64::from_be_bytes(start) >> 2;
    (Bound::Included(offset), Bound::Excluded(offset + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Owner(Claims);

    impl AsClaims for Owner {
        fn claims(&self) -> &Claims {
            &self.0
        }
    }

    fn two_processes() -> (tempfile::TempDir, Arc<Owner>, Arc<Owner>) {
        // Two sidecar handles conflict like those of two processes: the locks
        // belong to the open file, not to the process.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let open = || Arc::new(Owner(Claims::beside(&path)));
        let (one, other) = (open(), open());
        (folder, one, other)
    }

    const ONE: Fingerprint = Fingerprint::from_bytes([1; 32]);
    const TWO: Fingerprint = Fingerprint::from_bytes([2; 32]);

    #[test]
    fn one_of_two_processes_holds_a_claim_until_it_drops_it() {
        let (_folder, one, other) = two_processes();
        let Attempt::Held(claim) = attempt(&one, &ONE, 1.into()) else {
            panic!("the first asks alone")
        };
        assert!(matches!(attempt(&other, &ONE, 2.into()), Attempt::Busy));
        assert!(matches!(attempt(&other, &TWO, 2.into()), Attempt::Held(_)));
        drop(claim);
        assert!(matches!(attempt(&other, &ONE, 2.into()), Attempt::Held(_)));
    }

    #[test]
    fn one_of_two_threads_holds_a_claim() {
        let (_folder, one, _) = two_processes();
        let _claim = attempt(&one, &ONE, 1.into());
        assert!(matches!(attempt(&one, &ONE, 2.into()), Attempt::Busy));
    }

    #[test]
    fn a_holder_of_one_claim_is_not_made_to_wait_for_another() {
        let (_folder, one, _) = two_processes();
        let _claim = attempt(&one, &ONE, 1.into());
        assert!(matches!(attempt(&one, &TWO, 1.into()), Attempt::Nested));
    }

    #[test]
    fn a_thread_is_not_made_to_wait_for_a_task_that_runs_on_it() {
        let (_folder, one, other) = two_processes();
        let (task, second) = (Asking { holder: 7, thread: 1 }, Asking { holder: 8, thread: 1 });
        let _claim = attempt(&one, &ONE, task);
        let _elsewhere = attempt(&other, &TWO, 3.into());
        assert!(matches!(attempt(&one, &ONE, 1.into()), Attempt::Nested));
        assert!(matches!(attempt(&one, &TWO, 1.into()), Attempt::Nested));
        assert!(matches!(attempt(&one, &ONE, 2.into()), Attempt::Busy));
        assert!(matches!(attempt(&one, &ONE, second), Attempt::Busy));
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_claims_within_the_process() {
        let nowhere = Arc::new(Owner(Claims::beside(Path::new("/nonexistent/cache.redb"))));
        let _claim = attempt(&nowhere, &ONE, 1.into());
        assert!(matches!(attempt(&nowhere, &ONE, 2.into()), Attempt::Busy));
    }
}
