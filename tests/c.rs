//! Callers in C11 and C++11: each file of tests/c is compiled without a warning,
//! linked to the shared library and to the archive, run, and run under valgrind.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use f3dx_cache_tests::c::{SYSTEM, archive, compile, succeeds};
use f3dx_cache_tests::torture::rounds;
use f3dx_cache_tests::{Library, library, repository, sanitizer};
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

macro_rules! callers {
    ($($test:ident: $file:literal $(, $argument:expr)?;)*) => {$(
        #[test]
        fn $test() {
            let folder = tempfile::tempdir().unwrap();
            let arguments: &[PathBuf] = &[$($argument(folder.path()))?];
            runs_clean(&folder, $file, arguments);
        }
    )*};
}

callers! {
    errors_and_buffers_belong_to_the_caller: "errors.c";
    caches_open_and_close: "open.c";
    every_vector_holds_in_c: "fingerprints.c", vectors;
    entries_are_recorded_and_found: "entries.c";
    http_calls_are_recorded_and_replayed: "http.c";
    claims_are_for_one: "claim.c";
    walks_see_every_entry: "iterate.c";
    counters_and_reports_are_told: "report.c";
    threads_share_a_handle_and_a_file: "threads.c", often;
    a_forked_child_goes_on: "fork.c";
    damaged_files_are_listed_and_saved: "verify.c";
    outputs_are_compared_by_the_caller_s_models: "diff.c";
    traces_are_read_and_run_again: "replay.c";
    the_header_is_cpp: "first_look.cpp";
}

// The tables open hundreds of files, which takes valgrind minutes, and make no call
// that http.c does not make.

#[test]
fn every_http_call_of_the_table_holds_in_c() {
    let folder = tempfile::tempdir().unwrap();
    runs(&folder, "http_calls.c", &[calls(folder.path())]);
}

#[test]
fn every_http_response_of_the_table_holds_in_c() {
    let folder = tempfile::tempdir().unwrap();
    runs(&folder, "http_responses.c", &[responses(folder.path())]);
}

#[test]
fn every_comparison_of_the_table_holds_in_c() {
    let folder = tempfile::tempdir().unwrap();
    runs(&folder, "diff_cases.c", &[comparisons(folder.path())]);
}

#[test]
fn a_big_response_is_recorded_and_found_in_c() {
    let folder = tempfile::tempdir().unwrap();
    let length = rounds(12_000_000, 100_000_000);
    runs(&folder, "big.c", &[PathBuf::from(length.to_string())]);
}

fn runs_clean(folder: &TempDir, file: &str, arguments: &[PathBuf]) {
    let program = runs(folder, file, arguments);
    // A sanitizer has checked it already, and does not run under valgrind.
    if sanitizer().is_some() {
        return;
    }
    if !is_there("valgrind") {
        return eprintln!("valgrind is not installed: {file} ran without");
    }
    let said = run(folder, "valgrind", valgrind().arg(&program), arguments).stderr;
    // A forked child is checked as well, but its exit code is not valgrind's.
    assert!(said.is_empty(), "{file}: {}", String::from_utf8_lossy(&said));
}

/// Runs a caller linked to the archive and to the shared library; returns the latter.
fn runs(folder: &TempDir, file: &str, arguments: &[PathBuf]) -> PathBuf {
    let source = repository().join("tests/c").join(file);
    let program = folder.path().join("linked-to-archive");
    compile(&source, &program, &archive(built()));
    run(folder, "archive", &mut Command::new(&program), arguments);
    let program = folder.path().join("linked-to-shared");
    compile(&source, &program, &shared(folder.path(), built()));
    run(folder, "shared", &mut Command::new(&program), arguments);
    program
}

fn run(folder: &TempDir, how: &str, program: &mut Command, arguments: &[PathBuf]) -> Output {
    let scratch = folder.path().join(how);
    fs::create_dir(&scratch).unwrap();
    // Only what the tests set decides the mode and the path.
    succeeds(how, program.env_clear().current_dir(scratch).args(arguments))
}

/// Returns the library, built once for all tests here.
fn built() -> &'static Library {
    static BUILT: OnceLock<Library> = OnceLock::new();
    BUILT.get_or_init(library)
}

fn valgrind() -> Command {
    let mut valgrind = Command::new("valgrind");
    // Not `possible`: that is how the registry of open files looks, a hash map in a
    // static whose pointer is to the middle of its memory.
    valgrind.args([
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect",
        "--errors-for-leak-kinds=definite,indirect",
    ]);
    valgrind
}

/// Returns how to link to the shared library as an installed one is found.
fn shared(folder: &Path, library: &Library) -> Vec<String> {
    let installed = folder.join("lib");
    fs::create_dir_all(&installed).unwrap();
    for name in ["libf3dx_cache.so", "libf3dx_cache.so.1"] {
        symlink(&library.shared, installed.join(name)).unwrap();
    }
    let installed = installed.display();
    vec![format!("-L{installed}"), format!("-Wl,-rpath,{installed}"), "-lf3dx_cache".into()]
}

/// Writes a table of cases as words, which C reads without a parser; see words.h.
fn words(folder: &Path, fixture: &str, members: fn(&Value) -> Vec<Option<Vec<u8>>>) -> PathBuf {
    let text = fs::read_to_string(repository().join("tests/fixtures").join(fixture)).unwrap();
    let mut words = String::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        // Whose callbacks are another test's.
        if !case["models"].is_null() {
            continue;
        }
        let spelled: Vec<String> = members(&case)
            .into_iter()
            .map(|member| member.map_or("-".to_owned(), |bytes| format!("x{}", hex(&bytes))))
            .collect();
        writeln!(words, "{}", spelled.join(" ")).unwrap();
    }
    let path = folder.join("words");
    fs::write(&path, words).unwrap();
    path
}

