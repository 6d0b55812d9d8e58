//! The committed header is what ffi/src and cbindgen.toml make of it.

use f3dx_cache_tests::repository;
use std::fs;

#[test]
fn the_header_is_up_to_date() {
    let ffi = repository().join("ffi");
    let config = cbindgen::Config::from_file(ffi.join("cbindgen.toml")).unwrap();
    let bindings =
        cbindgen::Builder::new().with_crate(&ffi).with_config(config).generate().unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    let header = String::from_utf8(header).unwrap();

    let committed = repository().join("include/f3dx_cache.h");
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&committed, &header).unwrap();
    }
    let found = fs::read_to_string(&committed).unwrap_or_default();
    let differs = header.lines().zip(found.lines()).position(|(new, old)| new != old);
    assert!(
        header == found,
        "include/f3dx_cache.h is stale from line {}; \
         UPDATE_HEADER=1 cargo test -p f3dx_cache_tests --test header rewrites it",
        1 + differs.unwrap_or(header.lines().count().min(found.lines().count()))
    );
}
