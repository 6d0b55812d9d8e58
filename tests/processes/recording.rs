//! Many processes record into a file that is not there yet.

use crate::{Crew, Language, OPTIONS, place};
use f3dx_cache_tests::torture::{Tally, rounds};
use f3dx_cache_tests::worker::Silence;
use std::collections::BTreeSet;
use std::path::Path;

/// How many entries everybody records, each of them the same.
const COMMON: u64 = 10;

#[test]
fn two_processes_record_and_lose_nothing() {
    record(2);
}

#[test]
fn eight_processes_record_and_lose_nothing() {
    record(8);
}

#[test]
fn sixteen_processes_record_and_lose_nothing() {
    record(16);
}

fn record(processes: usize) {
    let (_folder, path) = place();
    let each = rounds(20, 300) as u64;
    let total = COMMON + each * processes as u64;
    let mut tally = Tally::of(format!("puts and lookups, half and half, {processes} processes"));
    let mut acknowledged = BTreeSet::new();
    let mut failures = Vec::new();

    let mut crew = Crew::of(processes);
    // All of them at once: one creates the file.
    crew.all(|_| format!("open record {}", path.display()));
    let own = |number: usize| COMMON + each * number as u64;
    let common = crew.each(|_| format!("mix 0 {COMMON}"));
    let own = crew.each(|number| format!("mix {} {}", own(number), own(number) + each));
    for said in common.into_iter().chain(own) {
        tally.count += said.puts.len() as u64;
        acknowledged.extend(&said.puts);
        match (said.got(), said.last) {
            (Ok(got), _) => count(&mut tally, got),
            (Err(_), Err(Silence::Ended)) => tally.crashed += 1,
            (Err(_), Err(Silence::Hung)) => tally.hung += 1,
            (Err(line), Ok(_)) => failures.push(line),
        }
    }
    // What one has put, everybody sees at once.
    if acknowledged.iter().copied().eq(0..total) {
        for said in crew.each(|_| format!("get 0 {total}")) {
            count(&mut tally, said.got().unwrap());
        }
    }
    crew.all(|_| "close".into());
    crew.leave();
    for language in Language::ALL {
        count(&mut tally, replayed(language, &path, &acknowledged));
    }
    tally.note = failures.join("; ");
    tally.finish();
    assert_eq!(failures, [""; 0], "an error reached a caller");
    assert!(acknowledged.into_iter().eq(0..total), "a put was not acknowledged");
}

/// Gets each acknowledged entry in a process of its own.
fn replayed(language: Language, path: &Path, acknowledged: &BTreeSet<u64>) -> [u64; 3] {
    let mut worker = language.start(OPTIONS);
    assert_eq!(worker.open("replay", path).as_deref(), Ok("ok"));
    let mut sum = [0; 3];
    for n in acknowledged {
        worker.tell(&format!("get {n} {}", n + 1));
        let got = crate::Said::by(&worker).got().unwrap();
        sum = std::array::from_fn(|of| sum[of] + got[of]);
    }
    sum
}

fn count(tally: &mut Tally, [hits, misses, wrong]: [u64; 3]) {
    tally.count += hits + misses + wrong;
    tally.lost += misses;
    tally.wrong += wrong;
}
