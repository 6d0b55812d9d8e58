//! The power is cut at each call to the disk that a deed takes: what was not synced is
//! lost, or is there in part and in any order.

use crate::faults::{Act, Lasts};
use crate::killed_at_each_step::some_of;
use crate::steps::{Deed, Stage};
use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::Silence;

/// Which of the unsynced changes are left: none, every other one, the first, all but
/// the first, a few.
const LEFT: [u64; 6] = [0, 0x5555_5555_5555_5555, !0x5555_5555_5555_5555, 1, !1, 0x36];

#[test]
fn a_power_cut_while_the_file_is_created_leaves_the_next_one_to_create_it() {
    cut_at_each_step("power cut at each call to the disk of a creation", Deed::Create);
}

#[test]
fn a_power_cut_during_a_put_loses_nothing_that_was_acknowledged() {
    cut_at_each_step("power cut at each call to the disk of two puts", Deed::Put);
}

#[test]
fn a_power_cut_during_compaction_loses_nothing() {
    cut_at_each_step("power cut at each call to the disk of a compaction", Deed::Compact);
}

#[test]
fn a_power_cut_during_recovery_loses_nothing() {
    cut_at_each_step("power cut at each call to the disk of a recovery", Deed::Repair);
}

fn cut_at_each_step(what: &str, deed: Deed) {
    let mut tally = Tally::of(what);
    let stage = Stage::of(deed);
    for at in 1..=stage.steps {
        for left in some_of(&LEFT, at) {
            let performance = stage.perform(at, Act::PowerCut(left), Lasts::Once);
            assert_eq!(performance.answer, Err(Silence::Ended), "{deed:?} {at} {left:x}");
            performance.aftermath(&mut tally);
        }
    }
    tally.finish();
}
