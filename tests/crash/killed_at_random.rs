//! A recorder is killed at a random moment. CRASH_SEED repeats a run's moments.

use crate::aftermath::{goes_on, heard, replays, replays_in, worker};
use crate::read_only_folder::ReadOnlyFolder;
use f3dx_cache_tests::torture::{Tally, rounds};
use f3dx_cache_tests::worker::Worker;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// No recorder gets as far within a round.
const FAR: u64 = 100_000;

/// A new file is begun after so many rounds.
const ROUNDS_A_FILE: usize = 10;

#[test]
fn a_recorder_killed_at_random_loses_nothing_that_was_acknowledged() {
    let mut tally = Tally::of("kill -9 of a recorder alone; replay, also from a read-only folder");
    let mut moments = Moments::seeded();
    let read_only = ReadOnlyFolder::new();
    let mut folder = tempfile::tempdir().unwrap();
    let (mut recorded, mut acknowledged) = (0, 0);
    for round in 0..rounds(25, 500) {
        if round % ROUNDS_A_FILE == 0 {
            (folder, recorded) = (tempfile::tempdir().unwrap(), 0);
        }
        let path = folder.path().join("llm.redb");
        let begun = recorded > 0;
        let puts = killed(&path, recorded, moments.next());
        (recorded, acknowledged) = (recorded + puts, acknowledged + puts);
        if path.exists() {
            // As the kill left it: the first one to open the file must repair it.
            read_only.keeps(&path, |worker, copy| {
                replays_in(&mut tally, worker, copy, 0..recorded);
            });
            replays(&mut tally, &path, 0..recorded);
        } else {
            assert!(!begun, "the file is gone");
        }
        goes_on(&mut tally, &path, recorded..recorded + 2);
        recorded += 2;
        tally.count += 1;
    }
    tally.note = format!("seed {}, {acknowledged} puts acknowledged", moments.seed);
    tally.finish();
}

#[test]
fn a_recorder_killed_at_random_does_not_disturb_another_one() {
    let mut tally = Tally::of("kill -9 of a recorder beside another one that goes on");
    let mut moments = Moments::seeded();
    let mut folder = tempfile::tempdir().unwrap();
    let (mut recorded, mut others, mut acknowledged) = (0, FAR, 0);
    for round in 0..rounds(25, 500) {
        if round % ROUNDS_A_FILE == 0 {
            (folder, recorded, others) = (tempfile::tempdir().unwrap(), 0, FAR);
        }
        let path = folder.path().join("llm.redb");
        let mut survivor = Worker::start(&mut worker());
        assert_eq!(survivor.open("record", &path).as_deref(), Ok("ok"));
        survivor.tell(&format!("put {others} {}", others + 8));
        let puts = killed(&path, recorded, moments.next());
        (recorded, acknowledged) = (recorded + puts, acknowledged + puts);
        let mut put = 0;
        loop {
            match heard(&mut tally, survivor.answer()).as_str() {
                "ok" => break,
                line if line.starts_with("put ") => put += 1,
                error => panic!("the survivor met {error}"),
            }
        }
        assert_eq!(put, 8, "the survivor stopped");
        others += put;
        // It has not opened the file anew since the kill.
        let got = heard(&mut tally, survivor.ask(&format!("get {FAR} {others}")));
        assert_eq!(got, format!("got {} 0 0", others - FAR));
        replays(&mut tally, &path, 0..recorded);
        replays(&mut tally, &path, FAR..others);
        goes_on(&mut tally, &path, recorded..recorded + 2);
        recorded += 2;
        tally.count += 1;
    }
    tally.note = format!("seed {}, {acknowledged} puts acknowledged", moments.seed);
    tally.finish();
}

/// Kills a recorder after `moment`; returns how many entries it acknowledged.
fn killed(path: &Path, from: u64, moment: Duration) -> u64 {
    let mut recorder = Worker::start(&mut worker());
    recorder.tell(&format!("open record {}", path.display()));
    recorder.tell(&format!("put {from} {FAR}"));
    sleep(moment);
    let said = recorder.kill();
    let errors: Vec<_> = said.iter().filter(|line| line.starts_with("error")).collect();
    assert!(errors.is_empty(), "{errors:?}");
    said.iter().filter(|line| line.starts_with("put ")).count() as u64
}

/// Moments within the 60 ms in which a recorder starts, makes the file, and records.
struct Moments {
    seed: u64,
    state: u64,
}

impl Moments {
    fn seeded() -> Self {
        let given = std::env::var("CRASH_SEED").ok().map(|seed| seed.parse().unwrap());
        let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
        let seed = given.unwrap_or_else(now);
        eprintln!("CRASH_SEED={seed}");
        Self { seed, state: seed }
    }

    /// The next one: SplitMix64.
    fn next(&mut self) -> Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_micros((mixed ^ (mixed >> 31)) % 60_000)
    }
}
