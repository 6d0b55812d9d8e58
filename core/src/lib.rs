//! Records LLM responses once and replays them by content.
//!
//! A [`Cache`] is one file that every process and language shares. A request is
//! addressed by the BLAKE3 hash of its RFC 8785 canonical form, so a changed
//! request never gets an old answer.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`json`] | canonical form, documents, pointers, differences |
//! | `fingerprint` | the 32 bytes that address an entry |
//! | `identity`, `secrets` | what of a request takes part in its address |
//! | [`http`] | which calls are a provider's, and what may be recorded of them |
//! | `options`, `settings`, `config`, `env` | which settings are in force |
//! | `store` | the file; the only module that names redb |
//! | `opening`, `cache`, `recording` | opening a file, looking up, recording |
//! | `exchange` | an intercepted HTTP call |
//! | `inspect` | what a file holds |
//! | `explain` | why a request missed |
//! | `claim` | single flight |
//! | `session`, `summary` | what one run did |
//! | [`trace`] | recorded traces of other programs |
//! | [`diff`] | whether two outputs say the same |
//! | [`replay`] | running traces again, and reports of what changed |
#![deny(unsafe_code)]

mod address;
mod base64;
mod cache;
mod calls;
mod claim;
mod config;
pub mod diff;
mod entry;
mod env;
mod error;
mod exchange;
mod explain;
mod fingerprint;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
mod identity;
mod inspect;
pub mod json;
mod lock;
mod mode;
mod opening;
mod options;
mod recording;
mod recover;
mod repeats;
pub mod replay;
pub mod secrets;
mod session;
mod settings;
mod sketch;
mod store;
mod summary;
pub mod trace;
mod verify;

pub use cache::Cache;
pub use claim::{Claim, Claimed, Holder};
pub use entry::{Entry, Meta};
pub use env::Env;
pub use error::{Error, ErrorKind, JsonErrorKind, Result};
pub use exchange::{Decision, End, Exchange, Refused, Replay, Turn};
pub use explain::{Explanation, Nearest};
pub use fingerprint::{Fingerprint, fingerprint};
pub use identity::{Identity, IdentityPolicy, is_http_document, suggest_preset};
pub use inspect::{Entries, Stats};
pub use json::canonicalize;
pub use mode::Mode;
pub use opening::Hooks;
pub use options::{Normalize, NormalizeRule, Options, Repeats, Scope};
pub use recording::{Put, Stored};
pub use recover::{Recovery, recover};
pub use settings::Settings;
pub use store::{FORMAT_VERSION, Response};
pub use summary::{Refusal, Summary};
pub use verify::{Flaw, Verification, verify};
