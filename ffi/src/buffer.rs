//! Bytes that this library hands out.

use crate::guard::quietly;
use std::ffi::c_void;

/// Bytes owned by the library. Release with f3dx_cache_buffer_free; do not change
/// the fields. A buffer with JSON also has a NUL at data[len]. In one that was
/// filled, data is not NULL, even where len is 0.
#[repr(C)]
pub struct f3dx_cache_buffer {
    /// The bytes.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
    /// The library's.
    pub owner: *mut c_void,
}

impl f3dx_cache_buffer {
    /// What owns nothing.
    pub(crate) const EMPTY: Self =
        Self { data: std::ptr::null(), len: 0, owner: std::ptr::null_mut() };

    /// Hands bytes to the caller.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        let owner = Box::new(bytes);
        // Moving the vector into its box left its bytes where they are.
        Self { data: owner.as_ptr(), len, owner: Box::into_raw(owner).cast() }
    }

    /// Hands text to the caller, with a NUL behind it.
    pub(crate) fn of_text(mut text: Vec<u8>) -> Self {
        text.push(0);
        let buffer = Self::of_bytes(text);
        Self { len: buffer.len - 1, ..buffer }
    }
}

/// Releases a buffer and empties it, so that a second call does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn f3dx_cache_buffer_free(buffer: *mut f3dx_cache_buffer) {
    quietly((), || {
        if buffer.is_null() {
            return;
        }
        // SAFETY: the caller gives a buffer that this library filled or emptied.
        let owner = unsafe { buffer.replace(f3dx_cache_buffer::EMPTY) }.owner;
        if !owner.is_null() {
            // SAFETY: `of_bytes` made it from this type, and it was taken out above.
            drop(unsafe { Box::from_raw(owner.cast::<Vec<u8>>()) });
        }
    });
}
