//! What becomes of those that wait, when the one that calls is killed, fails or is slow.

use crate::{Crew, Language, OPTIONS, place};
use f3dx_cache_tests::provider::Provider;
use f3dx_cache_tests::torture::{Tally, rounds};
use f3dx_cache_tests::worker::Worker;
use std::path::Path;

#[test]
fn a_holder_that_is_killed_frees_the_next() {
    let mut tally = Tally::of("holders of a claim killed beside 3 that ask the same");
    for language in Language::ALL.repeat(rounds(1, 10)) {
        let provider = Provider::start();
        let (_folder, path) = place();
        let (holder, asked) = holding(language, &path, &provider, "[[hold]] mortal");
        let waiting = asking(&path, "record", &asked);
        holder.kill();
        // One of them takes its place, and the others go on waiting.
        provider.wait_for(2);
        provider.release();
        assert_eq!(answers(&waiting).len(), 1, "after a holder in {language:?}");
        assert_eq!(provider.total(), 2, "after a holder in {language:?}");
        tally.count += 1;
    }
    tally.finish();
}

#[test]
fn a_holder_whose_call_fails_frees_the_next() {
    for language in Language::ALL {
        let provider = Provider::start();
        let (_folder, path) = place();
        let prompt = "[[hold]][[status:500 times=1]] unlucky";
        let (holder, asked) = holding(language, &path, &provider, prompt);
        let waiting = asking(&path, "record", &asked);
        provider.release();
        let failed = holder.answer().unwrap();
        assert!(failed.starts_with("error http "), "{language:?}: {failed}");
        provider.wait_for(2);
        provider.release();
        assert_eq!(answers(&waiting).len(), 1, "after a holder in {language:?}");
        assert_eq!(provider.total(), 2, "after a holder in {language:?}");
    }
}

#[test]
fn who_waited_longer_than_the_timeout_calls_without_a_claim_and_is_counted() {
    let hasty = r#"{"hosts": ["127.0.0.1:*"], "claim_timeout_ms": 50}"#;
    for language in Language::ALL {
        let provider = Provider::start();
        let (_folder, path) = place();
        let (mut holder, asked) = holding(Language::Rust, &path, &provider, "[[hold]] slow");
        let mut waiting = language.start(hasty);
        assert_eq!(waiting.ask(&hook("record", &path)).as_deref(), Ok("ok"));
        waiting.tell(&asked);
        // Both are at it now: the one that waited does not wait for the other's answer.
        provider.wait_for(2);
        provider.release();
        let first = holder.answer().unwrap();
        let second = waiting.answer().unwrap();
        assert!(first.starts_with("answer ") && second.starts_with("answer "), "{first} {second}");
        assert_ne!(first, second);
        assert_eq!(without_claim(&mut waiting), "1", "{language:?}");
        assert_eq!(without_claim(&mut holder), "0");
        // One of the two stays, for everybody.
        let kept = answers(&asking(&path, "replay", &asked));
        assert!(kept == [first] || kept == [second], "{kept:?}");
        assert_eq!(provider.total(), 2);
    }
}

fn hook(mode: &str, path: &Path) -> String {
    format!("hook {mode} {}", path.display())
}

/// Returns a worker whose call has reached the provider, and the command that made it call.
fn holding(language: Language, path: &Path, provider: &Provider, prompt: &str) -> (Worker, String) {
    let mut worker = language.start(OPTIONS);
    assert_eq!(worker.ask(&hook("record", path)).as_deref(), Ok("ok"));
    let asked = format!("ask {} {prompt}", provider.port);
    worker.tell(&asked);
    provider.wait_for(1);
    (worker, asked)
}

/// Returns a worker in each language that was told to ask.
fn asking(path: &Path, mode: &str, asked: &str) -> Crew {
    let mut crew = Crew::of(Language::ALL.len());
    crew.all(|_| hook(mode, path));
    crew.0.iter_mut().for_each(|(_, worker)| worker.tell(asked));
    crew
}

/// Returns the different answers of workers that were told to ask.
fn answers(crew: &Crew) -> Vec<String> {
    let mut answers: Vec<String> =
        crew.0.iter().map(|(_, worker)| worker.answer().unwrap()).collect();
    assert!(answers.iter().all(|answer| answer.starts_with("answer ")), "{answers:?}");
    answers.sort();
    answers.dedup();
    answers
}

/// Returns how many calls of a worker did not wait for another's answer.
fn without_claim(worker: &mut Worker) -> String {
    let summary = worker.ask("summary").unwrap();
    summary.rsplit(' ').next().unwrap().to_owned()
}
