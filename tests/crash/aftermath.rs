//! What must hold after a crash, found out by processes that have not seen it.

use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::{Silence, Worker};
use std::ops::Range;
use std::path::Path;
use std::process::Command;

/// Returns the command that starts a worker.
pub fn worker() -> Command {
    Command::new(env!("CARGO_BIN_EXE_worker"))
}

/// Returns what a worker answered; one that hung or ended counts.
pub fn heard(tally: &mut Tally, answer: Result<String, Silence>) -> Option<String> {
    match answer {
        Ok(line) => return Some(line),
        Err(Silence::Hung) => tally.hung += 1,
        Err(Silence::Ended) => tally.crashed += 1,
    }
    None
}

/// Counts what a fresh process does not replay of `entries`, which are recorded.
pub fn replays(tally: &mut Tally, path: &Path, entries: Range<u64>) {
    replays_in(tally, Worker::start(&mut worker()), path, entries);
}

/// As [`replays`], in a worker of the caller's.
pub fn replays_in(tally: &mut Tally, mut fresh: Worker, path: &Path, entries: Range<u64>) {
    let Some(opened) = heard(tally, fresh.open("replay", path)) else { return };
    assert_eq!(opened, "ok", "{tally:?}");
    let get = format!("get {} {}", entries.start, entries.end);
    let Some(got) = heard(tally, fresh.ask(&get)) else { return };
    let [hits, misses, wrong] = counts(&got);
    assert_eq!(hits + misses + wrong, entries.end - entries.start, "{got}");
    tally.lost += misses;
    tally.wrong += wrong;
}

/// Counts what is wrong of `entries`, which may have been recorded or not, and makes a
/// fresh process record those that were not.
pub fn goes_on(tally: &mut Tally, path: &Path, entries: Range<u64>) {
    let mut fresh = Worker::start(&mut worker());
    let Some(opened) = heard(tally, fresh.open("record", path)) else { return };
    assert_eq!(opened, "ok", "{tally:?}");
    let get = format!("get {} {}", entries.start, entries.end);
    let Some(got) = heard(tally, fresh.ask(&get)) else { return };
    tally.wrong += counts(&got)[2];
    let put = format!("put {} {}", entries.start, entries.end);
    let Some(put) = heard(tally, fresh.ask(&put)) else { return };
    assert_eq!(put, "ok", "{tally:?}");
    replays(tally, path, entries);
}

fn counts(got: &str) -> [u64; 3] {
    let counts = got.strip_prefix("got ").map(|counts| counts.split(' ').map(str::parse::<u64>));
    let counts: Vec<u64> = counts.unwrap_or_else(|| panic!("{got}")).map(Result::unwrap).collect();
    counts.try_into().unwrap()
}
