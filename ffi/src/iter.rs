//! A walk over the entries.

use crate::buffer::f3dx_cache_buffer;
use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::input;
use crate::output::{self, Out};
use crate::status::f3dx_cache_status;
use f3dx_cache_core::Entries;

/// A walk over the entries as they were when it began.
pub struct f3dx_cache_iter(Entries);

/// Begins a walk in the order of fingerprints. Later writes are not seen. While
/// it lives, recorders cannot reuse the space of what they replace. A forked child
/// begins its own: the walk of its parent is INVALID_ARGUMENT there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_iter_new(
    cache: *const f3dx_cache,
    out_iter: *mut *mut f3dx_cache_iter,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, out, err) =
        unsafe { (input::cache(cache), output::handle(out_iter, "out_iter"), output::error(err)) };
    guard(err, || {
        let out = out?;
        Ok(out.hand(f3dx_cache_iter(cache?.entries()?)))
    })
}

/// Gives the next entry, and what is known about it: OK or END. `out_meta` may be
/// NULL. After a failure, the next call goes on with the next entry.
/// cbindgen:ptrs-as-arrays=[[out_fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_iter_next(
    iter: *mut f3dx_cache_iter,
    out_fingerprint: *mut u8,
    out_meta: *mut f3dx_cache_buffer,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (iter, fingerprint, meta, err) = unsafe {
        (
            input::handle_mut(iter, "iter"),
            output::fingerprint(out_fingerprint),
            Out::optional(out_meta, f3dx_cache_buffer::EMPTY),
            output::error(err),
        )
    };
    guard(err, || {
        let fingerprint = fingerprint?;
        let Some(entry) = iter?.0.next().transpose()? else { return Ok(f3dx_cache_status::End) };
        if meta.is_wanted() {
            meta.fill_text(entry.meta.to_json()?);
        }
        Ok(fingerprint.spell(&entry.fingerprint))
    })
}

/// Ends a walk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_iter_free(iter: *mut f3dx_cache_iter) {
    quietly((), || {
        if !iter.is_null() {
            // SAFETY: the caller gives a walk of this library, once.
            drop(unsafe { Box::from_raw(iter) });
        }
    });
}

/// Another thread may go on with it.
const _: () = {
    const fn moved<T: Send>() {}
    moved::<f3dx_cache_iter>();
};
