//! Canonical form and fingerprints.

use crate::buffer::f3dx_cache_buffer;
use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::input;
use crate::output::{self, Out};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::{canonicalize, fingerprint};
use std::ffi::c_char;

/// A fingerprint is the BLAKE3-256 hash of the canonical request.
pub const F3DX_CACHE_FINGERPRINT_LEN: usize = 32;

/// Lower-case hex of a fingerprint, with its NUL.
pub const F3DX_CACHE_FINGERPRINT_HEX_LEN: usize = 65;

/// Writes the canonical form of a JSON text: RFC 8785, integers with all digits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_canonicalize(
    json: *const c_char,
    json_len: usize,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (json, out, err) = unsafe {
        (
            input::json(json, json_len, "json"),
            output::buffer(out_json, "out_json"),
            output::error(err),
        )
    };
    guard(err, || Ok(out?.fill_text(canonicalize(json?)?)))
}

/// Fingerprints a request: in `cache`, after its file's identity policy and in
/// the scope of the session's test; with NULL, the pure function of the text.
/// cbindgen:ptrs-as-arrays=[[out_fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_fingerprint(
    cache: *const f3dx_cache,
    request: *const c_char,
    request_len: usize,
    out_fingerprint: *mut u8,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, request, out, err) = unsafe {
        (
            cache.as_ref(),
            input::json(request, request_len, "request"),
            output::fingerprint(out_fingerprint),
            output::error(err),
        )
    };
    guard(err, || {
        let address = match cache {
            Some(cache) => cache.inner().fingerprint(request?)?,
            None => fingerprint(request?)?,
        };
        Ok(out?.spell(&address))
    })
}

/// Spells a fingerprint in hex, with a NUL; "" if `fingerprint` is NULL.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN], [out_hex; F3DX_CACHE_FINGERPRINT_HEX_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_fingerprint_to_hex(
    fingerprint: *const u8,
    out_hex: *mut c_char,
) {
    type Hex = [u8; F3DX_CACHE_FINGERPRINT_HEX_LEN];
    // SAFETY: the crate's safety contract.
    let (fingerprint, out) = unsafe {
        let nothing: Hex = [0; F3DX_CACHE_FINGERPRINT_HEX_LEN];
        (input::fingerprint(fingerprint), Out::optional(out_hex.cast::<Hex>(), nothing))
    };
    quietly((), || {
        let Ok(fingerprint) = fingerprint else { return };
        let mut hex: Hex = [0; F3DX_CACHE_FINGERPRINT_HEX_LEN];
        hex[..64].copy_from_slice(fingerprint.to_string().as_bytes());
        out.give(hex);
    });
}

/// Reads a fingerprint from 64 hex digits of either case.
/// cbindgen:ptrs-as-arrays=[[out_fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_fingerprint_from_hex(
    hex: *const c_char,
    hex_len: usize,
    out_fingerprint: *mut u8,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (hex, out, err) = unsafe {
        (input::text(hex, hex_len, "hex"), output::fingerprint(out_fingerprint), output::error(err))
    };
    guard(err, || Ok(out?.spell(&hex?.parse()?)))
}
