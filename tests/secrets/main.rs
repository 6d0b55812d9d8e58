//! No secret that a caller sends is anywhere in the file, beside it, or in a message.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod base64;
mod corpus;
mod echoed;
mod identity;
mod messages;
mod ordinary;
mod placed;
mod recorded;
mod sent;
