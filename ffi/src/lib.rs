//! The C API: `extern "C"` functions over `f3dx_cache_core`.
//!
//! `include/f3dx_cache.h` is generated from the doc comments here and states the
//! rules for callers; `tests/header.rs` keeps it so. The functions do nothing that
//! core could do: they turn pointers into checked values, call core, and turn the
//! outcome into a status.
//!
//! # Safety
//!
//! Every exported function is `unsafe` for the same reason, so none repeats it: the
//! caller vouches, by the header's rules, that
//!
//! - a pointer with a length, or to a NUL-terminated text, is valid to read;
//! - an out-parameter is valid to write, if uninitialised;
//! - a handle, an error or a buffer came from this library, was not released, and is
//!   used by as many threads at once as its type allows;
//! - all of it holds until the function returns.
//!
//! What can be checked is: NULL, lengths, UTF-8, enum values, sizes of structs. No
//! panic crosses the boundary: [`guard::guard`] and [`guard::quietly`] catch it.
#![allow(non_camel_case_types, reason = "the names of C")]

// The order of the header.
mod version;

mod status;

mod error;

mod buffer;

mod options;

mod cache;

mod fingerprint;

mod entries;

mod http;

mod exchange;

mod claim;

mod iter;

mod report;

mod verify;

mod callback;

mod trace;

mod diff;

mod replay;

// What all of them use.
mod guard;
mod input;
mod output;
