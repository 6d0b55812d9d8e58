//! A process that does one big thing with a cache, checks what comes of it, and says
//! on one line how much memory it took at most: `peak KIB`.
//!
//! | arguments | what |
//! | --- | --- |
//! | `put PATH BYTES` | records a response of that length by hand |
//! | `get PATH BYTES` | looks it up |
//! | `send PATH BYTES` | records a JSON response of that length as an HTTP call |
//! | `stream PATH BYTES` | records an event stream of that length, in events of 1 KB |
//! | `replay PATH BYTES` | replays the HTTP call |
//! | `ask PATH BYTES` | records and looks up a request of that length |
//! | `wide PATH COUNT` | records, looks up and explains a request of so many members |
//! | `fill PATH COUNT` | records so many entries |
//! | `read PATH COUNT` | looks entries up, explains a miss, walks, and counts them all |
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "that is what it is for")]

use f3dx_cache_core::http::HttpCall;
use f3dx_cache_core::{Cache, Decision, End, Meta, Mode, Options, Turn};
use f3dx_cache_tests::entries::{request, response};
use f3dx_cache_tests::peak_memory;
use std::fmt::Write as _;
use std::path::Path;

const REQUEST: &[u8] = b"{\"big\":1}";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, path, number] = arguments.as_slice() else { panic!("COMMAND PATH NUMBER") };
    let number: usize = number.parse().unwrap();
    match command.as_str() {
        "put" => {
            let cache = open(path, Mode::Record);
            cache.put(REQUEST, &text(number), Meta::default()).unwrap();
        }
        "get" => {
            let found = open(path, Mode::Replay).get(REQUEST).unwrap().unwrap();
            assert_eq!(found.body.len(), number);
            assert!(found.body.iter().enumerate().all(|(n, byte)| *byte == letter(n)));
        }
        "send" => record(&open(path, Mode::Record), "application/json", json(number)),
        "stream" => record(&open(path, Mode::Record), "text/event-stream", events(number)),
        "replay" => {
            let Decision::Replay(replay) = intercept(&open(path, Mode::Replay)) else {
                panic!("it is recorded")
            };
            let is_json = replay.head.header("content-type") == Some("application/json");
            let mut at = 0;
            let pieces: Box<dyn Iterator<Item = Vec<u8>>> =
                if is_json { Box::new(json(number)) } else { Box::new(events(number)) };
            for piece in pieces {
                assert!(replay.body[at..].starts_with(&piece));
                at += piece.len();
            }
            assert_eq!(replay.body.len(), at);
        }
        "ask" => {
            let cache = open(path, Mode::Record);
            let mut long = b"{\"prompt\":\"".to_vec();
            long.extend(text(number));
            long.extend_from_slice(b"\"}");
            cache.put(&long, b"yes", Meta::default()).unwrap();
            assert_eq!(cache.get(&long).unwrap().unwrap().body, b"yes");
        }
        "wide" => wide(path, number as u64),
        "fill" => fill(path, number as u64),
        "read" => read(path, number as u64),
        _ => panic!("no command {command:?}"),
    }
    println!("peak {}", peak_memory());
}

fn open(path: &str, mode: Mode) -> Cache {
    let options = Options { mode: Some(mode), ..Options::default() };
    Cache::open(Path::new(path), options).unwrap()
}

fn letter(n: usize) -> u8 {
    b"the quick brown fox. "[n % 21]
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(letter).collect()
}

/// A JSON body of this length, in pieces as a network delivers them.
fn json(length: usize) -> impl Iterator<Item = Vec<u8>> {
    let begin = b"{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"".to_vec();
    let end = b"\"}}]}".to_vec();
    let rest = length - begin.len() - end.len();
    let middle = (0..rest.div_ceil(1 << 16)).map(move |n| text((rest - (n << 16)).min(1 << 16)));
    std::iter::once(begin).chain(middle).chain(std::iter::once(end))
}

