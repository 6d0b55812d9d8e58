//! A disk that is really full: a small tmpfs where one can be mounted, and a limit on
//! the size of files, which can be set anywhere.

use crate::aftermath::{goes_on, heard, replays, worker};
use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::Worker;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// More than fits.
const MANY: u64 = 1000;

#[test]
fn a_full_disk_is_an_error_and_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    // The mount is the worker's alone, and ends with it.
    let script = "mount -t tmpfs -o size=1m tmpfs \"$0\" && head -c 512K /dev/zero > \"$0/other\" \
                  && exec \"$@\"";
    if Command::new("unshare").arg("--version").output().is_err() {
        return eprintln!("unshare is not installed: only the limit on files was tried");
    }
    let mut program = Command::new("unshare");
    program.args(["--map-root-user", "--mount", "sh", "-c", script]);
    program.arg(folder.path()).arg(env!("CARGO_BIN_EXE_worker"));
    let mut recorder = Worker::start(&mut program);
    let path = folder.path().join("llm.redb");
    let Ok(opened) = recorder.open("record", &path) else {
        return eprintln!("no tmpfs can be mounted here: only the limit on files was tried");
    };
    assert_eq!(opened, "ok");
    // As processes outside of its mounts see it.
    let seen = PathBuf::from(format!("/proc/{}/root{}", recorder.pid(), path.display()));
    let mut tally = Tally::of("ENOSPC on a tmpfs of 1 MiB");
    let recorded = fills(&mut tally, &mut recorder, "No space left on device");
    replays(&mut tally, &seen, 0..recorded);
    // The recorder itself still answers, and can go on when there is room again.
    let get = heard(&mut tally, recorder.ask(&format!("get 0 {recorded}")));
    assert_eq!(get, format!("got {recorded} 0 0"));
    fs::remove_file(seen.with_file_name("other")).unwrap();
    let put = format!("put {recorded} {}", recorded + 10);
    assert_eq!(heard(&mut tally, recorder.ask(&put)), "ok");
    goes_on(&mut tally, &seen, recorded..recorded + 20);
    tally.finish();
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    let mut program = Command::new("sh");
    // Without the trap the signal would end the process, as any that writes.
    program.args(["-c", "trap '' XFSZ && ulimit -f 1024 && exec \"$0\""]);
    program.arg(env!("CARGO_BIN_EXE_worker"));
    let mut recorder = Worker::start(&mut program);
    assert_eq!(recorder.open("record", &path).as_deref(), Ok("ok"));
    let mut tally = Tally::of("EFBIG at a limit on the size of files");
    let recorded = fills(&mut tally, &mut recorder, "File too large");
    let get = heard(&mut tally, recorder.ask(&format!("get 0 {recorded}")));
    assert_eq!(get, format!("got {recorded} 0 0"));
    drop(recorder);
    replays(&mut tally, &path, 0..recorded);
    goes_on(&mut tally, &path, recorded..recorded + 20);
    tally.finish();
}

#[test]
fn a_full_disk_lets_no_file_be_created_and_leaves_nothing_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    let mut program = Command::new("sh");
    program.args(["-c", "trap '' XFSZ && ulimit -f 8 && exec \"$0\""]);
    program.arg(env!("CARGO_BIN_EXE_worker"));
    let opened = Worker::start(&mut program).open("record", &path);
    let says = format!("error io {}: cannot create the cache: ", path.display());
    assert!(opened.as_ref().is_ok_and(|said| said.starts_with(&says)), "{opened:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a draft is left");
    assert_eq!(Worker::start(&mut worker()).open("record", &path).as_deref(), Ok("ok"));
}

/// Records until there is no room; returns how many entries were acknowledged.
fn fills(tally: &mut Tally, recorder: &mut Worker, cause: &str) -> u64 {
    recorder.tell(&format!("put 0 {MANY}"));
    let mut recorded = 0;
    loop {
        let line = heard(tally, recorder.answer());
        if !line.starts_with("put ") {
            assert!(line.starts_with("error io ") && line.contains(cause), "{line}");
            break;
        }
        recorded += 1;
    }
    assert!((1..MANY).contains(&recorded), "{recorded} fitted");
    tally.count += 1;
    tally.note = format!("after {recorded} puts");
    recorded
}
