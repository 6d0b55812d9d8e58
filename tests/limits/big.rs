//! Responses and requests of 100 MB (a sample of `make test`: 12 MB).

use crate::limit;
use f3dx_cache_core::{Cache, ErrorKind, Meta, Options};
use f3dx_cache_tests::torture::{Tally, rounds};

/// Memory of the process itself, in KiB: what a small one takes, and what allocators keep.
const PROCESS: u64 = 48 << 10;

/// Does something big in a process of its own, which checks every byte; its memory
/// stays below `times` the length.
fn bounded(what: &str, commands: &[(&str, u64)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.redb");
    let length = rounds(12_000_000, 100_000_000);
    let mut tally = Tally::of(format!("{what} of {} MB", length / 1_000_000));
    for (command, times) in commands {
        let peak = limit(command, &path, length);
        let most = times * (length as u64 >> 10) + PROCESS;
        assert!(peak <= most, "{command}: {peak} KiB for {length} bytes, at most {most} KiB");
        tally.count += 1;
        let of_length = peak as f64 * 1024.0 / length as f64;
        tally.note += &format!("{command}: peak {} MB, {of_length:.1} times it; ", peak / 1000);
    }
    tally.finish();
}

#[test]
fn a_response_that_is_put_by_hand_takes_five_times_its_length_at_most() {
    bounded("a response put by hand", &[("put", 5), ("get", 3)]);
}

#[test]
fn a_response_over_http_takes_five_times_its_length_at_most() {
    bounded("a response over HTTP", &[("send", 5), ("replay", 3)]);
}

#[test]
fn a_stream_takes_five_times_its_length_at_most() {
    bounded("an event stream", &[("stream", 5), ("replay", 3)]);
}

#[test]
fn a_request_takes_six_times_its_length_at_most() {
    bounded("a request", &[("ask", 6)]);
}

#[test]
fn a_response_beyond_max_bytes_is_refused_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.redb");
    let options = Options { max_bytes: Some(4 << 20), ..Options::default() };
    let cache = Cache::open(&path, options).unwrap();
    cache.put(b"1", b"small", Meta::default()).unwrap();
    let error = cache.put(b"2", &vec![b'x'; 8 << 20], Meta::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(error.to_string().contains("`max_bytes` (4194304)"), "{error}");
    assert!(std::fs::metadata(&path).unwrap().len() < 4 << 20);
    assert_eq!(cache.get(b"1").unwrap().unwrap().body, b"small");
    assert_eq!(cache.get(b"2").unwrap(), None);
}
