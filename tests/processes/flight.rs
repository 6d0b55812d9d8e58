//! Single flight: many ask the same, and each prompt is called for once.

use crate::{Crew, Language, OPTIONS, place};
use f3dx_cache_core::{Cache, Options};
use f3dx_cache_tests::ask::ask;
use f3dx_cache_tests::provider::Provider;
use f3dx_cache_tests::torture::{Tally, rounds};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

/// How many ask at once.
const ASKING: usize = 8;
/// How many prompts each of them asks.
const PROMPTS: usize = 40;

#[test]
fn eight_processes_ask_forty_prompts_with_forty_calls() {
    let provider = Provider::start();
    let mut tally = Tally::of("answers, 8 processes ask the same 40 prompts");
    let mut expected = 0;
    for round in 0..rounds(1, 10) {
        let (_folder, path) = place();
        let mut crew = Crew::of(ASKING);
        crew.all(|_| format!("hook record {}", path.display()));
        let answers = asked_by(&mut crew, provider.port, round);
        compare(&mut tally, &answers);
        expected += PROMPTS as u64;
        assert_eq!(provider.total(), expected, "calls");
        assert_eq!(recorded(&mut crew), PROMPTS as u64);
        crew.all(|_| "close".into());
        crew.leave();
        for language in Language::ALL {
            let replayed = replayed(language, &path, provider.port, round);
            compare(&mut tally, &[answers[0].clone(), replayed]);
        }
        assert_eq!(provider.total(), expected, "a replay called");
    }
    tally.note = format!("{expected} calls");
    tally.finish();
}

#[test]
fn eight_threads_ask_forty_prompts_with_forty_calls() {
    let provider = Provider::start();
    let mut tally = Tally::of("answers, 8 threads ask the same 40 prompts");
    let mut expected = 0;
    for round in 0..rounds(1, 10) {
        let (_folder, path) = place();
        let cache = Cache::open(&path, Options::from_json(OPTIONS).unwrap()).unwrap();
        let together = Barrier::new(ASKING);
        let asking = |number: usize| {
            together.wait();
            let mut answers = vec![String::new(); PROMPTS];
            for n in order(number) {
                answers[n] = ask(&cache, number as u64, provider.port, &prompt(round, n)).unwrap();
            }
            answers
        };
        let answers: Vec<Vec<String>> = thread::scope(|scope| {
            let asking = &asking;
            let threads: Vec<_> =
                (0..ASKING).map(|number| scope.spawn(move || asking(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        compare(&mut tally, &answers);
        expected += PROMPTS as u64;
        assert_eq!(provider.total(), expected, "calls");
        assert_eq!(cache.summary().unwrap().without_claim, 0);
    }
    tally.note = format!("{expected} calls");
    tally.finish();
}

fn prompt(round: usize, n: usize) -> String {
    format!("prompt {n} of round {round}")
}

/// Some go forwards and some backwards: they meet at one prompt, and call for others.
fn order(number: usize) -> Box<dyn Iterator<Item = usize>> {
    match number % 4 {
        3 => Box::new((0..PROMPTS).rev()),
        _ => Box::new(0..PROMPTS),
    }
}

/// Has each worker ask all prompts as fast as it can; returns what each was answered.
fn asked_by(crew: &mut Crew, port: u16, round: usize) -> Vec<Vec<String>> {
    for (number, (_, worker)) in crew.0.iter_mut().enumerate() {
        for n in order(number) {
            worker.tell(&format!("ask {port} {}", prompt(round, n)));
        }
    }
    let of = |(number, (language, worker)): (usize, &(Language, _))| {
        let mut answers = vec![String::new(); PROMPTS];
        for n in order(number) {
            answers[n] = answered(*language, worker);
        }
        answers
    };
    crew.0.iter().enumerate().map(of).collect()
}

/// Returns the ids of all answers in a process that replays.
fn replayed(language: Language, path: &Path, port: u16, round: usize) -> Vec<String> {
    let mut worker = language.start(OPTIONS);
    assert_eq!(worker.ask(&format!("hook replay {}", path.display())).as_deref(), Ok("ok"));
    (0..PROMPTS).for_each(|n| worker.tell(&format!("ask {port} {}", prompt(round, n))));
    (0..PROMPTS).map(|_| answered(language, &worker)).collect()
}

fn answered(language: Language, worker: &f3dx_cache_tests::worker::Worker) -> String {
    let line = worker.answer().unwrap_or_else(|silence| panic!("{language:?}: {silence:?}"));
    let id = line.strip_prefix("answer ").unwrap_or_else(|| panic!("{language:?}: {line}"));
    id.to_owned()
}

/// Counts the answers that are not those of the first that asked.
fn compare(tally: &mut Tally, answers: &[Vec<String>]) {
    for ids in answers {
        tally.count += ids.len() as u64;
        tally.wrong += ids.iter().zip(&answers[0]).filter(|(id, first)| id != first).count() as u64;
    }
}

/// Returns how many answers the workers recorded; none of them called without a claim.
fn recorded(crew: &mut Crew) -> u64 {
    let mut sum = 0;
    for said in crew.each(|_| "summary".into()) {
        let line = said.last.unwrap();
        let did = line.strip_prefix("summary ").unwrap_or_else(|| panic!("{line}"));
        let did: Vec<u64> = did.split(' ').map(|number| number.parse().unwrap()).collect();
        let [hits, misses, recorded, refused, without_claim] = did[..] else { panic!("{line}") };
        assert_eq!((hits + misses, misses), (PROMPTS as u64, recorded), "{line}");
        assert_eq!((refused, without_claim), (0, 0), "{line}");
        sum += recorded;
    }
    sum
}
