//! A failure as a value of its own, which the caller owns.

use crate::guard::quietly;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::Error;
use std::any::Any;
use std::ffi::{CString, c_char};

/// A failure: a status and a message for people.
pub struct f3dx_cache_error {
    status: f3dx_cache_status,
    message: CString,
    json: Option<(CString, usize)>,
}

impl f3dx_cache_error {
    /// Describes a panic by what it was raised with.
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let detail = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no detail");
        Self {
            status: f3dx_cache_status::Panic,
            message: text(&format!("a defect in f3dx-cache, please report it: {detail}")),
            json: None,
        }
    }

    /// Returns the status.
    pub(crate) fn status(&self) -> f3dx_cache_status {
        self.status
    }
}

impl From<Error> for f3dx_cache_error {
    fn from(error: Error) -> Self {
        Self {
            status: f3dx_cache_status::of(error.kind()),
            message: text(&error.to_string()),
            json: error.json_kind().map(|(kind, at)| (text(kind.name()), at)),
        }
    }
}

/// Returns a C string; a NUL, which would end it early, is shown as U+2400.
fn text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{2400}")).unwrap_or_default()
}

/// Returns the status of a failure; OK if `error` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_error_status(
    error: *const f3dx_cache_error,
) -> f3dx_cache_status {
    // SAFETY: the caller gives NULL or an error that is not freed.
    let error = unsafe { error.as_ref() };
    error.map_or(f3dx_cache_status::Ok, f3dx_cache_error::status)
}

/// Returns the message, causes included; "" if `error` is NULL. It is one line
/// but for a refused call's explanation. Valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_error_message(error: *const f3dx_cache_error) -> *const c_char {
    // SAFETY: the caller gives NULL or an error that is not freed.
    let error = unsafe { error.as_ref() };
    error.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Returns which rule of JSON is broken: "syntax", "trailing_data",
/// "empty_input", "bom", "invalid_utf8", "duplicate_key", "lone_surrogate",
/// "number_out_of_range" or "too_deep"; NULL for any other failure. Valid until
/// the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_error_json_kind(
    error: *const f3dx_cache_error,
) -> *const c_char {
    // SAFETY: the caller gives NULL or an error that is not freed.
    let json = unsafe { error.as_ref() }.and_then(|error| error.json.as_ref());
    json.map_or(std::ptr::null(), |(kind, _)| kind.as_ptr())
}

/// Returns the byte at which the rule of JSON is broken; 0 for any other failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_error_json_at(error: *const f3dx_cache_error) -> usize {
    // SAFETY: the caller gives NULL or an error that is not freed.
    let json = unsafe { error.as_ref() }.and_then(|error| error.json.as_ref());
    json.map_or(0, |(_, at)| *at)
}

/// Releases an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_error_free(error: *mut f3dx_cache_error) {
    quietly((), || {
        if !error.is_null() {
            // SAFETY: the caller gives an error of this library, once.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use f3dx_cache_core::ErrorKind;

    #[test]
    fn a_nul_in_a_message_does_not_cut_it() {
        let error = f3dx_cache_error::from(Error::new(ErrorKind::Io, "a\0b"));
        assert_eq!(error.message.to_str().unwrap(), "a\u{2400}b");
    }
}
