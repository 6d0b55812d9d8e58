//! Single flight for explicit lookups.

use crate::cache::f3dx_cache;
use crate::error::f3dx_cache_error;
use crate::guard::{guard, quietly};
use crate::input;
use crate::output;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::{Claim, Claimed, Holder};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The right to call the model for one fingerprint.
pub struct f3dx_cache_claim_guard(#[expect(dead_code, reason = "dropping it is its use")] Claim);

/// Asks for the right to call the model for a fingerprint that missed, waiting at
/// most `timeout_ms` for one who has it (0: not at all, for hosts that must not
/// block).
///
///     OK    the response is recorded meanwhile: get it
///     MISS  call the model, put its response, then free the claim. It is NULL
///           where nothing is claimed: the mode does not record, or this holder
///           holds another claim and must not wait
///     WAIT  another one is still at it: ask again, or call without a claim
///
/// `holder` tells threads or tasks apart by numbers of the caller's; 0 stands for
/// the calling thread.
/// cbindgen:ptrs-as-arrays=[[fingerprint; F3DX_CACHE_FINGERPRINT_LEN]]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_claim(
    cache: *mut f3dx_cache,
    fingerprint: *const u8,
    holder: u64,
    timeout_ms: u32,
    out_claim: *mut *mut f3dx_cache_claim_guard,
    err: *mut *mut f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the crate's safety contract.
    let (cache, fingerprint, out, err) = unsafe {
        (
            input::cache(cache),
            input::fingerprint(fingerprint),
            output::handle(out_claim, "out_claim"),
            output::error(err),
        )
    };
    guard(err, || {
        let out = out?;
        let patience = Duration::from_millis(timeout_ms.into());
        match cache?.claim(&fingerprint?, self::holder(holder), patience)? {
            Claimed::Recorded => Ok(f3dx_cache_status::Ok),
            Claimed::Wait => Ok(f3dx_cache_status::Wait),
            Claimed::Call(claim) => {
                if let Some(claim) = claim {
                    out.hand(f3dx_cache_claim_guard(claim));
                }
                Ok(f3dx_cache_status::Miss)
            }
        }
    })
}

/// Gives up a claim, recorded or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_claim_free(claim: *mut f3dx_cache_claim_guard) {
    quietly((), || {
        if !claim.is_null() {
            // SAFETY: the caller gives a claim of this library, once.
            drop(unsafe { Box::from_raw(claim) });
        }
    });
}

/// Returns who asks; 0 is the calling thread.
pub(crate) fn holder(given: u64) -> Holder {
    // Callers number their threads and tasks by small numbers or addresses, so
    // the upper half of the numbers is free.
    static NEXT: AtomicU64 = AtomicU64::new(1 << 63);
    thread_local! {
        static THREAD: Holder = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    match given {
        // A destructor of another thread-local value may run after this one is gone.
        0 => THREAD.try_with(|own| *own).unwrap_or(u64::MAX),
        given => given,
    }
}

/// Another thread may give it up.
const _: () = {
    const fn moved<T: Send>() {}
    moved::<f3dx_cache_claim_guard>();
};
