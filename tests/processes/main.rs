//! Many processes of every language on one file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod flight;
mod holders;
mod matrix;
mod openings;
mod recording;
mod replaying;

use f3dx_cache_tests::worker::{Silence, Worker};
use f3dx_cache_tests::{c, library, python, repository};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Options of every opening: calls to the mock provider are recorded.
const OPTIONS: &str = r#"{"hosts": ["127.0.0.1:*"]}"#;

/// What a worker is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    C,
    Python,
    Go,
    Node,
}

impl Language {
    const ALL: [Language; 5] =
        [Language::Rust, Language::C, Language::Python, Language::Go, Language::Node];

    /// Starts a worker whose openings have these options, as JSON.
    fn start(self, options: &str) -> Worker {
        let mut program = match self {
            Language::Rust => Command::new(env!("CARGO_BIN_EXE_worker")),
            Language::C => Command::new(c_worker()),
            Language::Python => {
                let mut program = Command::new(python());
                program.arg(repository().join("tests/worker/worker.py"));
                program
            }
            Language::Go => Command::new(go_worker()),
            Language::Node => {
                let mut program = Command::new("node");
                program.arg(repository().join("tests/worker/worker.mjs"));
                program
            }
        };
        // No configuration file of this repository is meant.
        Worker::start(program.arg(options).current_dir(env!("CARGO_TARGET_TMPDIR")))
    }
}

/// Returns the worker in C, compiled once for all tests here.
fn c_worker() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("worker-in-c");
        let source = repository().join("tests/worker/worker.c");
        c::compile(&source, &program, &c::archive(&library()));
        program
    })
}

/// Returns the worker in Go, built once for all tests here.
fn go_worker() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("worker-in-go");
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(&program).arg("./internal/worker");
        c::succeeds("go build", go.current_dir(repository().join("bindings/go")));
        program
    })
}

/// Returns a folder of its own, and the place of a cache in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.redb");
    (folder, path)
}

/// Workers that do the same at once, their languages in turn.
struct Crew(Vec<(Language, Worker)>);

/// What a worker said to one command.
struct Said {
    /// The puts that it acknowledged.
    puts: Vec<u64>,
    /// Its last line.
    last: Result<String, Silence>,
}

impl Crew {
    fn of(count: usize) -> Self {
        let languages = Language::ALL.into_iter().cycle().take(count);
        Self(languages.map(|language| (language, language.start(OPTIONS))).collect())
    }

    /// Tells each worker, by its number, a command, and waits for all of them.
    fn each(&mut self, command: impl Fn(usize) -> String) -> Vec<Said> {
        for (number, (_, worker)) in self.0.iter_mut().enumerate() {
            worker.tell(&command(number));
        }
        self.0.iter().map(|(_, worker)| Said::by(worker)).collect()
    }

    /// Has every worker do something that must end with `ok`.
    fn all(&mut self, command: impl Fn(usize) -> String) {
        for (number, said) in self.each(&command).into_iter().enumerate() {
            let told = format!("{:?}: {}", self.0[number].0, command(number));
            assert_eq!(said.last.as_deref(), Ok("ok"), "{told}");
        }
    }

    /// Ends the workers, none of which may fail.
    fn leave(self) {
        for (language, worker) in self.0 {
            assert!(worker.leave().success(), "{language:?}");
        }
    }
}

impl Said {
    fn by(worker: &Worker) -> Self {
        let mut puts = Vec::new();
        loop {
            let last = worker.answer();
            match last.as_deref().ok().and_then(|line| line.strip_prefix("put ")) {
                Some(number) => puts.push(number.parse().unwrap()),
                None => return Self { puts, last },
            }
        }
    }

    /// Returns hits, misses and wrong answers, or what was said in their place.
    fn got(&self) -> Result<[u64; 3], String> {
        let line = self.last.clone().map_err(|silence| format!("{silence:?}"))?;
        let numbers = line.strip_prefix("got ").map(|numbers| {
            numbers.split(' ').map(|number| number.parse().unwrap()).collect::<Vec<_>>()
        });
        numbers.and_then(|numbers| numbers.try_into().ok()).ok_or(line)
    }
}
