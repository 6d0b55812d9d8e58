//! Damaged files: the right bytes or an error of a documented kind; never wrong
//! bytes, a silent loss, a crash or a hang.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod examine;
mod kind;
mod strange;

use examine::Examiner;
use f3dx_cache_core::{Cache, Meta, Mode, Options};
use f3dx_cache_tests::entries::{request, response};
use f3dx_cache_tests::torture::rounds;
use kind::{Damage, PAGE, Random, used_pages};

/// Returns a file with the entries 0 to `count`, as a few runs left it: some were
/// recorded again, some deleted.
fn recorded(count: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("llm.redb");
    let options = Options { mode: Some(Mode::Record), ..Options::default() };
    let cache = Cache::open(&path, options).unwrap();
    for n in 0..count {
        cache.put(&request(n), &response(n), Meta::default()).unwrap();
        if n % 7 == 0 {
            let other = request(1_000_000 + n);
            cache.put(&other, &response(n), Meta::default()).unwrap();
            cache.delete(&cache.fingerprint(&other).unwrap()).unwrap();
        }
    }
    cache.close().unwrap();
    std::fs::read(path).unwrap()
}

/// The subject most tests use: deep enough for pages that lead to pages.
fn subject() -> Vec<u8> {
    recorded(ENTRIES)
}

const ENTRIES: u64 = 120;

#[test]
fn flipped_bits() {
    let whole = subject();
    let pages = used_pages(&whole);
    let mut examiner = Examiner::of("damage: one bit flipped", whole, ENTRIES);
    let mut random = Random(1);
    for _ in 0..rounds(60, 1000) {
        let page = pages[random.below(pages.len())];
        examiner.examine(Damage::FlippedBit(page * PAGE * 8 + random.below(PAGE * 8)));
    }
    examiner.finish();
}

#[test]
fn flipped_bits_of_the_header() {
    let mut examiner = Examiner::of("damage: each bit of the file's header", subject(), ENTRIES);
    for bit in (0..320 * 8).step_by(rounds(37, 1)) {
        examiner.examine(Damage::FlippedBit(bit));
    }
    examiner.finish();
}

#[test]
fn zeroed_pages() {
    let whole = subject();
    let pages = used_pages(&whole);
    let mut examiner = Examiner::of("damage: a page of zeros", whole, ENTRIES);
    for page in pages.iter().step_by(rounds(9, 1)) {
        examiner.examine(Damage::ZeroedPage(*page));
    }
    examiner.finish();
}

#[test]
fn garbage() {
    let whole = subject();
    let pages = used_pages(&whole);
    let mut examiner = Examiner::of("damage: 64 bytes of garbage", whole, ENTRIES);
    let mut random = Random(2);
    for seed in 0..rounds(40, 1000) as u64 {
        // Where a page begins stands what tells its structure.
        let within = if seed % 2 == 0 { random.below(64) } else { random.below(PAGE - 64) };
        let at = pages[random.below(pages.len())] * PAGE + within;
        examiner.examine(Damage::Garbage { at, seed });
    }
    examiner.finish();
}

#[test]
fn truncated_files() {
    let whole = subject();
    let length = whole.len();
    let mut examiner = Examiner::of("damage: cut at a page", whole, ENTRIES);
    for at in (PAGE..length).step_by(PAGE * rounds(9, 1)) {
        examiner.examine(Damage::Truncated(at));
    }
    examiner.examine(Damage::Truncated(length - 1));
    examiner.finish();
}

#[test]
fn swapped_and_copied_pages() {
    let whole = subject();
    let pages = used_pages(&whole);
    let mut examiner = Examiner::of("damage: pages swapped, or one over another", whole, ENTRIES);
    let mut random = Random(3);
    for round in 0..rounds(40, 1000) {
        let one = pages[random.below(pages.len())];
        let other = pages[random.below(pages.len())];
        examiner.examine(match round % 2 {
            0 => Damage::SwappedPages(one, other),
            _ => Damage::CopiedPage { from: one, to: other },
        });
    }
    examiner.finish();
}

#[test]
fn longer_files() {
    let mut examiner = Examiner::of("damage: bytes appended", subject(), ENTRIES);
    for length in [1, 64, PAGE, 3 * PAGE, 100 * PAGE] {
        examiner.examine(Damage::Appended(length));
    }
    examiner.finish();
}
