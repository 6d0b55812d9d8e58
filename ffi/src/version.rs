//! Which library this is.

use crate::guard::quietly;
use crate::status::f3dx_cache_status;
use std::ffi::c_char;

/// The ABI that this header describes. Equals the number in the SONAME.
pub const F3DX_CACHE_ABI_VERSION: u32 = 1;

/// Returns the ABI of the loaded library. Compare it once with
/// F3DX_CACHE_ABI_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn f3dx_cache_abi_version() -> u32 {
    F3DX_CACHE_ABI_VERSION
}

/// Returns the version of the loaded library, such as "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn f3dx_cache_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns the short name of a status, such as "MISS", or "UNKNOWN". Static.
#[unsafe(no_mangle)]
pub extern "C" fn f3dx_cache_status_name(status: i32) -> *const c_char {
    quietly(c"UNKNOWN".as_ptr(), || {
        let named = f3dx_cache_status::ALL.iter().find(|known| **known as i32 == status);
        named.map_or(c"UNKNOWN", |known| known.name()).as_ptr()
    })
}
