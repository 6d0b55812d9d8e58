//! Damaged files: what is wrong with them, and saving the rest.

use crate::buffer::f3dx_cache_buffer;
use crate::error::f3dx_cache_error;
use crate::guard::guard;
use crate::input::{self, invalid};
use crate::output::{self, Out};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::{Result, recover, verify};
use std::ffi::c_char;
use std::path::Path;

/// Checks the whole file at `path`: every page and row against its checksum, every
/// request against its address. OK if it could be read; out_flaws is how many things
/// are wrong, 0 in a whole file. Neither out parameter has to be wanted (NULL).
///
///     {"entries": 3, "intact": 2, "flaws": [{"fingerprint": "64 hex digits, or null if
///      it concerns the file", "what": "its responses row does not match its checksum"}]}
///
/// CORRUPT only if it does not even begin like a cache.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_verify(
    path: *const c_char,
    out_flaws: *mut u64,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (path, flaws, out, err) = unsafe {
        (
            given(path, "path"),
            Out::optional(out_flaws, 0),
            Out::optional(out_json, f3dx_cache_buffer::EMPTY),
            output::error(err),
        )
    };
    guard(err, || {
        let found = verify(path?)?;
        flaws.give(found.flaws.len() as u64);
        out.fill_json(&found)
    })
}

/// Copies every entry that is intact in the file at `path` into a new file at
/// `new_path`, which must not exist. out_json may be NULL.
///
///     {"recovered": 2, "lost": ["64 hex digits"], "flaws": [as f3dx_cache_verify]}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_recover(
    path: *const c_char,
    new_path: *const c_char,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (path, new_path, out, err) = unsafe {
        (
            given(path, "path"),
            given(new_path, "new_path"),
            Out::optional(out_json, f3dx_cache_buffer::EMPTY),
            output::error(err),
        )
    };
    guard(err, || out.fill_json(&recover(path?, new_path?)?))
}

/// Reads a path that must be given.
unsafe fn given<'a>(path: *const c_char, name: &str) -> Result<&'a Path> {
    // SAFETY: the crate's safety contract.
    unsafe { input::path(path) }?.ok_or_else(|| invalid(format!("{name} is NULL")))
}
