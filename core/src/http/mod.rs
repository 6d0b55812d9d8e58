//! HTTP calls: which are a provider's, what identifies them, and what of their
//! responses is kept.
//!
//! A binding hands over a call as it is about to be sent and asks
//! [`HttpPolicy::classify`]; when it was sent, [`HttpPolicy::verdict`] says
//! whether the response may be recorded. Nothing here touches a network.

mod call;
mod eventstream;
mod keys;
mod multipart;
mod outline;
mod policy;
mod providers;
mod response;
mod sse;
mod stream;
pub(crate) mod url;
mod usage;

pub(crate) use eventstream::payloads;
pub(crate) use outline::end_of_string;
pub(crate) use policy::carries_credential;
pub(crate) use url::unescape;

pub use call::{Classified, HttpCall, RequestDocument};
pub use keys::key_variables;
pub use policy::HttpPolicy;
pub use providers::base_url_variables;
pub use response::{Chunk, ResponseHead, Verdict, kept_headers};
pub use stream::{StreamState, StreamWatcher};
pub use usage::{ResponseFacts, Usage, facts_of, usage_of};
