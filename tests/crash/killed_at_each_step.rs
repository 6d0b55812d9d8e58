//! A process is killed at each call to the disk that a deed takes.

use crate::faults::{Act, Lasts};
use crate::steps::{Deed, Stage};
use f3dx_cache_tests::torture::{Tally, rounds};
use f3dx_cache_tests::worker::Silence;

#[test]
fn a_kill_while_the_file_is_created_leaves_the_next_one_to_create_it() {
    kill_at_each_step("kill at each call to the disk of a creation", Deed::Create);
}

#[test]
fn a_kill_during_a_put_loses_nothing_that_was_acknowledged() {
    kill_at_each_step("kill at each call to the disk of two puts", Deed::Put);
}

#[test]
fn a_kill_during_compaction_loses_nothing() {
    kill_at_each_step("kill at each call to the disk of a compaction", Deed::Compact);
}

#[test]
fn a_kill_during_recovery_loses_nothing() {
    kill_at_each_step("kill at each call to the disk of a recovery", Deed::Repair);
}

#[test]
fn a_kill_while_a_file_is_copied_leaves_it_as_it_is() {
    kill_at_each_step("kill at each call to the disk of `recover`", Deed::Recover);
}

fn kill_at_each_step(what: &str, deed: Deed) {
    let mut tally = Tally::of(what);
    let stage = Stage::of(deed);
    for at in 1..=stage.steps {
        for act in some_of(&[Act::Kill, Act::HalfKill], at) {
            let performance = stage.perform(at, act, Lasts::Once);
            assert_eq!(performance.answer, Err(Silence::Ended), "{deed:?} {at} {act:?}");
            performance.aftermath(&mut tally);
        }
    }
    tally.finish();
}

/// Returns all of `acts` under `make torture`, otherwise each in its turn.
pub fn some_of<T: Copy>(acts: &[T], at: u64) -> impl Iterator<Item = T> {
    let turn = usize::try_from(at).unwrap() % acts.len();
    acts.iter().copied().cycle().skip(turn).take(rounds(1, acts.len()))
}
