//! A CMake project finds an installed library, and its examples in C and C++ run.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use f3dx_cache_tests::c::succeeds;
use f3dx_cache_tests::{library, repository};
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn an_installed_library_is_found_by_cmake() {
    if Command::new("cmake").arg("--version").output().is_err() {
        return eprintln!("cmake is not installed: the installed files were not tried");
    }
    let folder = tempfile::tempdir().unwrap();
    let built = library();
    let mut install = Command::new("sh");
    install.arg(repository().join("ffi/install.sh")).arg(built.shared.parent().unwrap());
    install.env("PREFIX", folder.path().join("first")).env("DESTDIR", "");
    succeeds("install.sh", &mut install);
    // An installed tree may be moved.
    let prefix = folder.path().join("moved");
    std::fs::rename(folder.path().join("first"), &prefix).unwrap();

    let build = folder.path().join("build");
    let found = configure(&build, &prefix, "0.1");
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    succeeds("cmake --build", Command::new("cmake").arg("--build").arg(&build));

    let example = |name: &str, arguments: &[&str]| {
        let mut program = Command::new(build.join(name));
        program.current_dir(folder.path()).env_clear().args(arguments);
        String::from_utf8(succeeds(name, &mut program).stdout).unwrap()
    };
    let request = r#"{"question":"?"}"#;
    assert_eq!(example("example_c", &["llm.redb", request]), "recorded: {\"answer\":42}\n");
    assert_eq!(example("example_c", &["llm.redb", request]), "replayed: {\"answer\":42}\n");
    let fingerprint = f3dx_cache_core::fingerprint(request.as_bytes()).unwrap();
    assert_eq!(example("example_cpp", &["llm.redb"]), format!("{fingerprint}\n"));

    for other in ["0.0", "0.2", "1.0", "0.1.99"] {
        let refused = configure(&folder.path().join(format!("{other}-build")), &prefix, other);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("compatible"), "{other}: {said}");
    }
}

/// Configures the examples, wanting a version of the library.
fn configure(build: &Path, prefix: &Path, version: &str) -> Output {
    let source = build.with_file_name(format!("{version}-source"));
    std::fs::create_dir(&source).unwrap();
    for name in ["CMakeLists.txt", "example.c", "example.cpp"] {
        let text = std::fs::read_to_string(repository().join("tests/cmake").join(name)).unwrap();
        let wanted = text.replace("f3dx_cache 0.1 ", &format!("f3dx_cache {version} "));
        std::fs::write(source.join(name), wanted).unwrap();
    }
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(&source).arg("-B").arg(build);
    cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    cmake.output().unwrap()
}
