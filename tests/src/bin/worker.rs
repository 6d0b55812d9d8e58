//! A process that does with a cache what its standard input says, a line each, and
//! answers on standard output. The workers in C, Python, Node (`tests/worker`) and Go
//! (`bindings/go/internal/worker`) speak the same, but for `verify` and `recover`.
//!
//! | command | answer |
//! | --- | --- |
//! | `open MODE PATH` | `ok` |
//! | `hook MODE PATH` | `ok`: opened as a test hook does |
//! | `handle N` | `ok`: what follows is for the Nth opening, at first the 0th |
//! | `put FROM TO` | `put N` for each of the entries FROM to TO (exclusive) once it is durable, then `ok` |
//! | `get FROM TO` | `got HITS MISSES WRONG` |
//! | `mix FROM TO` | as `put`, and after each it gets one that it has put; then `got HITS MISSES WRONG` |
//! | `entry N` | `entry FINGERPRINT META`, as JSON, of the Nth entry |
//! | `explain N` | `explain TEXT`: why the Nth entry would miss, on one line |
//! | `ask PORT PROMPT` | `answer ID` of the mock provider, sent or replayed |
//! | `summary` | `summary HITS MISSES RECORDED REFUSED WITHOUT_CLAIM` |
//! | `compact` | `ok` |
//! | `verify PATH` | `verified ENTRIES INTACT FLAWS` |
//! | `recover PATH NEW_PATH` | `recovered ENTRIES LOST FLAWS` |
//! | `close` | `ok` |
//!
//! A failure is `error KIND MESSAGE`, in place of whatever would have come next. The
//! first argument, if there is one, holds options of every opening as a JSON object.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use f3dx_cache_core::{Cache, Meta, Mode, Options, recover, verify};
use f3dx_cache_tests::ask::{ask, told};
use f3dx_cache_tests::entries::{before, request, response};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::ops::Range;
use std::path::PathBuf;

/// What comes last; a failure is its kind and message.
type Outcome = Result<String, String>;

/// The openings, and which of them is meant.
#[derive(Default)]
struct Worker {
    handles: HashMap<u64, Cache>,
    at: u64,
}

/// What lookups met.
#[derive(Default)]
struct Got {
    hits: u64,
    misses: u64,
    wrong: u64,
}

fn main() {
    let mut worker = Worker::default();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        say(&worker.obey(command, rest).unwrap_or_else(|failure| format!("error {failure}")));
    }
}

impl Worker {
    fn obey(&mut self, command: &str, rest: &str) -> Outcome {
        match command {
            "open" | "hook" => {
                let cache = open(command, rest)?;
                self.handles.insert(self.at, cache);
            }
            "handle" => self.at = rest.parse().map_err(|_| "usage handle N")?,
            "put" => {
                for n in range(rest)? {
                    self.put(n)?;
                }
            }
            "get" => {
                let mut got = Got::default();
                for n in range(rest)? {
                    self.get(n, &mut got)?;
                }
                return Ok(got.told());
            }
            "mix" => {
                let mut got = Got::default();
                let range = range(rest)?;
                for n in range.clone() {
                    self.put(n)?;
                    self.get(before(range.start, n), &mut got)?;
                }
                return Ok(got.told());
            }
            "entry" => {
                let request = request(number(rest)?);
                let fingerprint = self.cache()?.fingerprint(&request).map_err(told)?;
                let meta = self.cache()?.meta(&fingerprint).map_err(told)?;
                let meta = serde_json::to_string(&meta).map_err(|error| format!("json {error}"))?;
                return Ok(format!("entry {fingerprint} {meta}"));
            }
            "explain" => {
                let why = self.cache()?.explain(&request(number(rest)?)).map_err(told)?;
                return Ok(format!("explain {why}").replace('\n', " "));
            }
            "ask" => {
                let (port, prompt) = rest.split_once(' ').ok_or("usage ask PORT PROMPT")?;
                let port = port.parse().map_err(|_| "usage ask PORT PROMPT")?;
                return Ok(format!("answer {}", ask(self.cache()?, 1, port, prompt)?));
            }
            "summary" => {
                let did = self.cache()?.summary().map_err(told)?;
                let (hits, misses, recorded) = (did.hits, did.misses, did.recorded);
                let (refused, without_claim) = (did.refused, did.without_claim);
                return Ok(format!("summary {hits} {misses} {recorded} {refused} {without_claim}"));
            }
            "compact" => drop(self.cache()?.compact().map_err(told)?),
            "verify" => {
                let found = verify(rest).map_err(told)?;
                let (entries, intact, flaws) = (found.entries, found.intact, found.flaws.len());
                return Ok(format!("verified {entries} {intact} {flaws}"));
            }
            "recover" => {
                let (from, to) = rest.split_once(' ').ok_or("usage recover PATH NEW_PATH")?;
                let saved = recover(from, to).map_err(told)?;
                let (lost, flaws) = (saved.lost.len(), saved.flaws.len());
                return Ok(format!("recovered {} {lost} {flaws}", saved.recovered));
            }
            "close" => {
                self.cache()?.close().map_err(told)?;
                self.handles.remove(&self.at);
            }
            _ => return Err(format!("usage no command {command:?}")),
        }
        Ok("ok".into())
    }

    fn cache(&self) -> Result<&Cache, String> {
        self.handles.get(&self.at).ok_or_else(|| "usage nothing is open".into())
    }

    fn put(&self, n: u64) -> Result<(), String> {
        self.cache()?.put(&request(n), &response(n), Meta::default()).map_err(told)?;
        say(&format!("put {n}"));
        Ok(())
    }

    fn get(&self, n: u64, got: &mut Got) -> Result<(), String> {
        match self.cache()?.get(&request(n)).map_err(told)? {
            Some(found) if found.body == response(n) => got.hits += 1,
            Some(_) => got.wrong += 1,
            None => got.misses += 1,
        }
        Ok(())
    }
}

impl Got {
    fn told(&self) -> String {
        format!("got {} {} {}", self.hits, self.misses, self.wrong)
    }
}

fn open(how: &str, rest: &str) -> Result<Cache, String> {
    let (mode, path) = rest.split_once(' ').ok_or("usage open MODE PATH")?;
    let mode: Mode = mode.parse().map_err(told)?;
    let options = std::env::args().nth(1).unwrap_or_else(|| "{}".into());
    let options = Options { mode: Some(mode), ..Options::from_json(&options).map_err(told)? };
    match how {
        "open" => Cache::open(path, options),
        _ => Cache::for_tests(Options { path: Some(PathBuf::from(path)), ..options }),
    }
    .map_err(told)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "usage N".into())
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let numbers =
        text.split_once(' ').and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    numbers.ok_or_else(|| "usage FROM TO".into())
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Who no longer listens has ended the test.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
