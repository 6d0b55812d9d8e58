//! What stands at the path and is no cache, or one of tomorrow.

use crate::subject;
use f3dx_cache_core::{Cache, Error, ErrorKind, Mode, Options, recover, verify};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Every way to use a file fails with this kind and these words, and leaves it as it is.
fn refused(path: &Path, kind: ErrorKind, says: &str) {
    let before = path.is_file().then(|| fs::read(path).unwrap());
    let open = |mode| {
        let options = Options { mode: Some(mode), ..Options::default() };
        Cache::open(path, options).map(drop)
    };
    let uses: [(&str, Result<(), Error>); 4] = [
        ("replay", open(Mode::Replay)),
        ("record", open(Mode::Record)),
        ("verify", verify(path).map(drop)),
        ("recover", recover(path, path.with_extension("new")).map(drop)),
    ];
    for (used, result) in uses {
        let error = result.expect_err(used);
        assert_eq!(error.kind(), kind, "{used}: {error}");
        assert!(error.to_string().contains(says), "{used}: {error}");
    }
    assert!(!path.with_extension("new").exists());
    assert!(before.is_none_or(|before| fs::read(path).unwrap() == before), "it was changed");
}

fn refused_file(content: &[u8], says: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    fs::write(&path, content).unwrap();
    refused(&path, ErrorKind::Corrupt, says);
}

#[test]
fn a_git_lfs_pointer_says_how_to_get_the_file() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    refused_file(pointer.as_bytes(), "git lfs pull");
}

#[test]
fn a_file_with_converted_line_ends_says_what_converted_it() {
    let mut converted = Vec::new();
    for byte in subject() {
        if byte == b'\n' && converted.last() != Some(&b'\r') {
            converted.push(b'\r');
        }
        converted.push(byte);
    }
    refused_file(&converted, "*.redb binary");
    // The other way about, as a checkout with autocrlf=input does it.
    let unix = String::from_utf8_lossy(&subject()[..64]).replace("\r\n", "\n").into_bytes();
    refused_file(&unix, "cache");
}

#[test]
fn an_empty_file_and_text_are_no_caches() {
    refused_file(b"", "is empty");
    refused_file(b"{\"this\": \"is JSON\"}\n", "is not a cache file");
}

#[test]
fn a_directory_and_a_fifo_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), ErrorKind::Io, "is a directory");
    let fifo = folder.path().join("fifo.redb");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    refused(&fifo, ErrorKind::Io, "no regular file");
}

#[test]
fn a_file_of_a_newer_format_says_to_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    fs::write(&path, subject()).unwrap();
    let mut builder = redb::Builder::new();
    builder.set_concurrency_mode(redb::ConcurrencyMode::MultiWriter);
    let database = builder.open(&path).unwrap();
    let write = database.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, &[u8]>::new("format");
    write.open_table(format).unwrap().insert("min_reader", &row("min_reader", b"2")[..]).unwrap();
    write.commit().unwrap();
    drop(database);
    refused(&path, ErrorKind::UnsupportedFormat, "upgrade f3dx-cache");
}

/// A row of the table `format`, as core/FORMAT.md has it.
fn row(name: &str, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let key = [b"format\0", name.as_bytes(), &length].concat();
    let checksum = blake3::keyed_hash(blake3::hash(&key).as_bytes(), content);
    [&[1], &checksum.as_bytes()[..16], content].concat()
}
