//! The edge: failures become statuses, and no panic crosses it.

use crate::error::f3dx_cache_error;
use crate::output::Failure;
use crate::status::f3dx_cache_status;
use f3dx_cache_core::Result;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a fallible function, and hands its error to the caller.
///
/// What a panic leaves behind is safe to use, if perhaps incomplete: core holds
/// no invariant of memory safety across a call.
pub(crate) fn guard(
    err: Failure,
    work: impl FnOnce() -> Result<f3dx_cache_status>,
) -> f3dx_cache_status {
    let outcome = catch_unwind(AssertUnwindSafe(|| work().map_err(f3dx_cache_error::from)));
    let error = match outcome {
        Ok(Ok(status)) => return status,
        Ok(Err(error)) => error,
        Err(panic) => f3dx_cache_error::of_panic(&*panic),
    };
    let status = error.status();
    err.give(error);
    status
}

/// Runs the body of a function that has no way to fail; `otherwise` is its result
/// if it panics.
pub(crate) fn quietly<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{f3dx_cache_error_free, f3dx_cache_error_message};
    use crate::output;
    use f3dx_cache_core::{Error, ErrorKind};
    use std::ffi::CStr;
    use std::ptr;

    fn failing(work: impl FnOnce() -> Result<f3dx_cache_status>) -> (f3dx_cache_status, String) {
        let mut error = ptr::null_mut();
        // SAFETY: `error` outlives the guard, and is freed once.
        unsafe {
            let status = guard(output::error(&mut error), work);
            let message = CStr::from_ptr(f3dx_cache_error_message(error)).to_str().unwrap();
            let message = message.to_owned();
            f3dx_cache_error_free(error);
            (status, message)
        }
    }

    #[test]
    fn a_panic_is_a_status_and_an_error() {
        let (status, message) = failing(|| panic!("the {}", "detail"));
        assert_eq!(status, f3dx_cache_status::Panic);
        assert_eq!(message, "a defect in f3dx-cache, please report it: the detail");
        assert_eq!(quietly(7, || panic!("in a free")), 7);
    }

    #[test]
    fn a_failure_is_its_kind_and_message() {
        let (status, message) = failing(|| Err(Error::new(ErrorKind::Full, "no room")));
        assert_eq!((status, message.as_str()), (f3dx_cache_status::Full, "no room"));
    }
}
