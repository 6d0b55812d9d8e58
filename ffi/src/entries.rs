//! Entries: look up, record, remove, explain.

use crate::buffer::f3dx_cache_buffer;
use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::guard::guard;
use crate::input;
use crate::output::{self, Out};
use crate::report::Told;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::json::Document;
use f3dx_cache_core::{Meta, Response, Result, Stored};
use std::ffi::{c_char, c_void};

/// Fetches the response recorded under a fingerprint, and counts the lookup: OK
/// or MISS. What it returns of an HTTP call is the body; see
/// f3dx_cache_http_get.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get(
    cache: *const f3dx_cache,
    fingerprint: *const u8,
    out_response: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, out, err) = unsafe {
        (
            input::cache(cache),
            input::fingerprint(fingerprint),
            output::buffer(out_response, "out_response"),
            output::error(err),
        )
    };
    guard(err, || found(cache?.get_at(&fingerprint?), out))
}

/// Fetches what f3dx_cache_get would, and counts nothing: OK or MISS.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_peek(
    cache: *const f3dx_cache,
    fingerprint: *const u8,
    out_response: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, out, err) = unsafe {
        (
            input::cache(cache),
            input::fingerprint(fingerprint),
            output::buffer(out_response, "out_response"),
            output::error(err),
        )
    };
    guard(err, || found(cache?.peek_at(&fingerprint?), out))
}

/// Fetches the response recorded for a request, and counts the lookup: OK or
/// MISS. With repeats = "sequence" the n-th identical lookup of a session gets
/// the n-th recorded response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_lookup(
    cache: *const f3dx_cache,
    request: *const c_char,
    request_len: usize,
    out_response: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, request, out, err) = unsafe {
        (
            input::cache(cache),
            input::json(request, request_len, "request"),
            output::buffer(out_response, "out_response"),
            output::error(err),
        )
    };
    guard(err, || {
        let (request, out) = (request?, out?);
        found(cache?.get(request), Ok(out))
    })
}

fn found(
    response: Result<Option<Response>>,
    out: Result<Out<f3dx_cache_buffer>>,
) -> Result<f3dx_cache_status> {
    let out = out?;
    Ok(response?.map_or(f3dx_cache_status::Miss, |response| out.fill(response.body)))
}

/// Records a response as the answer to a request, durably when it returns: OK, or
/// SKIPPED if the mode does not record. `meta` is a JSON object (model,
/// system_fingerprint, response_duration_ms, usage, and members of your own), or
/// (NULL, 0). `out_fingerprint` may be NULL. In RECORD mode the first recording
/// of a request stays: recording it again is OK and changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_put(
    cache: *mut f3dx_cache,
    request: *const c_char,
    request_len: usize,
    response: *const c_void,
    response_len: usize,
    meta: *const c_char,
    meta_len: usize,
    out_fingerprint: *mut u8,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, request, response, meta, out, err) = unsafe {
        (
            input::cache(cache),
            input::json(request, request_len, "request"),
            input::bytes(response, response_len, "response"),
            input::json(meta, meta_len, "meta"),
            output::fingerprint_or_null(out_fingerprint),
            output::error(err),
        )
    };
    guard(err, || {
        let (cache, request, response, meta) = (cache?, request?, response?, meta?);
        let meta = match meta.is_empty() {
            true => Meta::default(),
            false => {
                // What is no JSON at all is told apart, with the byte.
                Document::parse(meta)?;
                Meta::from_json(meta)?
            }
        };
        let put = cache.put(request, response, meta)?;
        out.spell(&put.fingerprint);
        Ok(match put.stored {
            Stored::Recorded | Stored::Kept => f3dx_cache_status::Ok,
            Stored::Skipped => f3dx_cache_status::Skipped,
        })
    })
}

/// OK if something is recorded under a fingerprint, else MISS, whatever the mode.
/// Reads no response; counts nothing.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_contains(
    cache: *const f3dx_cache,
    fingerprint: *const u8,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, err) =
        unsafe { (input::cache(cache), input::fingerprint(fingerprint), output::error(err)) };
    guard(err, || cache?.contains_at(&fingerprint?).map(there))
}

/// Removes an entry: OK, or MISS if there was none.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_delete(
    cache: *mut f3dx_cache,
    fingerprint: *const u8,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, err) =
        unsafe { (input::cache(cache), input::fingerprint(fingerprint), output::error(err)) };
    guard(err, || cache?.delete(&fingerprint?).map(there))
}

fn there(there: bool) -> f3dx_cache_status {
    if there { f3dx_cache_status::Ok } else { f3dx_cache_status::Miss }
}

/// Fetches what is known about an entry as a JSON object: OK or MISS.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_meta(
    cache: *const f3dx_cache,
    fingerprint: *const u8,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, out, err) = unsafe {
        (
            input::cache(cache),
            input::fingerprint(fingerprint),
            output::buffer(out_json, "out_json"),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        match cache?.meta(&fingerprint?)? {
            Some(meta) => Ok(out.fill_text(meta.to_json()?)),
            None => Ok(f3dx_cache_status::Miss),
        }
    })
}

/// Fetches the canonical request of an entry, ignored members included, secrets
/// as placeholders: OK or MISS.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_request(
    cache: *const f3dx_cache,
    fingerprint: *const u8,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, out, err) = unsafe {
        (
            input::cache(cache),
            input::fingerprint(fingerprint),
            output::buffer(out_json, "out_json"),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        let request = cache?.request(&fingerprint?)?;
        Ok(request.map_or(f3dx_cache_status::Miss, |request| out.fill_text(request)))
    })
}

/// Says why a request misses, and the way out: the nearest recorded request and,
/// by JSON Pointer, the differences to it. "text" is the whole for people;
/// "nearest", "suggestion", "call" and "model" may be absent.
///
///     {"text": "f3dx-cache: not recorded (mode replay: ...", "reason": "...",
///      "mode": "replay", "mode_reason": "CI is set", "path": "...",
///      "entries": 12, "fingerprint": "9f86...", "nearest": {"fingerprint":
///      "5d41...", "differences": [{"path": "/temperature", "recorded": "0",
///      "requested": "0.7"}], "more": 0}, "suggestion": "...", "command": "..."}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_explain_miss(
    cache: *const f3dx_cache,
    request: *const c_char,
    request_len: usize,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, request, out, err) = unsafe {
        (
            input::cache(cache),
            input::json(request, request_len, "request"),
            output::buffer(out_json, "out_json"),
            output::error(err),
        )
    };
    guard(err, || {
        let explanation = cache?.explain(request?)?;
        out?.fill_json(&Told { text: explanation.to_string(), facts: explanation })
    })
}
