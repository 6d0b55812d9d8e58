//! From values to C's out-parameters.
//!
//! Whatever makes an output empties its target first, so that no path leaves it
//! unwritten. Targets stay pointers until they are written: callers may pass one
//! variable twice, and references to it would not be theirs alone.

use crate::buffer::f3dx_cache_buffer;
use crate::error::f3dx_cache_error;
use crate::fingerprint::F3DX_CACHE_FINGERPRINT_LEN;
use crate::input::invalid;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::{Fingerprint, Result};
use serde::Serialize;
use std::ptr::NonNull;

/// An out-parameter that has been emptied, or a NULL where that is allowed.
pub(crate) struct Out<T>(Option<NonNull<T>>);

/// The bytes of a fingerprint.
pub(crate) type FingerprintBytes = [u8; F3DX_CACHE_FINGERPRINT_LEN];

/// Where the error goes.
pub(crate) struct Failure(Out<*mut f3dx_cache_error>);

impl<T> Out<T> {
    /// Empties a target that may be NULL.
    ///
    /// # Safety
    ///
    /// The crate's safety contract: it is valid to write until the call returns.
    pub(crate) unsafe fn optional(target: *mut T, nothing: T) -> Self {
        let target = NonNull::new(target);
        if let Some(target) = target {
            // SAFETY: the caller's promise; what was there is not dropped.
            unsafe { target.write(nothing) };
        }
        Self(target)
    }

    /// Empties a target that must not be NULL.
    ///
    /// # Safety
    ///
    /// As [`Out::optional`].
    pub(crate) unsafe fn required(target: *mut T, nothing: T, name: &str) -> Result<Self> {
        // SAFETY: the caller's promise.
        match unsafe { Self::optional(target, nothing) } {
            Self(None) => Err(invalid(format!("{name} is NULL"))),
            out => Ok(out),
        }
    }

    /// Writes the value.
    pub(crate) fn give(self, value: T) -> f3dx_cache_status {
        if let Some(target) = self.0 {
            // SAFETY: whoever made this promised that it is valid to write.
            unsafe { target.write(value) };
        }
        f3dx_cache_status::Ok
    }

    /// Returns whether the caller wants the value.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }
}

impl Out<f3dx_cache_buffer> {
    /// Hands bytes over.
    pub(crate) fn fill(self, bytes: Vec<u8>) -> f3dx_cache_status {
        match self.is_wanted() {
            true => self.give(f3dx_cache_buffer::of_bytes(bytes)),
            false => f3dx_cache_status::Ok,
        }
    }

    /// Hands text over, with a NUL behind it.
    pub(crate) fn fill_text(self, text: impl Into<Vec<u8>>) -> f3dx_cache_status {
        match self.is_wanted() {
            true => self.give(f3dx_cache_buffer::of_text(text.into())),
            false => f3dx_cache_status::Ok,
        }
    }

    /// Hands a value over as JSON.
    pub(crate) fn fill_json(self, value: &impl Serialize) -> Result<f3dx_cache_status> {
        let text = serde_json::to_vec(value)
            .map_err(|cause| invalid("no JSON spelling").because(cause))?;
        Ok(self.fill_text(text))
    }
}

impl Out<FingerprintBytes> {
    /// Writes a fingerprint.
    pub(crate) fn spell(self, fingerprint: &Fingerprint) -> f3dx_cache_status {
        self.give(*fingerprint.as_bytes())
    }
}

impl<T> Out<*mut T> {
    /// Hands a handle over.
    pub(crate) fn hand(self, value: T) -> f3dx_cache_status {
        self.give(Box::into_raw(Box::new(value)))
    }
}

impl Failure {
    /// Hands an error over.
    pub(crate) fn give(self, error: f3dx_cache_error) {
        if self.0.is_wanted() {
            self.0.hand(error);
        }
    }
}

/// Empties where the error goes.
///
/// # Safety
///
/// As [`Out::optional`].
pub(crate) unsafe fn error(err: *mut *mut f3dx_cache_error) -> Failure {
    // SAFETY: the caller's promise.
    Failure(unsafe { Out::optional(err, std::ptr::null_mut()) })
}

/// Empties a buffer.
///
/// # Safety
///
/// As [`Out::optional`].
pub(crate) unsafe fn buffer(
    target: *mut f3dx_cache_buffer,
    name: &str,
) -> Result<Out<f3dx_cache_buffer>> {
    // SAFETY: the caller's promise.
    unsafe { Out::required(target, f3dx_cache_buffer::EMPTY, name) }
}

/// Empties where a handle goes.
///
/// # Safety
///
/// As [`Out::optional`].
pub(crate) unsafe fn handle<T>(target: *mut *mut T, name: &str) -> Result<Out<*mut T>> {
    // SAFETY: the caller's promise.
    unsafe { Out::required(target, std::ptr::null_mut(), name) }
}

/// Empties a fingerprint.
///
/// # Safety
///
/// As [`Out::optional`].
pub(crate) unsafe fn fingerprint(target: *mut u8) -> Result<Out<FingerprintBytes>> {
    // SAFETY: the caller's promise; it has 32 bytes of any alignment.
    unsafe { Out::required(target.cast(), [0; F3DX_CACHE_FINGERPRINT_LEN], "out_fingerprint") }
}

/// Empties a fingerprint that the caller may not want.
///
/// # Safety
///
/// As [`Out::optional`].
pub(crate) unsafe fn fingerprint_or_null(target: *mut u8) -> Out<FingerprintBytes> {
    // SAFETY: the caller's promise; it has 32 bytes of any alignment.
    unsafe { Out::optional(target.cast(), [0; F3DX_CACHE_FINGERPRINT_LEN]) }
}
