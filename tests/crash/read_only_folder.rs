//! A folder that a worker cannot write, in each way that can be had here.

use f3dx_cache_tests::worker::Worker;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// How a worker is kept from writing: what its command line begins with. After a script,
/// the folder comes next.
const WAYS: [(&str, &[&str]); 3] = [
    // Who owns the folder and is not root.
    ("permissions", &["env"]),
    ("permissions, for root", &["setpriv", "--reuid", "65534", "--clear-groups", "env"]),
    // A mount for the worker alone.
    (
        "a read-only mount",
        &[
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"",
        ],
    ),
];

/// A folder for copies of cache files, read-only for workers.
pub struct ReadOnlyFolder {
    _folder: TempDir,
    cage: PathBuf,
    worker: PathBuf,
    ways: Vec<&'static [&'static str]>,
}

impl ReadOnlyFolder {
    /// Makes one, and finds out which ways work here.
    ///
    /// # Panics
    ///
    /// If none does.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let cage = folder.path().join("read-only");
        fs::create_dir(&cage).unwrap();
        // The folder it was built into may be closed to other users.
        let worker = folder.path().join("worker");
        fs::copy(env!("CARGO_BIN_EXE_worker"), &worker).unwrap();
        let mut made = Self { _folder: folder, cage, worker, ways: Vec::new() };
        made.close();
        for (name, way) in WAYS {
            match made.works(way) {
                true => made.ways.push(way),
                false => eprintln!("a read-only folder by {name} cannot be had here"),
            }
        }
        assert!(!made.ways.is_empty(), "no read-only folder can be had here");
        made
    }

    /// Shows `look` a copy of the file at `path` in a worker that cannot write to its
    /// folder, in each way, and checks that the copy stays as it was.
    pub fn keeps(&self, path: &Path, mut look: impl FnMut(Worker, &Path)) {
        let copy = self.cage.join("llm.redb");
        for way in &self.ways {
            self.open();
            fs::copy(path, &copy).unwrap();
            self.close();
            let before = fs::read(&copy).unwrap();
            look(Worker::start(&mut self.caged(way, &self.worker)), &copy);
            assert!(fs::read(&copy).unwrap() == before, "the copy changed");
            let beside: Vec<_> = fs::read_dir(&self.cage).unwrap().collect();
            assert_eq!(beside.len(), 1, "{beside:?}");
        }
    }

    fn works(&self, way: &[&str]) -> bool {
        let run = |program: &str, arguments: &[&str]| {
            let mut command = self.caged(way, Path::new(program));
            command.args(arguments).arg(&self.cage).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        run("test", &["-d"]) && !run("test", &["-w"])
    }

    fn caged(&self, way: &[&str], program: &Path) -> Command {
        let mut command = Command::new(way[0]);
        command.args(&way[1..]);
        if way.contains(&"-c") {
            command.arg(&self.cage);
        }
        command.arg(program);
        command
    }

    fn open(&self) {
        fs::set_permissions(&self.cage, Permissions::from_mode(0o755)).unwrap();
        let copy = self.cage.join("llm.redb");
        if copy.exists() {
            fs::remove_file(copy).unwrap();
        }
    }

    fn close(&self) {
        let copy = self.cage.join("llm.redb");
        if copy.exists() {
            fs::set_permissions(copy, Permissions::from_mode(0o444)).unwrap();
        }
        fs::set_permissions(&self.cage, Permissions::from_mode(0o555)).unwrap();
    }
}

impl Drop for ReadOnlyFolder {
    fn drop(&mut self) {
        // So that the folder can be removed.
        self.open();
    }
}
