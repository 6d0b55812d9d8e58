//! Names the shared library after its ABI: `libf3dx_cache.so.1`.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

fn main() {
    // F3DX_CACHE_ABI_VERSION is this number; tests/symbols.rs compares the two.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libf3dx_cache.so.1");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
