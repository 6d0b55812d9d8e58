//! Opens a file: what it is, whether it needs repair, which format it has.

use super::backend::{Patience, PatientBackend};
use super::pages::Pages;
use super::row::decode;
use super::schema::{FORMAT, FORMAT_VERSION, Table, format_row};
use super::{failure, guarded, unproven};
use crate::error::{Error, ErrorKind, Result};
use redb::backends::InMemoryBackend;
use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction,
    ReadableDatabase, StorageBackend, StorageError, TableError, TransactionError,
};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as Io, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The page cache of a handle, bytes.
const PAGE_CACHE: usize = 64 << 20;

/// The first bytes of every redb file (redb's `docs/design.md`).
const MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";

/// What the `format` table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub version: u32,
    min_writer: u32,
    /// The identity policy, as JSON text.
    pub identity: String,
}

impl Header {
    /// Returns whether this library may write to the file.
    pub fn check_writable(&self, path: &Path) -> Result<()> {
        match self.min_writer <= FORMAT_VERSION {
            true => Ok(()),
            false => Err(newer(path, "writes", self.min_writer)),
        }
    }

    /// Fails if addresses found under the policy `identity` are not this file's.
    pub fn check_identity(&self, path: &Path, identity: &str) -> Result<()> {
        match self.identity == identity {
            true => Ok(()),
            false => Err(Error::file(
                ErrorKind::ConfigMismatch,
                path,
                format_args!(
                    "was replaced by a file of another identity policy ({}); open the cache again",
                    self.identity
                ),
            )),
        }
    }
}

/// A handle to read with, and what the file said when it was opened.
pub(super) struct Reader {
    handle: Handle,
    /// `None` while another process creates the file.
    pub header: Option<Header>,
    /// Device and inode of the file that is open.
    pub file: Option<FileId>,
    /// The file's pages, to prove what the handle takes on trust; a copy in memory
    /// was checked as a whole.
    pub pages: Option<Pages>,
    /// Set when reading failed: redb refuses every read after that.
    failed: AtomicBool,
}

enum Handle {
    File(ReadOnlyDatabase),
    /// A copy in memory, of a file that cannot be repaired or locked in place.
    Memory(Database),
}

/// What tells one file from another, however it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    pub fn of(meta: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self(meta.dev(), meta.ino()))
    }

    /// Other systems have no stable identity in std; the path serves instead.
    #[cfg(not(unix))]
    pub fn of(_: &fs::Metadata) -> Option<Self> {
        None
    }

    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().and_then(Self::of)
    }
}

impl Reader {
    /// Whether reading failed, so that the file must be opened anew.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Remembers that reading failed.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        match &self.handle {
            Handle::File(database) => database.begin_read(),
            Handle::Memory(database) => database.begin_read(),
        }
    }
}

/// Opens the file at `path` for reading; `None` if there is no file.
pub(super) fn reader(path: &Path, patience: &Patience) -> Result<Option<Reader>> {
    let Some(file) = cache_file(path)? else { return Ok(None) };
    guarded(path, || {
        let id = file.metadata().ok().as_ref().and_then(FileId::of);
        let handle = match read_only(file, patience) {
            Ok(database) => Handle::File(database),
            // A writer was killed. Opening once for writing repairs the file.
            Err(DatabaseError::RepairAborted) => match repair(path, patience) {
                Ok(()) => {
                    let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
                    let again = read_only(file, patience);
                    Handle::File(again.map_err(|e| failure(path, "open the cache", e))?)
                }
                Err(error) if error.kind() == ErrorKind::ReadOnly => in_memory(path)?,
                Err(error) => return Err(error),
            },
            // No byte-range locks here (some network file systems).
            Err(DatabaseError::Storage(StorageError::Unsupported)) => in_memory(path)?,
            Err(cause) => return Err(failure(path, "open the cache", cause)),
        };
        let pages = match handle {
            Handle::File(_) => Some(pages(path, id)?),
            Handle::Memory(_) => None,
        };
        let mut reader =
            Reader { handle, header: None, file: id, pages, failed: AtomicBool::new(false) };
        reader.header = header(path, &reader)?;
        Ok(Some(reader))
    })
}

/// Opens the pages of the file that was opened just now, and checks its header.
fn pages(path: &Path, id: Option<FileId>) -> Result<Pages> {
    let cannot = |cause| Error::io(path, "open", cause);
    let file = File::open(path).map_err(cannot)?;
    if id.is_some() && file.metadata().ok().as_ref().and_then(FileId::of) != id {
        let detail = "was replaced by another file just now; try again";
        return Err(Error::file(ErrorKind::Io, path, detail));
    }
    let pages = Pages::new(file).map_err(|cause| failure(path, "open the cache", cause))?;
    pages.check_head().map_err(|why| unproven(path, why))?;
    Ok(pages)
}

