//! Records LLM responses once and replays them by content.
#![deny(unsafe_code)]

mod error;
pub mod json;
mod config;
// Memo and sketch wait for the cache.
#[allow(dead_code)]
mod fingerprint;
pub mod http;
mod identity;
mod mode;
mod options;
pub mod secrets;
#[allow(dead_code)]
mod sketch;

pub use error::{Error, ErrorKind, JsonErrorKind, Result};
pub use fingerprint::{Fingerprint, fingerprint};
pub use identity::{Identity, IdentityPolicy, is_http_document, suggest_preset};
pub use json::canonicalize;
pub use mode::Mode;
pub use options::{Normalize, NormalizeRule, Options, Repeats, Scope};