fn events(length: usize) -> impl Iterator<Item = Vec<u8>> {
    let event = |content: &str, reason: &str| {
        let event = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}},\"finish_reason\":{reason}}}]}}\n\n"
        );
        event.into_bytes()
    };
    let words = String::from_utf8(text(930)).unwrap();
    let last = [event("", "\"stop\""), b"data: [DONE]\n\n".to_vec()];
    (0..length >> 10).map(move |_| event(&words, "null")).chain(last)
}

fn intercept(cache: &Cache) -> Decision {
    let url = "https://api.openai.com/v1/chat/completions";
    let headers = [("authorization", "Bearer 0123456789abcdef0123456789")];
    let body = b"{\"model\":\"m\",\"stream\":true}";
    cache.intercept(&HttpCall { method: "POST", url, headers: &headers, body }).unwrap()
}

fn record(cache: &Cache, content_type: &str, pieces: impl Iterator<Item = Vec<u8>>) {
    let Decision::Send(mut exchange) = intercept(cache) else { panic!("it is not recorded") };
    assert!(matches!(exchange.claim(1).unwrap(), Turn::Send));
    exchange.head(200, &[("content-type", content_type)]);
    for piece in pieces {
        exchange.chunk(&piece);
    }
    assert!(exchange.finish(End::Eof).unwrap());
}

fn wide(path: &str, members: u64) {
    let cache = open(path, Mode::Record);
    let mut request = object(members);
    cache.put(&request, b"wide", Meta::default()).unwrap();
    assert_eq!(cache.get(&request).unwrap().unwrap().body, b"wide");
    // The last member gets another value.
    let last = request.len() - 2;
    request[last] = if request[last] == b'1' { b'2' } else { b'1' };
    assert_eq!(cache.get(&request).unwrap(), None);
    let nearest = cache.explain(&request).unwrap().nearest.unwrap();
    assert_eq!((nearest.differences.len(), nearest.more), (1, 0));
}

/// An object with so many members, in an order that is not canonical.
fn object(members: u64) -> Vec<u8> {
    let mut text = String::from("{");
    for n in 0..members {
        // An odd factor visits every number below a power of two once.
        let name = n.wrapping_mul(0x9e37_79b1) & 0xffff_ffff;
        write!(text, "\"k{name}\":{n},").unwrap();
    }
    text.pop();
    text.push('}');
    text.into_bytes()
}

/// Records from many threads, so that many puts share a transaction, in the order of
/// their fingerprints, so that a transaction touches few pages.
fn fill(path: &str, count: u64) {
    const THREADS: usize = 1024;
    let cache = open(path, Mode::Record);
    let mut order: Vec<_> =
        (0..count).map(|n| (cache.fingerprint(&request(n)).unwrap(), n)).collect();
    order.sort_unstable();
    let together = std::sync::Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (cache, order, together) = (&cache, &order, &together);
            scope.spawn(move || {
                for round in order.chunks(THREADS) {
                    if let Some((_, n)) = round.get(thread) {
                        cache.put(&request(*n), &response(n % 50), Meta::default()).unwrap();
                    }
                    together.wait();
                }
            });
        }
    });
}

fn read(path: &str, count: u64) {
    let cache = open(path, Mode::Replay);
    for n in (0..count).step_by((count / 1000).max(1) as usize) {
        assert!(cache.get(&request(n)).unwrap().unwrap().body == response(n % 50), "entry {n}");
    }
    let explanation = cache.explain(&request(count + 1)).unwrap();
    assert_eq!(explanation.entries, count);
    assert!(explanation.nearest.is_some(), "{explanation}");
    let stats = cache.stats().unwrap();
    assert_eq!(stats.entries, count);
    assert!(stats.bytes_responses > 200 * count);
    let mut walked = 0;
    for entry in cache.entries().unwrap() {
        assert!(entry.unwrap().meta.created_at_ms > 0);
        walked += 1;
    }
    assert_eq!(walked, count);
}
