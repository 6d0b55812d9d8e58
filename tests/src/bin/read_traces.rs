//! Reads a trace, and says on one line how many rows it has, how many are bad, how long that took,
//! and how much memory: `rows N bad N seconds S peak KIB`.
#![allow(clippy::print_stdout, reason = "it is what the caller reads")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use f3dx_cache_core::trace::{TraceOptions, Traces};
use f3dx_cache_tests::peak_memory;
use std::time::Instant;

fn main() {
    let path = std::env::args_os().nth(1).expect("the path of a trace is needed");
    let start = Instant::now();
    let mut traces = Traces::open(path, &TraceOptions::default()).unwrap();
    let rows = traces.by_ref().map(Result::unwrap).count();
    let seconds = start.elapsed().as_secs_f64();
    println!("rows {rows} bad {} seconds {seconds} peak {}", traces.bad(), peak_memory());
}
