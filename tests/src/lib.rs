//! What the tests that cross a crate or a language share.

pub mod ask;
pub mod c;
pub mod entries;
pub mod examination;
pub mod http;
pub mod provider;
pub mod torture;
pub mod worker;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the repository")
}

/// Returns the Python interpreter that has the built package.
///
/// # Panics
///
/// If it was not made.
pub fn python() -> PathBuf {
    let python = repository().join(".venv/bin/python");
    assert!(python.exists(), "{} is not there: `make python` makes it", python.display());
    python
}

/// The C library as cargo built it.
pub struct Library {
    /// `libf3dx_cache.so`
    pub shared: PathBuf,
    /// `libf3dx_cache.a`
    pub archive: PathBuf,
}

/// The variable that asks for an instrumented library: `address`.
const SANITIZE: &str = "SANITIZE";

/// Returns the sanitizer that `make sanitize` asks for.
pub fn sanitizer() -> Option<String> {
    std::env::var(SANITIZE).ok().filter(|sanitizer| !sanitizer.is_empty())
}

/// Builds the C library in the profile of the tests, since a test of another
/// package cannot depend on a cdylib; instrumented, if [`sanitizer`] says so.
///
/// # Panics
///
/// If it does not build.
pub fn library() -> Library {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "f3dx_cache", "--message-format", "json-render-diagnostics"]);
    cargo.arg("--quiet");
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    if let Some(sanitizer) = sanitizer() {
        // The pinned compiler can instrument; the variable is what lets it.
        let folder = format!("target/sanitize-{sanitizer}");
        // With a target, what runs in the build itself is not instrumented.
        cargo.args(["--target", "host-tuple", "--target-dir", &folder]);
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"));
    }
    let built = cargo.current_dir(repository()).stderr(Stdio::inherit()).output();
    let built = built.expect("cargo runs");
    assert!(built.status.success(), "the C library does not build");
    let files: Vec<PathBuf> = String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "f3dx_cache")
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .collect();
    let ending = |ending: &str| {
        let found = files.iter().find(|file| file.extension().is_some_and(|found| found == ending));
        found.unwrap_or_else(|| panic!("cargo built no .{ending}, but {files:?}")).clone()
    };
    Library { shared: ending("so"), archive: ending("a") }
}

/// Returns how much memory this process held at most, in KiB; 0 where nothing says.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix("kB"));
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}