/// Opens the file at `path` for writing, repairing it if a writer was killed.
pub(super) fn writer(path: &Path, patience: &Patience) -> Result<Database> {
    let doing = "open the cache for writing";
    // Refuses what is no cache file before redb would make one of it.
    if cache_file(path)?.is_none() {
        return Err(Error::file(ErrorKind::Io, path, "the cache file has been removed"));
    }
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|cause| {
        let kind = match cause.kind() {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => ErrorKind::ReadOnly,
            _ => ErrorKind::Io,
        };
        Error::file(
            kind,
            path,
            format_args!("cannot {doing}; modes replay and read_only need no write access"),
        )
        .because(cause)
    })?;
    let backend =
        PatientBackend::in_turn(file, patience.clone()).map_err(|e| failure(path, doing, e))?;
    builder().create_with_backend(backend).map_err(|cause| failure(path, doing, cause))
}

/// The one way this crate configures redb: modes must never mix on a file.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::MultiWriter).set_cache_size(PAGE_CACHE);
    builder
}

fn read_only(file: File, patience: &Patience) -> Result<ReadOnlyDatabase, DatabaseError> {
    builder().open_read_only_with_backend(PatientBackend::new(file, patience.clone())?)
}

fn repair(path: &Path, patience: &Patience) -> Result<()> {
    writer(path, patience)?.close().map_err(|cause| failure(path, "repair the cache", cause))
}

/// Copies the file into memory and repairs the copy, every page checked.
fn in_memory(path: &Path) -> Result<Handle> {
    let bytes = fs::read(path).map_err(|cause| Error::io(path, "read", cause))?;
    let memory = InMemoryBackend::new();
    let copied = memory.set_len(bytes.len() as u64).and_then(|()| memory.write(0, &bytes));
    copied.map_err(|cause| Error::io(path, "copy into memory", cause))?;
    let mut builder = Builder::new();
    builder.set_cache_size(PAGE_CACHE).set_check_integrity_on_open(true);
    let database = builder
        .create_with_backend(memory)
        .map_err(|cause| failure(path, "repair a copy in memory of the cache", cause))?;
    Ok(Handle::Memory(database))
}

/// Opens a file that begins like a cache file; `None` if there is none.
pub(super) fn cache_file(path: &Path) -> Result<Option<File>> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(cause) if cause.kind() == Io::NotFound => return Ok(None),
        Err(cause) => return Err(Error::io(path, "look at the cache file", cause)),
    };
    // Opening a FIFO would block.
    if !meta.is_file() {
        let what = if meta.is_dir() { "a directory" } else { "no regular file" };
        return Err(Error::file(
            ErrorKind::Io,
            path,
            format_args!(
                "is {what}; give the path of a cache file, such as {}",
                path.join("cache.redb").display()
            ),
        ));
    }
    let mut file = File::open(path).map_err(|cause| Error::io(path, "open", cause))?;
    let mut start = Vec::with_capacity(64);
    (&mut file).take(64).read_to_end(&mut start).map_err(|cause| Error::io(path, "read", cause))?;
    match not_a_cache(&start) {
        None => Ok(Some(file)),
        Some(why) => Err(Error::file(ErrorKind::Corrupt, path, why)),
    }
}

/// Says what a file that does not begin like a cache file looks like.
fn not_a_cache(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(MAGIC) {
        return None;
    }
    Some(if start.is_empty() {
        "is empty (0 bytes), which no cache is; delete it, or restore it from version control"
    } else if start.starts_with(b"version https://git-lfs") {
        "is a Git LFS pointer, not the cache it points to; run `git lfs pull`"
    } else if start.starts_with(b"redb\x1A\x0D\x0A") || start.starts_with(b"redb\x1A\x0A\xA9\x0A") {
        "looks like a cache mangled by line-ending conversion; restore it, and add \
         `*.redb binary` to .gitattributes"
    } else {
        "is not a cache file; give another path, or delete it and record again"
    })
}

fn header(path: &Path, reader: &Reader) -> Result<Option<Header>> {
    let cannot = |cause: redb::Error| failure(path, "read the format of the cache", cause);
    let read = reader.begin_read().map_err(|e| cannot(e.into()))?;
    let table = match read.open_table(FORMAT) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => {
            let others = read.list_tables().map_err(|e| cannot(e.into()))?.next().is_some();
            return if others { Err(foreign(path)) } else { Ok(None) };
        }
        Err(cause) => return Err(cannot(cause.into())),
    };
    let text = |name: &str| -> Result<Option<String>> {
        let Some(row) = table.get(name).map_err(|e| cannot(e.into()))? else { return Ok(None) };
        let content = decode(path, Table::Format, name.as_bytes(), row.value())?;
        String::from_utf8(content.to_vec()).map(Some).map_err(|_| incomplete(path, name))
    };
    let number = |name: &str| -> Result<u32> {
        text(name)?.and_then(|digits| digits.parse().ok()).ok_or_else(|| incomplete(path, name))
    };
    let min_reader = number(format_row::MIN_READER)?;
    if min_reader > FORMAT_VERSION {
        return Err(newer(path, "reads", min_reader));
    }
    Ok(Some(Header {
        version: number(format_row::VERSION)?,
        min_writer: number(format_row::MIN_WRITER)?,
        identity: text(format_row::IDENTITY)?
            .ok_or_else(|| incomplete(path, format_row::IDENTITY))?,
    }))
}

