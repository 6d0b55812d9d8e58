//! What must hold after a crash, found out by processes that have not seen it.

use f3dx_cache_core::verify;
use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::{Silence, Worker};
use std::ops::Range;
use std::path::Path;
use std::process::Command;

/// Returns the command that starts a worker.
pub fn worker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_worker"))
}

/// Returns what a worker answered; one that hung or ended ends the test.
pub fn heard(tally: &mut Tally, answer: Result<String, Silence>) -> String {
    match answer {
        Ok(line) => return line,
        Err(Silence::Hung) => tally.hung += 1,
        Err(Silence::Ended) => tally.crashed += 1,
    }
    stop(tally)
}

/// Ends a test in which something hung or crashed.
pub fn stop(tally: &mut Tally) -> ! {
    tally.count += 1;
    tally.clone().finish();
    panic!("{tally:?}");
}

/// Counts what a fresh process does not replay of `entries`, which are recorded, and
/// checks that the file is whole.
pub fn replays(tally: &mut Tally, path: &Path, entries: Range<u64>) {
    replays_in(tally, Worker::start(&mut worker()), path, entries);
    let found = verify(path).unwrap();
    assert!(found.is_intact(), "{tally:?}: {:?}", found.flaws);
}

/// As [`replays`], in a worker of the caller's.
pub fn replays_in(tally: &mut Tally, mut fresh: Worker, path: &Path, entries: Range<u64>) {
    let opened = heard(tally, fresh.open("replay", path));
    assert_eq!(opened, "ok", "{tally:?}");
    let get = format!("get {} {}", entries.start, entries.end);
    let got = heard(tally, fresh.ask(&get));
    let [hits, misses, wrong] = counts(&got);
    assert_eq!(hits + misses + wrong, entries.end - entries.start, "{got}");
    tally.lost += misses;
    tally.wrong += wrong;
}

/// Counts what is wrong of `entries`, which may have been recorded or not, and makes a
/// fresh process record those that were not.
pub fn goes_on(tally: &mut Tally, path: &Path, entries: Range<u64>) {
    let mut fresh = Worker::start(&mut worker());
    let opened = heard(tally, fresh.open("record", path));
    assert_eq!(opened, "ok", "{tally:?}");
    let get = format!("get {} {}", entries.start, entries.end);
    let got = heard(tally, fresh.ask(&get));
    tally.wrong += counts(&got)[2];
    let put = format!("put {} {}", entries.start, entries.end);
    let put = heard(tally, fresh.ask(&put));
    assert_eq!(put, "ok", "{tally:?}");
    replays(tally, path, entries);
}

fn counts(got: &str) -> [u64; 3] {
    let counts = got.strip_prefix("got ").map(|counts| counts.split(' ').map(str::parse::<u64>));
    let counts: Vec<u64> = counts.unwrap_or_else(|| panic!("{got}")).map(Result::unwrap).collect();
    counts.try_into().unwrap()
}
