//! A process that does with a cache what its standard input says, a line each, and
//! answers on standard output. The workers in C and Python speak the same.
//!
//! | command | answer |
//! | --- | --- |
//! | `open MODE PATH` | `ok` |
//! | `put FROM TO` | `put N` for each of the entries FROM to TO (exclusive) once it is durable, then `ok` |
//! | `get FROM TO` | `got HITS MISSES WRONG` |
//! | `compact` | `ok` |
//! | `close` | `ok` |
//!
//! A failure is `error KIND MESSAGE`, in place of whatever would have come next.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use f3dx_cache_core::{Cache, Meta, Mode, Options};
use f3dx_cache_tests::entries::{request, response};
use std::io::{BufRead, Write};

type Outcome = Result<String, String>;

fn main() {
    let mut cache = None;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        say(&obey(&line, &mut cache).unwrap_or_else(|error| error));
    }
}

fn obey(line: &str, cache: &mut Option<Cache>) -> Outcome {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    if command == "open" {
        let (mode, path) = rest.split_once(' ').ok_or("error usage open MODE PATH")?;
        let mode: Mode = mode.parse().map_err(told)?;
        let options = Options { mode: Some(mode), ..Options::default() };
        *cache = Some(Cache::open(path, options).map_err(told)?);
        return Ok("ok".into());
    }
    if command == "close" {
        let open = cache.take().ok_or("error usage nothing is open")?;
        return open.close().map(|()| "ok".into()).map_err(told);
    }
    let cache = cache.as_ref().ok_or("error usage nothing is open")?;
    match command {
        "put" => {
            for n in range(rest)? {
                cache.put(&request(n), &response(n), Meta::default()).map_err(told)?;
                say(&format!("put {n}"));
            }
            Ok("ok".into())
        }
        "get" => {
            let (mut hits, mut misses, mut wrong) = (0, 0, 0);
            for n in range(rest)? {
                match cache.get(&request(n)).map_err(told)? {
                    Some(found) if found.body == response(n) => hits += 1,
                    Some(_) => wrong += 1,
                    None => misses += 1,
                }
            }
            Ok(format!("got {hits} {misses} {wrong}"))
        }
        "compact" => cache.compact().map(|_| "ok".into()).map_err(told),
        _ => Err(format!("error usage no command {command:?}")),
    }
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let numbers =
        text.split_once(' ').and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    numbers.ok_or_else(|| "error usage FROM TO".into())
}

fn told(error: f3dx_cache_core::Error) -> String {
    let message = error.to_string().replace('\n', " ");
    format!("error {} {message}", error.kind().name())
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Who no longer listens has ended the test.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
