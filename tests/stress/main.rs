//! Sixteen threads open, get, put, delete, walk and close caches all the time, on one
//! file and on several: what was acknowledged is there at the end, and right.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use f3dx_cache_core::{Cache, Fingerprint, Meta, Mode, Options, fingerprint};
use f3dx_cache_tests::entries::{request, response};
use f3dx_cache_tests::torture::{Tally, rounds};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

const THREADS: u64 = 16;

/// Entries of one thread have numbers from a range of its own.
const RANGE: u64 = 1_000_000;

/// What every thread begins with, so that walks and lookups meet something.
const SHARED: u64 = 8;

/// What a thread knows about its entries: by file and number, whether it is recorded.
type Known = BTreeMap<(usize, u64), bool>;

#[test]
fn sixteen_threads_lose_nothing_on_one_file() {
    stress("16 threads, one file", 1, rounds(6, 120));
}

#[test]
fn sixteen_threads_lose_nothing_on_several_files() {
    stress("16 threads, five files", 5, rounds(6, 120));
}

fn stress(what: &str, files: usize, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> =
        (0..files).map(|n| folder.path().join(format!("cache {n}.redb"))).collect();
    for file in &files {
        let cache = open(file, Mode::Record);
        (0..SHARED).for_each(|n| put(&cache, n));
    }
    let start = Barrier::new(THREADS as usize);
    let known: Vec<Known> = thread::scope(|scope| {
        let (files, start) = (&files, &start);
        let workers: Vec<_> = (1..=THREADS)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    work(number, files, rounds)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut tally = Tally::of(what);
    let caches: Vec<Cache> = files.iter().map(|file| open(file, Mode::Replay)).collect();
    for ((file, n), recorded) in known.into_iter().flatten() {
        tally.count += 1;
        match (caches[file].get(&request(n)).unwrap(), recorded) {
            (Some(found), true) if found.body == response(n) => {}
            (None, false) => {}
            (None, true) => tally.lost += 1,
            (Some(_), _) => tally.wrong += 1,
        }
    }
    tally.finish();
}

/// Opens, uses and closes a cache `rounds` times; returns what it recorded and deleted.
fn work(number: u64, files: &[PathBuf], rounds: usize) -> Known {
    let mut known = Known::new();
    let mut next = number * RANGE;
    let mut open_before = None;
    for round in 0..rounds {
        let file = (number as usize + round) % files.len();
        let cache = open(&files[file], Mode::Record);
        for _ in 0..3 {
            put(&cache, next);
            known.insert((file, next), true);
            next += 1;
        }
        let mine = next - 2;
        assert_eq!(cache.get(&request(mine)).unwrap().unwrap().body, response(mine));
        assert!(cache.delete(&address(mine)).unwrap(), "entry {mine} was recorded");
        known.insert((file, mine), false);
        assert!(!cache.contains_at(&address(mine)).unwrap());
        // Another thread's: there or not, but never other bytes.
        let theirs = (number % THREADS + 1) * RANGE + round as u64;
        if let Some(found) = cache.get(&request(theirs)).unwrap() {
            assert_eq!(found.body, response(theirs));
        }
        walk(&cache);
        match round % 4 {
            // Closed while another handle of this thread is on the file, or has been left.
            0 => cache.close().unwrap(),
            1 => open_before = Some(cache),
            2 => drop(open_before.take()),
            _ => {
                let replaying = open(&files[file], Mode::Replay);
                drop(cache);
                assert_eq!(replaying.get(&request(0)).unwrap().unwrap().body, response(0));
            }
        }
    }
    known
}

/// Walks over the entries: in order, each with its request, and the shared ones among them.
fn walk(cache: &Cache) {
    let mut last = None;
    let mut shared = 0;
    for entry in cache.entries().unwrap() {
        let entry = entry.unwrap();
        assert!(last < Some(entry.fingerprint), "a walk goes forward");
        last = Some(entry.fingerprint);
        shared += u64::from((0..SHARED).any(|n| address(n) == entry.fingerprint));
    }
    assert_eq!(shared, SHARED, "what stood there all the time is met once");
}

fn put(cache: &Cache, n: u64) {
    let put = cache.put(&request(n), &response(n), Meta::default()).unwrap();
    assert_eq!(put.fingerprint, address(n));
}

fn address(n: u64) -> Fingerprint {
    fingerprint(&request(n)).unwrap()
}

fn open(path: &Path, mode: Mode) -> Cache {
    let options =
        Options { mode: Some(mode), lock_timeout_ms: Some(120_000), ..Options::default() };
    Cache::open(path, options).unwrap()
}
