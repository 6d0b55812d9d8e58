//! What JavaScript gets: bytes, and cold values as JSON text.

use f3dx_cache_core::{Error, ErrorKind, Result};
use napi::Env;
use napi::bindgen_prelude::BufferSlice;

/// Above this a copy costs more than what the engine keeps to free memory of ours.
const COPIED: usize = 16 << 10;

/// Returns bytes as a `Buffer`.
pub fn buffer<'env>(env: &'env Env, bytes: Vec<u8>) -> napi::Result<BufferSlice<'env>> {
    match bytes.len() <= COPIED {
        true => BufferSlice::copy_from(env, bytes),
        false => BufferSlice::from_data(env, bytes),
    }
}

/// Returns a value as JSON text.
pub fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|cause| Error::new(ErrorKind::InvalidArgument, cause.to_string()))
}
