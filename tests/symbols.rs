//! The shared library exports the functions of symbols.txt and nothing else, and
//! its SONAME carries the ABI version.

use f3dx_cache_tests::{library, repository};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("symbols are ASCII")
}

#[test]
fn exported_symbols_are_the_listed_ones() {
    let listing = output(Command::new("nm").args(["-D", "--defined-only"]).arg(library().shared));
    let exported: BTreeSet<&str> =
        listing.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let listed = fs::read_to_string(repository().join("tests/symbols.txt")).unwrap();
    let listed: BTreeSet<&str> = listed.lines().collect();
    let added: Vec<_> = exported.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&exported).collect();
    assert!(
        added.is_empty() && gone.is_empty(),
        "not in tests/symbols.txt: {added:?}; no longer exported, which breaks callers: {gone:?}"
    );
}

#[test]
fn the_header_declares_every_exported_function() {
    let header = fs::read_to_string(repository().join("include/f3dx_cache.h")).unwrap();
    let listed = fs::read_to_string(repository().join("tests/symbols.txt")).unwrap();
    for name in listed.lines() {
        assert!(header.contains(&format!("{name}(")), "{name} is not declared");
    }
}

#[test]
fn every_exported_function_is_called_from_c() {
    let callers = fs::read_dir(repository().join("tests/c")).unwrap();
    let callers: String =
        callers.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let listed = fs::read_to_string(repository().join("tests/symbols.txt")).unwrap();
    for name in listed.lines() {
        assert!(callers.contains(name), "{name} is called by no test in C");
    }
}

#[test]
fn the_soname_carries_the_abi_version() {
    let dynamic = output(Command::new("readelf").arg("-d").arg(library().shared));
    assert!(dynamic.contains("[libf3dx_cache.so.1]"), "{dynamic}");
    let header = fs::read_to_string(repository().join("include/f3dx_cache.h")).unwrap();
    assert!(header.contains("#define F3DX_CACHE_ABI_VERSION 1\n"));
}
