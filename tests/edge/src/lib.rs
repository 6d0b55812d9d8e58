//! The entry points of the C API, as a Rust library: the sources of `ffi`, whose
//! safety contract stands in `ffi/src/lib.rs`.
#![allow(non_camel_case_types, reason = "the names of C")]
#![allow(clippy::missing_safety_doc, reason = "one contract for all, in ffi/src/lib.rs")]

#[path = "../../../ffi/src/buffer.rs"]
pub mod buffer;
#[path = "../../../ffi/src/cache.rs"]
pub mod cache;
#[path = "../../../ffi/src/claim.rs"]
pub mod claim;
#[path = "../../../ffi/src/entries.rs"]
pub mod entries;
#[path = "../../../ffi/src/error.rs"]
pub mod error;
#[path = "../../../ffi/src/exchange.rs"]
pub mod exchange;
#[path = "../../../ffi/src/fingerprint.rs"]
pub mod fingerprint;
#[path = "../../../ffi/src/http.rs"]
pub mod http;
#[path = "../../../ffi/src/iter.rs"]
pub mod iter;
#[path = "../../../ffi/src/options.rs"]
pub mod options;
#[path = "../../../ffi/src/report.rs"]
pub mod report;
#[path = "../../../ffi/src/status.rs"]
pub mod status;
#[path = "../../../ffi/src/verify.rs"]
pub mod verify;
#[path = "../../../ffi/src/version.rs"]
pub mod version;

#[path = "../../../ffi/src/guard.rs"]
mod guard;
#[path = "../../../ffi/src/input.rs"]
mod input;
#[path = "../../../ffi/src/output.rs"]
mod output;
