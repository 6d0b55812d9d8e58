//! Many processes replay one file.

use crate::{Crew, Language, OPTIONS, place};
use f3dx_cache_tests::torture::{Tally, rounds};
use std::fs;

const ENTRIES: u64 = 200;

#[test]
fn two_processes_replay_and_leave_the_file_as_it_was() {
    replay(2);
}

#[test]
fn eight_processes_replay_and_leave_the_file_as_it_was() {
    replay(8);
}

#[test]
fn sixteen_processes_replay_and_leave_the_file_as_it_was() {
    replay(16);
}

fn replay(processes: usize) {
    let (folder, path) = place();
    let mut recorder = Language::Rust.start(OPTIONS);
    recorder.open("record", &path).unwrap();
    assert_eq!(recorder.ask(&format!("put 0 {ENTRIES}")).as_deref(), Ok("ok"));
    assert!(recorder.leave().success());
    let recorded = fs::read(&path).unwrap();

    let mut tally = Tally::of(format!("lookups, {processes} processes replay"));
    let mut crew = Crew::of(processes);
    // Half of them as suites do, whose hooks keep a snapshot between lookups.
    let how = |number: usize| if number.is_multiple_of(4) { "open" } else { "hook" };
    crew.all(|number| format!("{} replay {}", how(number), path.display()));
    for _ in 0..rounds(3, 50) {
        for said in crew.each(|_| format!("get 0 {ENTRIES}")) {
            let [hits, misses, wrong] = said.got().unwrap();
            tally.count += hits + misses + wrong;
            tally.lost += misses;
            tally.wrong += wrong;
        }
    }
    crew.all(|_| "close".into());
    crew.leave();
    assert!(fs::read(&path).unwrap() == recorded, "replaying changed the file");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files, [path], "replaying left something behind");
    tally.finish();
}
