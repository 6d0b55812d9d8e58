//! JSON texts: their canonical form, and what is read from it.
//!
//! [`Canonicalizer`] is the hot path: `reader` passes once over the bytes and
//! notes on a `tape` which of them are canonical already, `canonical` copies
//! those in order. [`Document`] and what works on it are for the cold paths.

mod alignment;
mod canonical;
mod difference;
mod document;
mod number;
mod pointer;
mod reader;
mod rewrite;
mod rules;
mod string;
mod tape;

pub use canonical::{Canonicalizer, canonicalize, to_canonical};
pub use difference::{Difference, Differences, differences, differences_by};
pub use document::{Document, Items, Kind, Members, Node};
pub use number::{write_double, write_i64, write_integer};
pub use pointer::{Pointer, PointerSet, Segment};
pub use rewrite::{Edit, rewrite};
pub use rules::Rules;
pub use string::{compare_keys, write_string};
