//! The file: the only module that names redb.
//!
//! A [`Shared`] reads and writes entries of one file that other processes read
//! and write at the same time. `core/FORMAT.md` describes the bytes,
//! `ARCHITECTURE.md` the protocol between processes.

mod backend;
mod compact;
mod create;
mod fork;
mod inventory;
mod open;
mod pages;
mod read;
mod row;
mod schema;
mod shared;
mod write;

pub(crate) use backend::Patience;
pub(crate) use create::create;
pub(crate) use fork::PerProcess;
pub(crate) use inventory::{Inventory, Part};
pub(crate) use read::Snapshot;
pub use row::Response;
#[cfg(feature = "fuzzing")]
pub(crate) use row::{decode, decode_response, encode, encode_response};
pub use schema::FORMAT_VERSION;
#[cfg(feature = "fuzzing")]
pub use schema::Table;
pub(crate) use shared::{Shared, shared};
pub(crate) use write::{Change, NewEntry, Outcome};

use crate::error::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs `work`, which calls redb, and turns a panic into [`ErrorKind::Corrupt`].
///
/// redb trusts the file's structure and panics where damage breaks it.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let detail = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no detail");
        Err(Error::file(
            ErrorKind::Corrupt,
            path,
            format_args!("the file's structure is damaged ({detail}); {RESTORE}"),
        ))
    })
}

/// The way out of damage.
const RESTORE: &str = "restore it from version control, save what is intact with `recover`, \
                       or delete it and record again";

/// Turns what a look at the pages of the file at `path` came to into an error.
fn unproven(path: &Path, why: pages::Unproven) -> Error {
    match why {
        pages::Unproven::Damaged(damage) => Error::file(
            ErrorKind::Corrupt,
            path,
            format_args!("the file is damaged: {damage}; {RESTORE}"),
        ),
        pages::Unproven::Io(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => {
            let detail = format_args!("the file is damaged: it is cut short; {RESTORE}");
            Error::file(ErrorKind::Corrupt, path, detail)
        }
        pages::Unproven::Io(cause) => Error::io(path, "read the cache", cause),
    }
}

/// Turns a redb error about `path` into one of ours.
fn failure(path: &Path, doing: &str, cause: impl Into<redb::Error>) -> Error {
    use redb::Error as Redb;
    let cause = cause.into();
    let kind = match &cause {
        Redb::Io(io) => match backend::lock_failure(io) {
            Some(lock) => return lock.into_error(path, doing),
            None => match io.kind() {
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData => {
                    ErrorKind::Corrupt
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::ReadOnly
                }
                _ => ErrorKind::Io,
            },
        },
        Redb::Corrupted(_)
        | Redb::LockPoisoned(_)
        | Redb::TableTypeMismatch { .. }
        | Redb::TableIsMultimap(_)
        | Redb::TypeDefinitionChanged { .. } => ErrorKind::Corrupt,
        Redb::UpgradeRequired(_) => ErrorKind::UnsupportedFormat,
        Redb::DatabaseAlreadyOpen | Redb::LockProtocolMismatch => ErrorKind::Locked,
        Redb::ValueTooLarge(_) => ErrorKind::InvalidArgument,
        _ => ErrorKind::Io,
    };
    if kind == ErrorKind::Corrupt {
        let detail = format_args!("cannot {doing}: the file is damaged ({cause}); {RESTORE}");
        return Error::file(kind, path, detail);
    }
    Error::file(kind, path, format_args!("cannot {doing}")).because(cause)
}
