//! What the benches share: requests, and files filled with them.
#![allow(clippy::unwrap_used)]

use f3dx_cache_core::{Cache, Meta, Mode, Options};
use std::path::Path;
use std::sync::Barrier;

/// A chat request of 2 KB as Python's `json.dumps` writes it.
pub const REQUEST: &str = include_str!("../fixtures/chat_request.json");

/// Returns the `n`-th request of 2 KB.
pub fn request(n: u64) -> Vec<u8> {
    REQUEST.replace("2024-0317", &n.to_string()).into_bytes()
}

/// Returns the `n`-th request of 100 bytes.
pub fn short_request(n: u64) -> Vec<u8> {
    let text = format!(
        r#"{{"model": "gpt-4o", "messages": [{{"role": "user", "content": "Sum up invoice {n}"}}]}}"#
    );
    text.into_bytes()
}

/// Makes a cache of `entries` requests at `path`, with responses of `length` bytes.
///
/// Many threads put at once, so that many puts share a transaction, and in the order
/// of their fingerprints, so that a transaction touches few pages.
pub fn fill(path: &Path, entries: u64, request: fn(u64) -> Vec<u8>, length: usize) {
    const THREADS: usize = 1024;
    let options = Options { mode: Some(Mode::Record), ..Options::default() };
    let cache = Cache::open(path, options).unwrap();
    let response = vec![b'7'; length];
    let mut order: Vec<_> =
        (0..entries).map(|n| (cache.fingerprint(&request(n)).unwrap(), n)).collect();
    order.sort_unstable();
    // The threads put together: left to themselves they soon take turns, one by one.
    let together = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (cache, order, response, together) = (&cache, &order, &response, &together);
            scope.spawn(move || {
                for turn in 0..order.len().div_ceil(THREADS) {
                    together.wait();
                    if let Some((_, n)) = order.get(turn * THREADS + thread) {
                        cache.put(&request(*n), response, Meta::default()).unwrap();
                    }
                }
            });
        }
    });
    cache.close().unwrap();
}
