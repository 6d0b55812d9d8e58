//! Opening a cache, sessions on it, and closing it.

use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::input::{self, invalid};
use crate::options::{self, Wanted, f3dx_cache_options, once};
use crate::output;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::{Cache, Result};
use std::ffi::c_char;
use std::path::Path;

/// An open cache file, or a session on one.
pub struct f3dx_cache {
    cache: Cache,
    /// Whether it is a session: the handle that was opened outlives it in spirit,
    /// and writes the hit counts.
    session: bool,
}

impl f3dx_cache {
    /// Returns what core knows.
    pub(crate) fn inner(&self) -> &Cache {
        &self.cache
    }
}

/// Opens the file at `path`. RECORD and REFRESH create it if there is none; in
/// REPLAY and READ_ONLY that is IO, and OFF never touches it. NULL options mean
/// the defaults. `path` may be NULL in TEST mode: options, environment,
/// f3dx-cache.toml or a default name it, and f3dx_cache_get_settings says which.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_open(
    path: *const c_char,
    options: *const f3dx_cache_options,
    out_cache: *mut *mut f3dx_cache,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (out, err) = unsafe { (output::handle(out_cache, "out_cache"), output::error(err)) };
    guard(err, || {
        // SAFETY: the crate's safety contract.
        let (path, wanted) = unsafe { (input::path(path)?, options::read(options)?) };
        let out = out?;
        Ok(out.hand(f3dx_cache { cache: open(path, wanted)?, session: false }))
    })
}

fn open(path: Option<&Path>, Wanted { test, mut options }: Wanted) -> Result<Cache> {
    match (path, test) {
        (path, true) => {
            once("path", &mut options.path, path.map(Path::to_owned))?;
            Cache::for_tests(options)
        }
        (Some(path), false) => Cache::open(path, options),
        (None, false) => Err(invalid("path is NULL; name the file, or open it in mode TEST")),
    }
}

/// Makes a handle on the same open file with counters, occurrences, refused
/// misses and warnings of its own: that of one test. `test` names the test, for
/// scope, meta and messages; `command` is what records its misses, for
/// explanations. Both may be (NULL, 0). Close the session like a cache.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_session(
    cache: *const f3dx_cache,
    test: *const c_char,
    test_len: usize,
    command: *const c_char,
    command_len: usize,
    out_cache: *mut *mut f3dx_cache,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, test, command, out, err) = unsafe {
        (
            input::cache(cache),
            input::text(test, test_len, "test"),
            input::text(command, command_len, "command"),
            output::handle(out_cache, "out_cache"),
            output::error(err),
        )
    };
    guard(err, || {
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let session = cache?.session(named(test?), named(command?));
        Ok(out?.hand(f3dx_cache { cache: session, session: true }))
    })
}

/// Writes the hit counts, if something was recorded through this opening or
/// persist_hits is on. Every put that returned OK is durable already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_flush(
    cache: *mut f3dx_cache,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, err) = unsafe { (input::cache(cache), output::error(err)) };
    guard(err, || cache?.flush().map(|()| f3dx_cache_status::Ok))
}

/// Gives up the view of the file that a replaying handle keeps between lookups,
/// so that recorders elsewhere may reuse space. For the end of a test: the next
/// lookup takes a new one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_release_snapshot(
    cache: *const f3dx_cache,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, err) = unsafe { (input::cache(cache), output::error(err)) };
    guard(err, || {
        cache?.release();
        Ok(f3dx_cache_status::Ok)
    })
}

/// Closes a cache or a session; the file stays open for what else uses it.
/// Closing a cache flushes, and has no way to tell of a failure: to hear of one,
/// call f3dx_cache_flush before. Hits counted after that are not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_close(cache: *mut f3dx_cache) {
    quietly((), || {
        if cache.is_null() {
            return;
        }
        // SAFETY: the caller gives a cache of this library, once.
        let closed = unsafe { Box::from_raw(cache) };
        match closed.session {
            true => closed.cache.release(),
            // What hit counts are lost with is not worth a failure.
            false => drop(closed.cache.flush()),
        }
    });
}

/// Threads share what the header says they may.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<f3dx_cache>();
};
