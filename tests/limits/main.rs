//! What is very big, very many or oddly named works, or fails with a clear error, in
//! bounded memory.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod big;
mod many;
mod names;
mod nesting;
mod wide;

use std::process::Command;

/// Runs `src/bin/limit.rs` and returns the memory that it took at most, in KiB.
fn limit(command: &str, path: &std::path::Path, number: usize) -> u64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_limit"));
    for name in ["CI", "F3DX_CACHE_MODE", "F3DX_CACHE_PATH", "F3DX_CACHE_DIR"] {
        program.env_remove(name);
    }
    let done = program.arg(command).arg(path).arg(number.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    said.trim().strip_prefix("peak ").and_then(|peak| peak.parse().ok()).unwrap()
}
