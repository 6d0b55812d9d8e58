//! `NativeClaim`: the right to call the model for one request.

use f3dx_cache_core::{Claim, Holder};
use napi_derive::napi;
use std::sync::atomic::{AtomicU64, Ordering};

/// The right to call the model for one request, until `release`.
#[napi]
pub struct NativeClaim {
    claim: Option<Claim>,
}

impl NativeClaim {
    /// Wraps core's claim; `None` where there is nothing to claim.
    pub fn new(claim: Option<Claim>) -> Self {
        Self { claim }
    }
}

#[napi]
impl NativeClaim {
    /// Lets the next one call; a second call does nothing.
    #[napi]
    pub fn release(&mut self) {
        self.claim = None;
    }
}

/// Returns a number for a call that asks for a claim.
///
/// Each is its own holder: calls in JavaScript are tasks, and none of them keeps the
/// others from running while it waits.
pub fn holder() -> Holder {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}
