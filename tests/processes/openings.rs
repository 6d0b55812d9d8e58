//! One process opens one file twice.

use crate::{Language, OPTIONS, place};
use f3dx_cache_tests::worker::Worker;
use std::path::Path;

/// How the file is opened first, and how a second time.
const PAIRS: [[&str; 2]; 6] = [
    ["open record", "open replay"],
    ["open replay", "open record"],
    ["open record", "hook replay"],
    ["hook replay", "hook record"],
    ["open refresh", "open replay"],
    ["hook record", "open refresh"],
];

#[test]
fn two_openings_in_rust_are_closed_in_either_order() {
    every_pair(Language::Rust);
}

#[test]
fn two_openings_in_c_are_closed_in_either_order() {
    every_pair(Language::C);
}

#[test]
fn two_openings_in_python_are_closed_in_either_order() {
    every_pair(Language::Python);
}

#[test]
fn two_openings_in_go_are_closed_in_either_order() {
    every_pair(Language::Go);
}

#[test]
fn two_openings_in_node_are_closed_in_either_order() {
    every_pair(Language::Node);
}

fn every_pair(language: Language) {
    for pair in PAIRS {
        for closed_first in [0, 1] {
            two_openings(language, pair, closed_first);
        }
    }
}

fn two_openings(language: Language, pair: [&'static str; 2], closed_first: usize) {
    let (_folder, path) = place();
    let mut recorder = Language::Rust.start(OPTIONS);
    recorder.open("record", &path).unwrap();
    assert_eq!(recorder.ask("put 0 3").as_deref(), Ok("ok"));
    assert!(recorder.leave().success());

    let mut worker = Two { worker: language.start(OPTIONS), pair, recorded: 3 };
    for number in [0, 1] {
        worker.open(number, &path);
    }
    for number in [0, 1] {
        worker.puts(number);
        worker.both_see(&[0, 1]);
    }
    let stays = 1 - closed_first;
    assert_eq!(worker.at(closed_first, "close"), "ok", "{language:?} {pair:?}");
    worker.puts(stays);
    worker.both_see(&[stays]);
    // The place is free for another opening.
    worker.open(closed_first, &path);
    worker.puts(closed_first);
    worker.both_see(&[0, 1]);
    for number in [stays, closed_first] {
        assert_eq!(worker.at(number, "close"), "ok", "{language:?} {pair:?}");
    }
    let recorded = worker.recorded;
    assert!(worker.worker.leave().success(), "{language:?} {pair:?}");

    let mut other = Language::Rust.start(OPTIONS);
    other.open("replay", &path).unwrap();
    assert_eq!(other.ask(&format!("get 0 {recorded}")).unwrap(), format!("got {recorded} 0 0"));
}

/// A worker with two openings.
struct Two {
    worker: Worker,
    pair: [&'static str; 2],
    /// How many entries there are.
    recorded: u64,
}

impl Two {
    fn at(&mut self, number: usize, command: &str) -> String {
        assert_eq!(self.worker.ask(&format!("handle {number}")).as_deref(), Ok("ok"));
        self.worker.ask(command).unwrap()
    }

    fn open(&mut self, number: usize, path: &Path) {
        let command = format!("{} {}", self.pair[number], path.display());
        assert_eq!(self.at(number, &command), "ok", "{:?}", self.pair);
    }

    /// Puts an entry, which a replay refuses.
    fn puts(&mut self, number: usize) {
        let said = self.at(number, &format!("put {} {}", self.recorded, self.recorded + 1));
        if self.pair[number].ends_with("replay") {
            assert!(said.starts_with("error read_only "), "{:?}: {said}", self.pair);
        } else {
            assert_eq!(said, "ok", "{:?}", self.pair);
            self.recorded += 1;
        }
    }

    /// Gets every entry through openings, but what a refresh looks up is no hit.
    fn both_see(&mut self, openings: &[usize]) {
        for number in openings {
            if !self.pair[*number].ends_with("refresh") {
                let recorded = self.recorded;
                let got = self.at(*number, &format!("get 0 {recorded}"));
                assert_eq!(got, format!("got {recorded} 0 0"), "{:?}: {number}", self.pair);
            }
        }
    }
}
