//! Compiles a caller in C11 or C++11 against the C library.

use crate::{Library, repository, sanitizer};
use std::path::Path;
use std::process::{Command, Output};

/// What the archive needs of the system; f3dx_cache.pc says the same.
pub const SYSTEM: [&str; 3] = ["-lpthread", "-ldl", "-lm"];

/// Returns the compiler's arguments that link to the archive.
pub fn archive(library: &Library) -> Vec<String> {
    let mut link = vec![library.archive.display().to_string()];
    link.extend(SYSTEM.map(String::from));
    link
}

/// Compiles `source` without a warning to `program`.
///
/// # Panics
///
/// If it does not compile.
pub fn compile(source: &Path, program: &Path, link: &[String]) {
    let (compiler, standard) = match source.extension().is_some_and(|found| found == "cpp") {
        true => ("c++", "-std=c++11"),
        false => ("cc", "-std=c11"),
    };
    let mut command = Command::new(compiler);
    command
        .args([standard, "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(repository().join("include"))
        .arg(source)
        .args(link)
        .args(["-pthread", "-o"])
        .arg(program);
    if let Some(sanitizer) = sanitizer() {
        command.args([format!("-fsanitize={sanitizer}"), "-fno-omit-frame-pointer".into()]);
    }
    succeeds(&format!("compiling {}", source.display()), &mut command);
}

/// Runs a program to its end, and returns what it said.
///
/// # Panics
///
/// If it fails; with what it said.
pub fn succeeds(what: &str, command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{stdout}{stderr}", output.status);
    output
}
