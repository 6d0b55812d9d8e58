//! What a process does with a file, step by step: each call to the disk may go wrong.

use crate::aftermath::{goes_on, heard, replays, worker};
use crate::faults::{Act, Faults, Lasts};
use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::{Silence, Worker};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Something that a process does with a cache file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Makes a new file.
    Create,
    /// Records three entries, for which the file grows.
    Put,
    /// Compacts the file.
    Compact,
    /// Opens a file of a killed writer for replay, which repairs it.
    Repair,
}

pub const DEEDS: [Deed; 4] = [Deed::Create, Deed::Put, Deed::Compact, Deed::Repair];

/// A file as a deed finds it, which can be had again and again.
pub struct Stage {
    deed: Deed,
    folder: TempDir,
    /// How many entries are recorded in it.
    pub recorded: u64,
    /// How many calls to the disk the deed takes.
    pub steps: u64,
    reads: bool,
}

/// What a deed came to under faults.
pub struct Performance {
    pub faults: Faults,
    pub worker: Worker,
    /// Its last answer.
    pub answer: Result<String, Silence>,
    /// How many entries are recorded as far as the worker said.
    pub acknowledged: u64,
    folder: TempDir,
}

impl Stage {
    /// Prepares a deed, and counts the calls that change a file.
    pub fn of(deed: Deed) -> Self {
        Self::counting(deed, false)
    }

    /// Prepares a deed, and counts the calls that change or read a file.
    pub fn with_reads(deed: Deed) -> Self {
        Self::counting(deed, true)
    }

    fn counting(deed: Deed, reads: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recorded = prepare(deed, folder.path());
        let mut stage = Self { deed, folder, recorded, steps: 0, reads };
        let healthy = stage.perform(0, Act::Half, Lasts::Once);
        assert_eq!(healthy.answer.as_deref(), Ok("ok"), "{deed:?}");
        stage.steps = healthy.faults.calls();
        assert!(stage.steps > 4, "{deed:?} takes only {} steps", stage.steps);
        if deed == Deed::Compact {
            let size = |path| fs::metadata(path).unwrap().len();
            let before = size(file(stage.folder.path()));
            assert!(size(healthy.path()) < before, "there was nothing to compact");
        }
        stage
    }

    /// Performs the deed on a copy of the file, with its `at`-th step going wrong.
    pub fn perform(&self, at: u64, act: Act, lasts: Lasts) -> Performance {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        if self.deed != Deed::Create {
            fs::copy(file(self.folder.path()), &path).unwrap();
        }
        let faults = Faults::under(folder.path());
        let mut worker = faults.in_worker();
        if matches!(self.deed, Deed::Put | Deed::Compact) {
            assert_eq!(worker.open("record", &path).as_deref(), Ok("ok"));
        }
        match self.reads {
            true => faults.order_with_reads(at, act, lasts),
            false => faults.order(at, act, lasts),
        }
        let mut acknowledged = self.recorded;
        worker.tell(&self.command(&path));
        let answer = loop {
            match worker.answer() {
                Ok(line) if line.starts_with("put ") => acknowledged += 1,
                answer => break answer,
            }
        };
        Performance { faults, worker, answer, acknowledged, folder }
    }

    /// Returns the command that makes a worker do the deed.
    fn command(&self, path: &Path) -> String {
        match self.deed {
            Deed::Create => format!("open record {}", path.display()),
            Deed::Put => format!("put {} {}", self.recorded, self.recorded + 3),
            Deed::Compact => "compact".into(),
            Deed::Repair => format!("open replay {}", path.display()),
        }
    }
}

impl Performance {
    pub fn path(&self) -> PathBuf {
        file(self.folder.path())
    }

    /// Makes the same process do the deed again, now that nothing goes wrong.
    pub fn again(&mut self, stage: &Stage) -> Result<String, Silence> {
        self.faults.lift();
        self.worker.ask(&stage.command(&file(self.folder.path())))
    }

    /// Ends the worker, and counts what fresh processes do not find, or cannot do.
    pub fn aftermath(self, tally: &mut Tally) {
        let path = self.path();
        drop(self.worker);
        if path.exists() {
            replays(tally, &path, 0..self.acknowledged);
        } else {
            tally.lost += self.acknowledged;
        }
        goes_on(tally, &path, self.acknowledged..self.acknowledged + 4);
        tally.count += 1;
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("llm.redb")
}

/// Makes the file that a deed finds; returns how many entries are recorded in it.
fn prepare(deed: Deed, folder: &Path) -> u64 {
    let recorded = match deed {
        Deed::Create => return 0,
        Deed::Put | Deed::Repair => 12,
        Deed::Compact => 60,
    };
    let path = file(folder);
    let mut first = Worker::start(&mut worker());
    assert_eq!(first.open("record", &path).as_deref(), Ok("ok"));
    assert_eq!(first.ask(&format!("put 0 {recorded}")).as_deref(), Ok("ok"));
    assert!(first.leave().success());
    if deed == Deed::Repair {
        // Its last call to the disk was to mark the file as closed properly.
        let faults = Faults::under(folder);
        let mut killed = faults.in_worker();
        assert_eq!(killed.open("record", &path).as_deref(), Ok("ok"));
        let put = format!("put {recorded} {}", recorded + 1);
        let mut tally = Tally::of("repair");
        faults.order(3, Act::Kill, Lasts::Once);
        assert_eq!(killed.ask(&put), Err(Silence::Ended));
        drop(killed);
        let _ = heard;
        let _ = &mut tally;
    }
    recorded
}
