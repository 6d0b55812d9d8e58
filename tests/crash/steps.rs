//! What a process does with a file, step by step: each call to the disk may go wrong.

use crate::aftermath::{goes_on, replays};
use crate::faults::{Act, Faults, Lasts};
use f3dx_cache_core::{Cache, Meta, Mode, Options};
use f3dx_cache_tests::entries::{request, response};
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
    /// Records two entries.
    Put,
    /// Compacts the file.
    Compact,
    /// Opens a file of a killed writer for replay, which repairs it.
    Repair,
    /// Opens a file for replay.
    Open,
    /// Looks up all that is recorded, and [`ABSENT`] entries that are not.
    LookUp,
    /// Verifies a file.
    Verify,
    /// Copies what is intact in a file, which is all of it, into a new one.
    Recover,
}

/// How many entries [`Deed::Put`] records.
const PUTS: u64 = 2;

/// How many entries that are not there [`Deed::LookUp`] looks up.
const ABSENT: u64 = 3;

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
        let folder = in_memory();
        let recorded = prepare(deed, folder.path());
        let mut stage = Self { deed, folder, recorded, steps: 0, reads };
        let healthy = stage.perform(0, Act::Half, Lasts::Once);
        assert_eq!(healthy.answer.as_deref(), Ok(stage.done().as_str()), "{deed:?}");
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
        let folder = in_memory();
        let path = file(folder.path());
        if self.deed != Deed::Create {
            fs::copy(file(self.folder.path()), &path).unwrap();
        }
        let faults = Faults::under(folder.path());
        let mut worker = faults.in_worker();
        let mode = match self.deed {
            Deed::Put | Deed::Compact => Some("record"),
            Deed::LookUp => Some("replay"),
            Deed::Create | Deed::Repair | Deed::Open | Deed::Verify | Deed::Recover => None,
        };
        if let Some(mode) = mode {
            assert_eq!(worker.open(mode, &path).as_deref(), Ok("ok"));
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
            Deed::Put => format!("put {} {}", self.recorded, self.recorded + PUTS),
            Deed::Compact => "compact".into(),
            Deed::Repair | Deed::Open => format!("open replay {}", path.display()),
            Deed::LookUp => format!("get 0 {}", self.recorded + ABSENT),
            Deed::Verify => format!("verify {}", path.display()),
            Deed::Recover => format!("recover {} {}", path.display(), copy(path).display()),
        }
    }

    /// Returns what a worker answers when the deed is done.
    pub fn done(&self) -> String {
        match self.deed {
            Deed::LookUp => format!("got {} {ABSENT} 0", self.recorded),
            Deed::Verify => format!("verified {0} {0} 0", self.recorded),
            Deed::Recover => format!("recovered {} 0 0", self.recorded),
            _ => "ok".into(),
        }
    }

    /// Returns the file's content as the deed finds it.
    pub fn content(&self) -> Vec<u8> {
        fs::read(file(self.folder.path())).unwrap()
    }
}

impl Performance {
    pub fn path(&self) -> PathBuf {
        file(self.folder.path())
    }

    /// Makes the same process do the deed again, now that nothing goes wrong.
    pub fn again(&mut self, stage: &Stage) -> Result<String, Silence> {
        self.faults.lift();
        if copy(&self.path()).exists() {
            // What could not be finished is in the way of another try.
            fs::remove_file(copy(&self.path())).unwrap();
        }
        let answer = self.worker.ask(&stage.command(&self.path()));
        if stage.deed == Deed::Put && answer.as_deref() == Ok("ok") {
            self.acknowledged = stage.recorded + PUTS;
        }
        answer
    }

    /// Ends the worker, and counts what fresh processes do not find, or cannot do.
    pub fn aftermath(self, tally: &mut Tally) {
        let path = self.path();
        drop(self.worker);
        // One that a killed process could not finish is no whole copy.
        if self.answer.is_ok() && copy(&path).exists() {
            replays(tally, &copy(&path), 0..self.acknowledged);
        }
        if path.exists() {
            replays(tally, &path, 0..self.acknowledged);
        } else {
            tally.lost += self.acknowledged;
        }
        goes_on(tally, &path, self.acknowledged..self.acknowledged + 4);
        tally.count += 1;
    }
}

/// Makes a folder in memory where there is one: thousands of deeds would wait for a
/// disk, which decides nothing here.
fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn file(folder: &Path) -> PathBuf {
    folder.join("llm.redb")
}

/// Returns where [`Deed::Recover`] copies a file to.
fn copy(path: &Path) -> PathBuf {
    path.with_extension("copy")
}

/// Makes the file that a deed finds; returns how many entries are recorded in it.
fn prepare(deed: Deed, folder: &Path) -> u64 {
    const RECORDED: u64 = 12;
    if deed == Deed::Create {
        return 0;
    }
    let path = file(folder);
    let options = Options { mode: Some(Mode::Record), ..Options::default() };
    let cache = Cache::open(&path, options).unwrap();
    let put = |n| cache.put(&request(n), &response(n), Meta::default()).unwrap();
    // What compaction gives back lies before what it keeps, and so everything moves.
    let replaced: Vec<_> = match deed {
        Deed::Compact => (1000..1060).map(put).collect(),
        _ => Vec::new(),
    };
    for n in 0..RECORDED {
        put(n);
    }
    for put in replaced {
        assert!(cache.delete(&put.fingerprint).unwrap());
    }
    cache.close().unwrap();
    if deed == Deed::Repair {
        let faults = Faults::under(folder);
        let mut killed = faults.in_worker();
        assert_eq!(killed.open("record", &path).as_deref(), Ok("ok"));
        faults.order(10, Act::Kill, Lasts::Once);
        let put = format!("put {RECORDED} {}", RECORDED + 1);
        assert_eq!(killed.ask(&put), Err(Silence::Ended));
    }
    RECORDED
}
