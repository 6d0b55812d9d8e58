//! Makes a new cache file, whole or not at all.

use super::backend::{Patience, PatientBackend};
use super::open::builder;
use super::row::encode;
use super::schema::{
    FORMAT, FORMAT_VERSION, META, REQUESTS, RESPONSES, SKETCHES, Table, format_row,
};
use super::{failure, guarded};
use crate::error::{Error, ErrorKind, Result};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes the file at `path` if there is none, with the policy `identity`.
///
/// The file is written beside its place and linked there when it is complete,
/// so that a reader never meets half a file, and a creator that is killed
/// leaves none. Of several creators the first one wins.
///
/// # Errors
///
/// [`ErrorKind::ReadOnly`] if the folder cannot be written, [`ErrorKind::Io`].
pub(crate) fn create(path: &Path, identity: &[u8], patience: &Patience) -> Result<()> {
    let folder = folder(path);
    make_folder(&folder)?;
    let (draft, file) =
        Draft::create(&folder, path).map_err(|cause| cannot_create(path, &folder, cause))?;
    fill(path, file, identity, patience)?;
    match fs::hard_link(&draft.0, path) {
        Ok(()) => {}
        Err(cause) if cause.kind() == Io::AlreadyExists && path.exists() => {}
        Err(cause) if cause.kind() == Io::AlreadyExists => return Err(dangling(path)),
        // A file system without hard links: renaming replaces a file that another
        // process made in between, so ask once more just before.
        Err(_) if !path.exists() => {
            fs::rename(&draft.0, path).map_err(|cause| cannot_create(path, &folder, cause))?;
        }
        Err(_) => {}
    }
    sync_folder(&folder);
    Ok(())
}

/// The name under which a file is made; removed again in any case.
struct Draft(PathBuf);

impl Draft {
    fn create(folder: &Path, path: &Path) -> std::io::Result<(Self, File)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let mut name = std::ffi::OsString::from(".");
            name.push(path.file_name().unwrap_or_default());
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            name.push(format!(".{}-{count}.tmp", std::process::id()));
            let draft = folder.join(name);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&draft) {
                Ok(file) => return Ok((Self(draft), file)),
                // In containers process ids repeat: one that was killed may have left
                // a draft, or another one may be writing it.
                Err(cause) if cause.kind() == Io::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone already if it was renamed into place.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes an empty cache into `file`, which will stand at `path`.
fn fill(path: &Path, file: File, identity: &[u8], patience: &Patience) -> Result<()> {
    let cannot = |cause: redb::Error| failure(path, "create the cache", cause);
    guarded(path, || {
        let backend = PatientBackend::new(file, patience.clone()).map_err(|e| cannot(e.into()))?;
        let database = builder().create_with_backend(backend).map_err(|e| cannot(e.into()))?;
        let write = database.begin_write().map_err(|e| cannot(e.into()))?;
        {
            for rows in [REQUESTS, RESPONSES, META] {
                write.open_table(rows).map_err(|e| cannot(e.into()))?;
            }
            write.open_table(SKETCHES).map_err(|e| cannot(e.into()))?;
            let mut format = write.open_table(FORMAT).map_err(|e| cannot(e.into()))?;
            let version = FORMAT_VERSION.to_string();
            for (name, value) in [
                (format_row::VERSION, version.as_bytes()),
                (format_row::MIN_READER, version.as_bytes()),
                (format_row::MIN_WRITER, version.as_bytes()),
                (format_row::IDENTITY, identity),
                (format_row::WRITER, env!("CARGO_PKG_VERSION").as_bytes()),
            ] {
                let row = encode(Table::Format, name.as_bytes(), &[value]);
                format.insert(name, row.as_slice()).map_err(|e| cannot(e.into()))?;
            }
        }
        write.commit().map_err(|e| cannot(e.into()))?;
        database.close().map_err(|e| cannot(e.into()))
    })
}

fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|cause| cannot_create(folder, folder, cause))?;
    // The default folder is ours: what only serves a running test stays out of git.
    if folder.file_name().is_some_and(|name| name == ".f3dx-cache") {
        let ignored = "# Made by f3dx-cache: commit the .redb file, not what serves a run.\n*-claims\n*.tmp\n";
        fs::write(folder.join(".gitignore"), ignored)
            .map_err(|cause| Error::io(folder, "write .gitignore", cause))?;
    }
    Ok(())
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn dangling(path: &Path) -> Error {
    Error::file(
        ErrorKind::Io,
        path,
        "is a link to a file that does not exist; remove the link, or give the path of the file",
    )
}

fn cannot_create(path: &Path, folder: &Path, cause: std::io::Error) -> Error {
    let kind = match cause.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::ReadOnly,
        _ => ErrorKind::Io,
    };
    Error::file(
        kind,
        path,
        format_args!(
            "cannot create the cache in {}; choose another path (F3DX_CACHE_PATH), \
             or mode replay or off",
            folder.display()
        ),
    )
    .because(cause)
}

/// Makes the new name durable, where the platform can.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        // Some file systems refuse this; the file itself is durable.
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cache, Options};

    #[test]
    fn drafts_of_killed_creators_are_not_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("llm.redb");
        for count in 0..1000 {
            let name = format!(".llm.redb.{}-{count}.tmp", std::process::id());
            fs::write(folder.path().join(name), b"").unwrap();
        }
        Cache::open(&path, Options::default()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("llm.redb");
        std::os::unix::fs::symlink(folder.path().join("nowhere.redb"), &path).unwrap();
        let error = Cache::open(&path, Options::default()).err().unwrap();
        assert!(error.to_string().contains("is a link to a file that does not exist"), "{error}");
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_left_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.redb");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        let patience = Patience::of(std::time::Duration::from_secs(1));
        let database =
            builder().create_with_backend(PatientBackend::new(file, patience).unwrap()).unwrap();
        let write = database.begin_write().unwrap();
        let users = redb::TableDefinition::<u64, u64>::new("users");
        write.open_table(users).unwrap().insert(1, 2).unwrap();
        write.commit().unwrap();
        database.close().unwrap();
        let before = fs::read(&path).unwrap();
        for mode in [crate::Mode::Record, crate::Mode::Replay] {
            let options = Options { mode: Some(mode), ..Options::default() };
            let error = Cache::open(&path, options).err().unwrap();
            assert!(error.to_string().contains("another program"), "{error}");
        }
        assert!(fs::read(&path).unwrap() == before);
    }
}
