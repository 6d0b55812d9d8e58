//! A child that is forked in the midst of a deed holds what its parent had open.

use crate::aftermath::stop;
use crate::faults::{Act, Lasts};
use crate::steps::{Deed, Performance, Stage};
use f3dx_cache_core::{Cache, Error, ErrorKind, Meta, Mode, Options};
use f3dx_cache_tests::entries::{request, response};
use f3dx_cache_tests::torture::{Tally, rounds};
use f3dx_cache_tests::worker::Silence;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const DEEDS: [Deed; 3] = [Deed::Put, Deed::Compact, Deed::Repair];

#[test]
fn a_child_of_a_killed_recorder_is_waited_for_with_a_deadline() {
    let mut tally = Tally::of("kill -9 of a process whose forked child lives on");
    for deed in DEEDS {
        let stage = Stage::of(deed);
        for at in (1..=stage.steps).step_by(rounds(7, 1)) {
            let performance = stage.perform(at, Act::Orphan, Lasts::Once);
            assert_eq!(performance.answer, Err(Silence::Ended), "{deed:?} {at}");
            let child = Child::of(&performance);
            let path = performance.path();
            let put = in_time(&mut tally, records(&path));
            let error = put.expect_err("the child has the turn to write");
            assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
            let said = error.to_string();
            let way_out = "a killed recorder's child still running? `lock_timeout_ms` sets";
            assert!(said.contains(way_out), "{said}");
            match in_time(&mut tally, replays(&path)) {
                // A file that has to be repaired first cannot be read meanwhile.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
                Ok(got) => assert!(got, "{deed:?} {at}"),
            }
            drop(child);
            performance.aftermath(&mut tally);
        }
    }
    tally.finish();
}

#[test]
fn a_child_forked_during_a_deed_is_in_nobodys_way() {
    let mut tally = Tally::of("fork at each call to the disk, the child lives on");
    for deed in DEEDS {
        let stage = Stage::of(deed);
        for at in (1..=stage.steps).step_by(rounds(4, 1)) {
            let performance = stage.perform(at, Act::Fork, Lasts::Once);
            assert_eq!(performance.answer.as_deref(), Ok("ok"), "{deed:?} {at}");
            let child = Child::of(&performance);
            let path = performance.path();
            in_time(&mut tally, records(&path)).unwrap();
            assert!(in_time(&mut tally, replays(&path)).unwrap(), "{deed:?} {at}");
            drop(child);
            performance.aftermath(&mut tally);
        }
    }
    tally.finish();
}

/// Records an entry.
fn records(path: &Path) -> impl FnOnce() -> Result<(), Error> + Send + 'static {
    let path = path.to_path_buf();
    move || {
        let cache = impatient(&path, Mode::Record)?;
        cache.put(&request(700), &response(700), Meta::default()).map(drop)
    }
}

/// Looks up an entry that is recorded; whether it is right.
fn replays(path: &Path) -> impl FnOnce() -> Result<bool, Error> + Send + 'static {
    let path = path.to_path_buf();
    move || {
        let found = impatient(&path, Mode::Replay)?.get(&request(3))?;
        Ok(found.is_some_and(|found| found.body == response(3)))
    }
}

/// Opens a cache that waits 10 ms for its turn.
fn impatient(path: &Path, mode: Mode) -> Result<Cache, Error> {
    let lock_timeout_ms = Some(10);
    Cache::open(path, Options { mode: Some(mode), lock_timeout_ms, ..Options::default() })
}

/// Returns what `work` came to; if that takes a minute, the test ends.
fn in_time<T: Send + 'static>(tally: &mut Tally, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, done) = channel();
    thread::spawn(move || sender.send(work()));
    done.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| {
        tally.hung += 1;
        stop(tally)
    })
}

/// A forked child, which the test ends.
struct Child(u64);

impl Child {
    fn of(performance: &Performance) -> Self {
        let child = performance.faults.child();
        assert_ne!(child, 0, "no child was forked");
        Self(child)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let kill = Command::new("kill").arg("-9").arg(self.0.to_string()).status();
        assert!(kill.is_ok_and(|status| status.success()));
        // What it had open is closed when it is a zombie, or gone.
        let stat = format!("/proc/{}/stat", self.0);
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            thread::yield_now();
        }
    }
}