fn foreign(path: &Path) -> Error {
    Error::file(
        ErrorKind::Corrupt,
        path,
        "is a redb file of another program, not a cache; give another path",
    )
}

fn newer(path: &Path, does: &str, needed: u32) -> Error {
    Error::file(
        ErrorKind::UnsupportedFormat,
        path,
        format_args!(
            "is of a format that takes version {needed}, this library {does} up to \
             {FORMAT_VERSION}; upgrade f3dx-cache"
        ),
    )
}

fn incomplete(path: &Path, name: &str) -> Error {
    Error::file(
        ErrorKind::Corrupt,
        path,
        format_args!(
            "the format table has no readable {name:?}; restore the file from version control"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::create;
    use super::*;
    use std::time::Duration;

    /// Returns a file as a writer leaves it that is killed while it is open, with one
    /// committed row.
    fn killed(folder: &Path) -> std::path::PathBuf {
        let patience = Patience::of(Duration::from_secs(1));
        let (path, copy) = (folder.join("live.redb"), folder.join("killed.redb"));
        create(&path, b"{}", &patience).unwrap();
        let open = writer(&path, &patience).unwrap();
        let write = open.begin_write().unwrap();
        write.open_table(super::super::schema::META).unwrap().insert(&[1; 32], &b"x"[..]).unwrap();
        write.commit().unwrap();
        fs::copy(&path, &copy).unwrap();
        copy
    }

    #[test]
    fn a_file_of_a_killed_writer_opens_for_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path());
        let patience = Patience::of(Duration::from_secs(1));
        let file = File::open(&path).unwrap();
        assert!(matches!(read_only(file, &patience), Err(DatabaseError::RepairAborted)));
        let reader = reader(&path, &patience).unwrap().unwrap();
        assert_eq!(reader.header.unwrap().version, FORMAT_VERSION);
    }

    #[test]
    fn a_file_that_cannot_be_repaired_in_place_is_repaired_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = killed(folder.path());
        let before = fs::read(&path).unwrap();
        let handle = in_memory(&path).unwrap();
        let failed = AtomicBool::new(false);
        let reader = Reader { handle, header: None, file: None, pages: None, failed };
        assert_eq!(header(&path, &reader).unwrap().unwrap().version, FORMAT_VERSION);
        assert!(fs::read(&path).unwrap() == before);
    }

    #[test]
    fn a_writer_that_keeps_its_turn_is_waited_for_with_a_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let patience = Patience::of(Duration::from_millis(50));
        create(&path, b"{}", &patience).unwrap();
        let holder = writer(&path, &patience).unwrap();
        let _turn = holder.begin_write().unwrap();
        let error = writer(&path, &patience)
            .and_then(|second| {
                second.begin_write().map(drop).map_err(|e| failure(&path, "write", e))
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(error.to_string().contains("lock_timeout_ms"), "{error}");
    }

    #[test]
    fn a_file_of_a_newer_format_is_refused_and_left_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.redb");
        let patience = Patience::of(Duration::from_secs(1));
        create(&path, b"{}", &patience).unwrap();
        let database = writer(&path, &patience).unwrap();
        let write = database.begin_write().unwrap();
        let name = format_row::MIN_READER;
        let row = super::super::row::encode(Table::Format, name.as_bytes(), &[b"2"]);
        write.open_table(FORMAT).unwrap().insert(name, row.as_slice()).unwrap();
        write.commit().unwrap();
        database.close().unwrap();
        let before = fs::read(&path).unwrap();
        let error = reader(&path, &patience).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
        assert!(error.to_string().contains("upgrade f3dx-cache"), "{error}");
        assert!(fs::read(&path).unwrap() == before);
    }

    #[test]
    fn a_directory_and_a_fifo_are_errors_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let patience = Patience::of(Duration::from_secs(1));
        assert_eq!(reader(folder.path(), &patience).err().unwrap().kind(), ErrorKind::Io);
        #[cfg(unix)]
        {
            let fifo = folder.path().join("fifo");
            let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
            assert!(made.success());
            assert_eq!(reader(&fifo, &patience).err().unwrap().kind(), ErrorKind::Io);
        }
    }
}
