//! Crashes: processes that are killed, disks that are full or broken. What was
//! acknowledged is there and right afterwards, and others go on without help.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod aftermath;
mod faults;
mod steps;

#[test]
fn look() {
    use faults::*;
    use steps::*;
    for deed in DEEDS {
        let begun = std::time::Instant::now();
        let stage = Stage::of(deed);
        eprintln!("{deed:?} {} steps, {:?}", stage.steps, begun.elapsed());
        for at in 1..=stage.steps {
            let p = stage.perform(at, Act::Fail(Errno::Io), Lasts::FromThenOn);
            eprintln!("{at} {:?} {}", p.answer, p.acknowledged);
        }
        eprintln!("{deed:?} {:?}", begun.elapsed());
        let stage = Stage::with_reads(deed);
        eprintln!("{deed:?} {} steps with reads", stage.steps);
    }
}
