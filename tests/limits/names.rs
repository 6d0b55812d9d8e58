//! Cache files of odd names, in odd places.

use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Decision, End, ErrorKind, Meta, Mode, Options, Turn};
use f3dx_cache_tests::worker::Worker;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// Records by hand and over HTTP, and replays both through another handle.
fn works(path: &Path) {
    let url = "https://api.openai.com/v1/chat/completions";
    let call = HttpCall { method: "POST", url, headers: &[], body: b"{}" };
    let cache = Cache::open(path, Options::default()).unwrap();
    cache.put(b"1", b"one", Meta::default()).unwrap();
    let Decision::Send(mut exchange) = cache.intercept(&call).unwrap() else { panic!() };
    assert!(matches!(exchange.claim(1).unwrap(), Turn::Send));
    exchange.head(200, &[("content-type", "application/json")]);
    exchange.chunk(b"{\"output\":1}");
    assert!(exchange.finish(End::Eof).unwrap());
    cache.compact().unwrap();
    cache.close().unwrap();

    let options = Options { mode: Some(Mode::Replay), ..Options::default() };
    let cache = Cache::open(path, options).unwrap();
    assert_eq!(cache.get(b"1").unwrap().unwrap().body, b"one");
    assert!(matches!(cache.intercept(&call).unwrap(), Decision::Replay(_)));
    assert!(cache.explain(b"2").unwrap().nearest.is_some());
    assert!(path.is_file());
}

#[test]
fn a_file_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        &b"with space.redb"[..],
        b" .redb ",
        "z\u{16f}\u{17c}a 東京 🔑.redb".as_bytes(),
        b"line\nfeed\ttab.redb",
        b"quotes '\" `$x`.redb",
        b"-rf",
        b"no extension",
        b".hidden",
        b"a.redb-claims.redb",
        b"100%25 [*?] {x} \\ #;&|<>.redb",
        // Latin-1, which is not UTF-8.
        b"caf\xe9.redb",
    ] {
        works(&folder.path().join(OsStr::from_bytes(name)));
    }
    let drafts = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    let drafts: Vec<_> =
        drafts.filter(|file| file.file_name().as_bytes().ends_with(b".tmp")).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[test]
fn a_name_may_be_as_long_as_a_draft_of_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    works(&folder.path().join("x".repeat(225)));
    // Deep down: longer than any one name.
    let deep = (0..12).fold(folder.path().to_owned(), |path, _| path.join("y".repeat(200)));
    works(&deep.join("cache.redb"));
    for length in [250, 300] {
        let path = folder.path().join("x".repeat(length));
        let error = Cache::open(path, Options::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("File name too long"), "{error}");
    }
}

#[test]
fn links_and_dots_lead_to_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    works(&real.join("cache.redb"));
    symlink(&real, folder.path().join("folder")).unwrap();
    symlink("real/cache.redb", folder.path().join("file")).unwrap();
    for other in ["folder/cache.redb", "file", "real/../real/./cache.redb", "real//cache.redb"] {
        let other = folder.path().join(other);
        let cache = Cache::open(&other, Options::default()).unwrap();
        assert_eq!(cache.get(b"1").unwrap().unwrap().body, b"one", "{}", other.display());
        cache.put(b"3", b"three", Meta::default()).unwrap();
    }
    assert!(fs::symlink_metadata(folder.path().join("file")).unwrap().is_symlink());
    let cache = Cache::open(real.join("cache.redb"), Options::default()).unwrap();
    assert_eq!(cache.stats().unwrap().entries, 3);
}

#[test]
fn a_relative_path_stays_the_file_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    let mut worker = worker(&folder.path().join("below"));
    assert_eq!(worker.open("record", Path::new("../up.redb")).unwrap(), "ok");
    assert_eq!(worker.ask("put 0 3").unwrap(), "ok");
    assert!(folder.path().join("up.redb").is_file());
}

#[test]
fn a_deleted_working_directory_is_a_clear_error_and_what_is_open_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    fs::create_dir(&gone).unwrap();
    let mut worker = worker(&gone);
    let path = folder.path().join("cache.redb");
    assert_eq!(worker.open("record", &path).unwrap(), "ok");
    fs::remove_dir(&gone).unwrap();
    assert_eq!(worker.ask("put 0 3").unwrap(), "ok");
    assert_eq!(worker.ask("get 0 3").unwrap(), "got 3 0 0");
    for path in [Path::new("cache.redb"), &path] {
        let said = worker.open("record", path).unwrap();
        assert!(said.starts_with("error io cannot find the working directory;"), "{said}");
    }
}

fn worker(folder: &Path) -> Worker {
    Worker::start(Command::new(env!("CARGO_BIN_EXE_worker")).current_dir(folder))
}
