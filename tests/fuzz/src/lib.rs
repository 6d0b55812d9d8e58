//! What the fuzz targets check, one module each: `run` takes any bytes, and panics
//! where a promise does not hold.
//!
//! `make fuzz SECONDS=60` runs each under libFuzzer and AddressSanitizer, beginning
//! with `seeds/<target>`. What it finds is kept in `findings/<target>`; both run in
//! `make test`, from `tests/fuzzed`, which includes the same modules and needs neither
//! libFuzzer nor instrumentation.

pub mod call;
pub mod canonicalize;
pub mod config;
pub mod edge;
pub mod identity;
pub mod input;
pub mod response;
pub mod rows;
