//! Examines damaged copies of a file, in processes that damage may end.

use crate::kind::Damage;
use f3dx_cache_tests::examination::Examination;
use f3dx_cache_tests::torture::Tally;
use f3dx_cache_tests::worker::{Silence, Worker};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
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
}

impl Examiner {
    /// Begins with a file of the entries 0 to `recorded`.
    pub fn of(what: &str, whole: Vec<u8>, recorded: u64) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            whole,
            recorded,
            process: None,
            copies: 0,
            tally: Tally::of(what),
            kinds: BTreeMap::new(),
            unharmed: 0,
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

    fn ask(&mut self, path: &PathBuf) -> Result<Examination, Silence> {
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
        if found.lost + found.wrong + found.destroyed > 0 || !undocumented.is_empty() {
            eprintln!("{damage}: {found:?}");
        }
        self.tally.lost += found.lost + found.destroyed;
        self.tally.wrong += found.wrong + undocumented.len() as u64;
        self.unharmed += u64::from(found.errors.is_empty());
        for kind in found.errors.keys() {
            *self.kinds.entry(kind.clone()).or_default() += 1;
        }
    }

    /// Reports, and fails if anything was not as promised.
    pub fn finish(mut self) {
        self.tally.note = format!("no error: {}, with errors: {:?}", self.unharmed, self.kinds);
        eprintln!("{:?}", self.tally);
        self.tally.finish();
    }
}
