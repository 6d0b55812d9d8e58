//! Taking a lock without waiting for it.

use std::sync::{Mutex, MutexGuard, TryLockError};

/// Takes the lock of a memo, if nobody has it just now.
///
/// Never waits: in a forked child the lock may be held by a thread that is not there, and
/// to work something out is as good as to remember it. Whoever panicked with it must have
/// left what it guards whole.
pub(crate) fn try_lock<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
