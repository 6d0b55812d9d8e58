//! Examines damaged copies of a file, in processes that damage may end.

use crate::kind::Damage;
use f3dx_cache_tests::examination::Examination;
use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::{Silence, Worker};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Damages copies of one file and examines them.
pub struct Examiner {
    folder: tempfile::TempDir,
    whole: Vec<u8>,
    recorded: u64,
    process: Option<Worker>,
    copies: u64,
    pub tally: Tally,
    /// Examinations that ended with errors of a kind.
    kinds: BTreeMap<String, u64>,
    unharmed: u64,
    recovered: u64,
}

impl Examiner {
    /// Begins with a file of the entries 0 to `recorded`.
    pub fn of(what: &str, whole: Vec<u8>, recorded: u64) -> Self {
        Self {
            folder: scratch(),
            whole,
            recorded,
            process: None,
            copies: 0,
            tally: Tally::of(what),
            kinds: BTreeMap::new(),
            unharmed: 0,
            recovered: 0,
        }
    }

    /// Examines a copy with this damage.
    pub fn examine(&mut self, damage: Damage) {
        let mut bytes = self.whole.clone();
        damage.apply(&mut bytes);
        self.copies += 1;
        // Another name each, so that no copy is taken for the one before.
        let path = self.folder.path().join(format!("{}.redb", self.copies));
        fs::write(&path, bytes).unwrap();
        self.tally.count += 1;
        match self.ask(&path) {
            Ok(found) => self.judge(&format!("{damage:?}"), &found),
            Err(silence) => {
                eprintln!("{damage:?}: {silence:?}");
                self.process = None;
                match silence {
                    Silence::Ended => self.tally.crashed += 1,
                    Silence::Hung => self.tally.hung += 1,
                }
            }
        }
        fs::remove_file(&path).unwrap();
    }

    fn ask(&mut self, path: &Path) -> Result<Examination, Silence> {
        let process = self.process.get_or_insert_with(|| {
            Worker::start(&mut Command::new(env!("CARGO_BIN_EXE_examiner")))
        });
        let answer = process.ask(&format!("{} {}", self.recorded, path.display()))?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    fn judge(&mut self, damage: &str, found: &Examination) {
        let documented = ["corrupt", "unsupported_format"];
        let undocumented: Vec<_> =
            found.errors.keys().filter(|kind| !documented.contains(&kind.as_str())).collect();
        if found.lost + found.wrong + found.destroyed + found.unlisted > 0
            || !undocumented.is_empty()
        {
            eprintln!("{damage}: {found:?}");
        }
        self.tally.lost += found.lost + found.destroyed;
        self.tally.wrong += found.wrong + found.unlisted + undocumented.len() as u64;
        self.recovered += found.recovered;
        self.unharmed += u64::from(found.errors.is_empty());
        for kind in found.errors.keys() {
            *self.kinds.entry(kind.clone()).or_default() += 1;
        }
    }

    /// Reports, and fails if anything was not as promised.
    pub fn finish(mut self) {
        let kinds: Vec<_> = self.kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let all = self.tally.count * self.recorded;
        self.tally.note = format!(
            "{} without an error, {}; {}% of the entries recovered",
            self.unharmed,
            kinds.join(", "),
            self.recovered * 100 / all
        );
        self.tally.finish();
    }
}

/// Returns a folder in memory where there is one: thousands of files are made durable.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
