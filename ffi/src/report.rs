//! What a cache holds and what was done with it.

use crate::buffer::f3dx_cache_buffer;
use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::guard::guard;
use crate::input::{self, invalid};
use crate::options::check_size;
use crate::output;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::http::{base_url_variables, key_variables};
use f3dx_cache_core::{Cache, Result, Settings, Stats, Summary};
use serde::Serialize;
use serde_json::json;
use std::ffi::c_char;
use std::mem::size_of;

/// Counters. Set struct_size before the call.
#[repr(C)]
pub struct f3dx_cache_stats {
    /// The size of this struct, as the caller knows it.
    pub struct_size: usize,
    /// Recorded requests.
    pub entries: u64,
    /// Replays by this handle.
    pub hits: u64,
    /// Misses of this handle.
    pub misses: u64,
    /// Bytes of all requests, before storage overhead.
    pub bytes_requests: u64,
    /// Bytes of all responses with their heads, before storage overhead.
    pub bytes_responses: u64,
    /// The file's size.
    pub file_bytes: u64,
    /// The file's format; what this library writes if there is no file.
    pub format_version: u32,
    /// 0.
    pub reserved: u32,
}

/// Facts, and the whole of them for people.
#[derive(Serialize)]
pub(crate) struct Told<T> {
    pub text: String,
    #[serde(flatten)]
    pub facts: T,
}

/// Reads the counters; fills no more than out_stats->struct_size bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_stats(
    cache: *const f3dx_cache,
    out_stats: *mut f3dx_cache_stats,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, out, err) =
        unsafe { (input::cache(cache), OutStats::new(out_stats), output::error(err)) };
    guard(err, || {
        let out = out?;
        Ok(out.give(cache?.stats()?))
    })
}

/// Says what this handle did, and what its replays saved. "text" is the whole for
/// people, on one line and one more per refusal.
///
///     {"text": "f3dx-cache: 3 hits, ...", "hits": 3, "misses": 1, "recorded": 1,
///      "refused": 0, "without_claim": 0, "tokens_saved_input": 20,
///      "tokens_saved_output": 4, "time_saved_ms": 1400, "refusals":
///      [{"call": "POST api.openai.com/...", "why": "status 429", "times": 2}]}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_summary(
    cache: *const f3dx_cache,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    unsafe { report(cache, out_json, err, |cache| Ok(told(cache, cache.summary()?))) }
}

/// Adds up what several sessions on a file did, such as those of one run.
/// `summaries` is a JSON array of what f3dx_cache_get_summary said of each, and
/// `cache` any handle on the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_merge_summaries(
    cache: *const f3dx_cache,
    summaries: *const c_char,
    summaries_len: usize,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let summaries = unsafe { input::json(summaries, summaries_len, "summaries") };
    // SAFETY: the crate's safety contract.
    unsafe {
        report(cache, out_json, err, |cache| {
            let wrong =
                |cause| invalid("summaries: an array of summaries is needed").because(cause);
            let all: Vec<Summary> = serde_json::from_slice(summaries?).map_err(wrong)?;
            let mut sum = Summary::default();
            all.iter().for_each(|one| sum.merge(one));
            Ok(told(cache, sum))
        })
    }
}

fn told(cache: &Cache, summary: Summary) -> Told<Summary> {
    let settings = cache.settings();
    let mut lines = vec![summary.line(settings.mode, &settings.path)];
    lines.extend(summary.refusal_lines());
    Told { text: lines.join("\n"), facts: summary }
}

/// Says which settings are in force: {"path": "...", "mode": "replay",
/// "mode_reason": "CI is set", "config_file": null, "replay_timing": false}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_settings(
    cache: *const f3dx_cache,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    unsafe {
        report(cache, out_json, err, |cache| {
            let settings = cache.settings();
            let config_file = settings.config_file.as_ref().map(|file| file.to_string_lossy());
            Ok(json!({
                "path": settings.path.to_string_lossy(),
                "mode": settings.mode.name(),
                "mode_reason": settings.mode_reason,
                "config_file": config_file,
                "replay_timing": settings.options.replay_timing == Some(true),
            }))
        })
    }
}

/// Lists the environment variables that matter, for test hooks: those that this
/// library reads ("settings"), those that point SDKs elsewhere, which it reads at
/// every call ("base_urls"), and those that SDKs read their keys from ("keys").
/// Some SDKs do nothing without a key: a hook that replays gives those that are
/// unset a placeholder.
///
///     {"settings": ["CI", ...], "base_urls": ["OPENAI_BASE_URL", ...],
///      "keys": ["OPENAI_API_KEY", ...]}
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_variables(
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (out, err) = unsafe { (output::buffer(out_json, "out_json"), output::error(err)) };
    guard(err, || {
        out?.fill_json(&json!({
            "settings": Settings::VARIABLES,
            "base_urls": base_url_variables().collect::<Vec<_>>(),
            "keys": key_variables(),
        }))
    })
}

/// Lists the explanations of intercepted calls that were refused, as a JSON array
/// of strings: a test that swallowed one must fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_refused_misses(
    cache: *const f3dx_cache,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    unsafe { report(cache, out_json, err, |cache| Ok(cache.refused_misses())) }
}

/// Lists what the run's owner should hear, such as a secret that came back in a
/// response, as a JSON array of strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_get_warnings(
    cache: *const f3dx_cache,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    unsafe { report(cache, out_json, err, |cache| Ok(cache.warnings())) }
}

/// Hands over what `tell` says about a cache.
///
/// # Safety
///
/// The crate's safety contract.
unsafe fn report<T: Serialize>(
    cache: *const f3dx_cache,
    out_json: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
    tell: impl FnOnce(&Cache) -> Result<T>,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, out, err) =
        unsafe { (input::cache(cache), output::buffer(out_json, "out_json"), output::error(err)) };
    guard(err, || {
        let out = out?;
        out.fill_json(&tell(cache?)?)
    })
}

/// Where counters go: a struct that has the size it says, with its members zero.
struct OutStats {
    target: *mut f3dx_cache_stats,
    struct_size: usize,
}

impl OutStats {
    /// Empties a struct but for its size.
    ///
    /// # Safety
    ///
    /// The crate's safety contract: it is valid to write until the call returns, and
    /// its size is set.
    unsafe fn new(target: *mut f3dx_cache_stats) -> Result<Self> {
        if target.is_null() {
            return Err(invalid("out_stats is NULL"));
        }
        // SAFETY: the first member is there whatever the size.
        let struct_size = unsafe { (&raw const (*target).struct_size).read() };
        check_size(struct_size, size_of::<f3dx_cache_stats>())?;
        // SAFETY: the caller's promise, and the size was checked.
        unsafe {
            target.cast::<u8>().write_bytes(0, struct_size);
            (&raw mut (*target).struct_size).write(struct_size);
        }
        Ok(Self { target, struct_size })
    }

    fn give(self, stats: Stats) -> f3dx_cache_status {
        let stats = f3dx_cache_stats {
            struct_size: self.struct_size,
            entries: stats.entries,
            hits: stats.hits,
            misses: stats.misses,
            bytes_requests: stats.bytes_requests,
            bytes_responses: stats.bytes_responses,
            file_bytes: stats.file_bytes,
            format_version: stats.format_version,
            reserved: 0,
        };
        // SAFETY: whoever made this promised that it is valid to write.
        unsafe { self.target.write(stats) };
        f3dx_cache_status::Ok
    }
}
