//! Calls to the disk that go wrong on order, in a worker with fail_io.c preloaded.

use f3dx_cache_tests::repository;
use f3dx_cache_tests::worker::Worker;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// What becomes of a call to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It fails with this errno, and nothing is done.
    Fail(Errno),
    /// A write does half of it, and says so.
    Half,
    /// A write does half of it, and fails.
    HalfFail(Errno),
    /// The process is killed just before it.
    Kill,
    /// The process is killed when half of a write is done.
    HalfKill,
    /// A child is forked that lives on; the process goes on.
    Fork,
    /// A child is forked that lives on; the process is killed.
    Orphan,
    /// The process is killed, and of what was not synced only those changes are left
    /// whose bit is set, the oldest first.
    PowerCut(u64),
}

/// An error of the system, by its number on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Errno {
    Interrupted = 4,
    Io = 5,
    NoSpace = 28,
}

/// When it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    Once,
    /// Every later call goes wrong as well, as on a disk that stays full.
    FromThenOn,
}

/// The orders to the workers that were started [`Faults::in_worker`].
pub struct Faults {
    orders: File,
    path: PathBuf,
    under: PathBuf,
    _folder: TempDir,
}

impl Faults {
    /// Makes orders about files below `under`: none as yet.
    pub fn under(under: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders");
        let orders = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let orders = orders.unwrap();
        orders.set_len(4096).unwrap();
        Self { orders, path, under: under.canonicalize().unwrap(), _folder: folder }
    }

    /// Starts a worker that heeds the orders.
    pub fn in_worker(&self) -> Worker {
        let mut program = Command::new(env!("CARGO_BIN_EXE_worker"));
        program.env("LD_PRELOAD", shim());
        program.env("FAIL_IO", &self.path).env("FAIL_IO_UNDER", &self.under);
        Worker::start(&mut program)
    }

    /// Makes the `at`-th call from now on that changes a file go wrong.
    pub fn order(&self, at: u64, act: Act, lasts: Lasts) {
        self.order_calls(at, act, lasts, false);
    }

    /// As [`Faults::order`], where calls that read count as well.
    pub fn order_with_reads(&self, at: u64, act: Act, lasts: Lasts) {
        self.order_calls(at, act, lasts, true);
    }

    /// Lets every call pass from now on, and counts anew.
    pub fn lift(&self) {
        self.order(0, Act::Half, Lasts::Once);
    }

    /// Returns how many calls there were since the last order.
    pub fn calls(&self) -> u64 {
        self.slot(0)
    }

    /// Returns the process id of the child that was forked.
    pub fn child(&self) -> u64 {
        self.slot(6)
    }

    fn order_calls(&self, at: u64, act: Act, lasts: Lasts, reads: bool) {
        let (number, errno) = match act {
            Act::Fail(errno) => (1, errno as u64),
            Act::Half => (2, 0),
            Act::HalfFail(errno) => (3, errno as u64),
            Act::Kill => (4, 0),
            Act::HalfKill => (5, 0),
            Act::Fork => (6, 0),
            Act::Orphan => (7, 0),
            Act::PowerCut(kept) => (8, kept),
        };
        let lasts = u64::from(lasts == Lasts::FromThenOn);
        let slots = [0, at, number, lasts, errno, u64::from(reads), 0];
        let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_ne_bytes()).collect();
        self.orders.write_all_at(&bytes, 0).unwrap();
    }

    fn slot(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.orders.read_exact_at(&mut bytes, 8 * at).unwrap();
        u64::from_ne_bytes(bytes)
    }
}

/// Returns the library to preload, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (draft, shim) = (folder.join("fail_io.draft"), folder.join("fail_io.so"));
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
        compiler.arg(&draft).arg(repository().join("tests/crash/fail_io.c")).arg("-ldl");
        assert!(compiler.status().unwrap().success(), "fail_io.c does not compile");
        // A process that has the last one loaded keeps it.
        fs::rename(draft, &shim).unwrap();
        shim
    })
}