fn vectors(folder: &Path) -> PathBuf {
    words(folder, "fingerprints.jsonl", |case| {
        vec![
            case["input_hex"].as_str().map(unhex),
            case["canonical_hex"].as_str().map(unhex),
            member(&case["blake3"]),
            member(&case["error"]),
        ]
    })
}

/// How often each thread of threads.c opens a cache.
fn often(_: &Path) -> PathBuf {
    rounds(1, 30).to_string().into()
}

fn calls(folder: &Path) -> PathBuf {
    words(folder, "http_calls.jsonl", |case| {
        let env = case["env"].as_object().map(|env| {
            let line = |(name, value): (&String, &Value)| format!("{name}={}", text(value));
            env.iter().map(line).collect::<Vec<_>>().join("\n").into_bytes()
        });
        let body = case["body_hex"].as_str().map(unhex);
        let [id, options, method, url, headers, expect, document, fingerprint] =
            ["id", "options", "method", "url", "headers", "expect", "document", "fingerprint"]
                .map(|name| member(&case[name]));
        let body = body.or_else(|| member(&case["body"]));
        vec![id, env, options, method, url, headers, body, expect, document, fingerprint]
    })
}

fn responses(folder: &Path) -> PathBuf {
    words(folder, "http_responses.jsonl", |case| {
        let chunks: Vec<String> = case["chunks"].as_array().unwrap().iter().map(text).collect();
        let lengths: Vec<String> = chunks.iter().map(|chunk| chunk.len().to_string()).collect();
        // As it stands in JSON, where the summary has it.
        let reason = case["reason"].as_str().map(|why| format!("\"why\":{}", Value::from(why)));
        let [id, options, url, body, status, headers, eof, expect] =
            ["id", "options", "url", "request_body", "status", "headers", "eof", "expect"]
                .map(|name| member(&case[name]));
        let lengths = Some(lengths.join(" ").into_bytes());
        let chunks = Some(chunks.concat().into_bytes());
        let reason = reason.map(String::into_bytes);
        vec![id, options, url, body, status, headers, lengths, chunks, eof, expect, reason]
    })
}

fn comparisons(folder: &Path) -> PathBuf {
    words(folder, "diff_cases.jsonl", |case| {
        let expect = &case["expect"];
        // As they stand in JSON.
        let said = |name: &str| {
            (!expect[name].is_null()).then(|| format!("\"{name}\":{}", expect[name]).into_bytes())
        };
        let note = expect["note_contains"][0].as_str().map(|note| {
            let quoted = Value::from(note).to_string();
            quoted.as_bytes()[1..quoted.len() - 1].to_vec()
        });
        let [name, options] = ["name", "options"].map(|name| member(&case[name]));
        let [before, after] = ["before", "after"].map(|side| {
            let hex = case[format!("{side}_hex")].as_str().map(unhex);
            hex.or_else(|| member(&case[side]))
        });
        vec![name, options, before, after, said("verdict"), said("mode"), note]
    })
}

/// Returns a member's text, or its JSON if it is no text.
fn member(value: &Value) -> Option<Vec<u8>> {
    (!value.is_null()).then(|| text(value).into_bytes())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn an_installed_library_is_found_by_pkg_config() {
    if !is_there("pkg-config") {
        eprintln!("pkg-config is not installed: the installed files were not tried");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (staged, prefix) = (folder.path().join("staged"), folder.path().join("prefix"));
    let built = built();
    let install = |prefix: &Path, destination: &OsStr| {
        let mut install = Command::new("sh");
        install.arg(repository().join("ffi/install.sh")).arg(built.shared.parent().unwrap());
        install.env("PREFIX", prefix).env("DESTDIR", destination).current_dir(folder.path());
        succeeds("install.sh", &mut install);
    };
    install(Path::new("/usr"), staged.as_os_str());
    assert!(staged.join("usr/include/f3dx_cache.h").is_file());
    let pc = fs::read_to_string(staged.join("usr/lib/pkgconfig/f3dx_cache.pc")).unwrap();
    assert!(pc.contains("prefix=/usr\n") && !pc.contains("staged"), "{pc}");
    assert!(SYSTEM.iter().all(|flag| pc.contains(flag)), "{pc}");

    install(&prefix, OsStr::new(""));
    let pkg_config = |arguments: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")).args(arguments);
        let output = succeeds("pkg-config", command.arg("f3dx_cache"));
        let flags = String::from_utf8(output.stdout).unwrap();
        flags.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(pkg_config(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    let source = folder.path().join("outside.c");
    fs::write(
        &source,
        "#include <f3dx_cache.h>\n\
         int main(void) { return f3dx_cache_abi_version() != F3DX_CACHE_ABI_VERSION; }\n",
    )
    .unwrap();
    let program = folder.path().join("outside");
    let compile = |flags: Vec<String>| {
        let mut command = Command::new("cc");
        command.arg(&source).args(flags).arg("-o").arg(&program);
        succeeds("cc", &mut command);
        let mut run = Command::new(&program);
        succeeds("outside", run.env("LD_LIBRARY_PATH", prefix.join("lib")));
    };
    compile(pkg_config(&["--cflags", "--libs"]));
    // Without the shared library, the same program takes the archive.
    for name in ["libf3dx_cache.so", "libf3dx_cache.so.1"] {
        fs::remove_file(prefix.join("lib").join(name)).unwrap();
    }
    compile(pkg_config(&["--cflags", "--libs", "--static"]));
}
