//! Each call to the disk that a deed takes fails, as on a disk that is broken or full.

use crate::aftermath::heard;
use crate::faults::{Act, Errno, Lasts};
use crate::killed_at_each_step::some_of;
use crate::steps::{Deed, Performance, Stage};
use f3dx_cache_tests::torture::{Tally, rounds};
use std::fs;

/// How a disk fails.
const FAILURES: [(Act, Lasts); 5] = [
    (Act::Fail(Errno::Io), Lasts::FromThenOn),
    (Act::Fail(Errno::NoSpace), Lasts::Once),
    (Act::HalfFail(Errno::NoSpace), Lasts::FromThenOn),
    (Act::Fail(Errno::Io), Lasts::Once),
    (Act::HalfFail(Errno::Io), Lasts::Once),
];

#[test]
fn a_creation_on_a_failing_disk_is_an_error_and_can_be_repeated() {
    fail_at_each_step("EIO, ENOSPC at each call to the disk of a creation", Deed::Create);
}

#[test]
fn a_put_on_a_failing_disk_is_an_error_and_can_be_repeated() {
    fail_at_each_step("EIO, ENOSPC at each call to the disk of two puts", Deed::Put);
}

#[test]
fn a_compaction_on_a_failing_disk_is_an_error_and_can_be_repeated() {
    fail_at_each_step("EIO, ENOSPC at each call to the disk of a compaction", Deed::Compact);
}

#[test]
fn a_recovery_on_a_failing_disk_is_an_error_and_can_be_repeated() {
    fail_at_each_step("EIO, ENOSPC at each call to the disk of a recovery", Deed::Repair);
}

#[test]
fn a_disk_that_cannot_be_read_gives_an_error_when_a_file_is_repaired() {
    fail_at_each_read("EIO at each read and write of a recovery", Deed::Repair);
}

#[test]
fn a_disk_that_cannot_be_read_gives_an_error_when_a_file_is_opened() {
    fail_at_each_read("EIO at each read of an open", Deed::Open);
}

#[test]
fn a_disk_that_cannot_be_read_gives_an_error_and_no_miss_when_entries_are_looked_up() {
    fail_at_each_read("EIO at each read of 15 lookups", Deed::LookUp);
}

#[test]
fn a_disk_that_cannot_be_read_gives_an_error_when_entries_are_put() {
    fail_at_each_read("EIO at each read and write of two puts", Deed::Put);
}

#[test]
fn a_disk_that_cannot_be_read_gives_an_error_when_a_file_is_compacted() {
    fail_at_each_read("EIO at each read and write of a compaction", Deed::Compact);
}

#[test]
fn a_disk_that_cannot_be_read_is_no_flaw_of_a_file_that_is_verified() {
    fail_at_each_read("EIO at each read of a verification", Deed::Verify);
}

#[test]
fn a_disk_that_cannot_be_read_gives_an_error_when_a_file_is_copied() {
    fail_at_each_read("EIO at each read and write of `recover`", Deed::Recover);
}

#[test]
fn interrupted_and_short_writes_are_no_failure() {
    let mut tally = Tally::of("EINTR, short writes at each call to the disk");
    for deed in [Deed::Create, Deed::Put, Deed::Compact, Deed::Repair, Deed::Recover] {
        let stage = Stage::of(deed);
        let gentle = [
            (Act::Half, Lasts::FromThenOn),
            (Act::Fail(Errno::Interrupted), Lasts::Once),
            (Act::Half, Lasts::Once),
        ];
        for at in (1..=stage.steps).step_by(rounds(5, 1)) {
            for (act, lasts) in some_of(&gentle, at) {
                let performance = stage.perform(at, act, lasts);
                let answer = performance.answer.clone();
                assert_eq!(answer, Ok(stage.done()), "{deed:?} {at} {act:?}");
                performance.aftermath(&mut tally);
            }
        }
    }
    tally.finish();
}

fn fail_at_each_step(what: &str, deed: Deed) {
    let mut tally = Tally::of(what);
    let stage = Stage::of(deed);
    let mut told = 0;
    for at in 1..=stage.steps {
        for (act, lasts) in some_of(&FAILURES, at) {
            let performance = stage.perform(at, act, lasts);
            told += u64::from(fails_and_goes_on(&mut tally, &stage, performance));
        }
    }
    finish(tally, told);
}

/// As [`fail_at_each_step`], of the calls that read as well; a deed that changes nothing
/// in the file leaves it as it is.
fn fail_at_each_read(what: &str, deed: Deed) {
    let mut tally = Tally::of(what);
    let stage = Stage::with_reads(deed);
    let mut told = 0;
    for at in 1..=stage.steps {
        for lasts in some_of(&[Lasts::FromThenOn, Lasts::Once], at) {
            let performance = stage.perform(at, Act::Fail(Errno::Io), lasts);
            if !matches!(deed, Deed::Put | Deed::Compact | Deed::Repair) {
                assert!(fs::read(performance.path()).unwrap() == stage.content(), "it changed");
            }
            told += u64::from(fails_and_goes_on(&mut tally, &stage, performance));
        }
    }
    finish(tally, told);
}

/// The caller is told, or it is done all the same; the same process can go on, and so
/// can others. Returns whether the caller was told.
fn fails_and_goes_on(tally: &mut Tally, stage: &Stage, mut performance: Performance) -> bool {
    let answer = heard(tally, performance.answer.clone());
    let told = answer.starts_with("error io ");
    assert!(told || answer == stage.done(), "{answer}");
    let again = heard(tally, performance.again(stage));
    assert_eq!(again, stage.done(), "after {answer}");
    performance.aftermath(tally);
    told
}

/// Reports in how many cases the caller was told; in none would mean that none failed.
fn finish(mut tally: Tally, told: u64) {
    tally.note = format!("{told} told to the caller");
    tally.finish();
    assert!(told > 0, "nothing failed");
}
