//! Counts what one run does: hits, misses, recordings, and what replaying saves.

use crate::fingerprint::Fingerprint;
use crate::repeats::Occurrences;
use crate::store::PerProcess;
use crate::summary::{Refusal, Summary, note};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one test, or one opening of a cache, does; shared by its threads.
pub(crate) struct Session {
    /// The test's name.
    pub test: Option<String>,
    /// What records the misses of this session.
    pub command: Option<String>,
    /// A forked child counts for itself: it must not wait for a lock that a
    /// thread of its parent held, nor report what its parent did.
    counts: PerProcess<Counts>,
}

#[derive(Default)]
struct Counts {
    occurrences: Occurrences,
    misses: AtomicU64,
    recorded: AtomicU64,
    refused: AtomicU64,
    without_claim: AtomicU64,
    replayed: Mutex<HashMap<Fingerprint, u64>>,
    refusals: Mutex<Vec<Refusal>>,
    refused_misses: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
}

/// What replays cost when they were recorded; 0 is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    input_tokens: u64,
    output_tokens: u64,
    time_ms: u64,
}

/// Hits and misses until now.
pub(crate) struct Counted {
    pub hits: u64,
    pub misses: u64,
}

/// How many explanations and warnings a session keeps.
const KEPT: usize = 20;

impl Saved {
    /// Adds the cost of `times` replays of one entry.
    pub fn add(&mut self, input: u64, output: u64, time_ms: Option<u64>, times: u64) {
        // What a file claims to have saved may be any number.
        let grow = |sum: &mut u64, each: u64| *sum = sum.saturating_add(each.saturating_mul(times));
        grow(&mut self.input_tokens, input);
        grow(&mut self.output_tokens, output);
        grow(&mut self.time_ms, time_ms.unwrap_or(0));
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::of(None, None)
    }
}

impl Session {
    /// Makes the session of a test.
    pub fn of(test: Option<String>, command: Option<String>) -> Self {
        Self { test, command, counts: PerProcess::new(Counts::default()) }
    }

    /// Returns which identical calls were made.
    pub fn occurrences(&self) -> &Occurrences {
        &self.counts().occurrences
    }

    fn counts(&self) -> &Counts {
        self.counts.get_or_make(Counts::default)
    }

    /// Counts a replay of an entry.
    pub fn hit(&self, entry: Fingerprint) {
        *unpoisoned(&self.counts().replayed).entry(entry).or_default() += 1;
    }

    /// Counts a request that is not recorded.
    pub fn miss(&self) {
        self.counts().misses.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a miss back: another one has recorded the response meanwhile.
    pub fn missed_not(&self) {
        self.counts().misses.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a response that was recorded.
    pub fn recorded(&self) {
        self.counts().recorded.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call made without waiting for another one of the same request.
    pub fn without_claim(&self) {
        self.counts().without_claim.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a response that must not be recorded: what it answered, and why not.
    ///
    /// Both end up on a terminal, so `what` must be free of secrets.
    pub fn refused(&self, what: impl fmt::Display, why: impl fmt::Display) {
        self.counts().refused.fetch_add(1, Ordering::Relaxed);
        let refusal = Refusal { call: shown(&what), why: shown(&why), times: 1 };
        note(&mut unpoisoned(&self.counts().refusals), refusal);
    }

    /// Keeps the explanation of a call that was refused.
    pub fn refuse_miss(&self, explanation: String) {
        keep(&self.counts().refused_misses, explanation);
    }

    /// Keeps something that the run's owner should hear.
    pub fn warn(&self, warning: String) {
        keep(&self.counts().warnings, warning);
    }

    /// Returns the explanations of refused calls.
    pub fn refused_misses(&self) -> Vec<String> {
        unpoisoned(&self.counts().refused_misses).clone()
    }

    /// Returns what the run's owner should hear.
    pub fn warnings(&self) -> Vec<String> {
        unpoisoned(&self.counts().warnings).clone()
    }

    /// Returns which entries were replayed, and how often.
    pub fn replayed(&self) -> Vec<(Fingerprint, u64)> {
        unpoisoned(&self.counts().replayed).iter().map(|(entry, times)| (*entry, *times)).collect()
    }

    /// Returns hits and misses until now.
    pub fn counted(&self) -> Counted {
        Counted {
            hits: unpoisoned(&self.counts().replayed).values().sum(),
            misses: self.counts().misses.load(Ordering::Relaxed),
        }
    }

    /// Returns what was counted until now.
    pub fn summary(&self, saved: Saved) -> Summary {
        let Counted { hits, misses } = self.counted();
        Summary {
            hits,
            misses,
            recorded: self.counts().recorded.load(Ordering::Relaxed),
            refused: self.counts().refused.load(Ordering::Relaxed),
            without_claim: self.counts().without_claim.load(Ordering::Relaxed),
            tokens_saved_input: saved.input_tokens,
            tokens_saved_output: saved.output_tokens,
            time_saved_ms: saved.time_ms,
            refusals: unpoisoned(&self.counts().refusals).clone(),
        }
    }
}

fn keep(list: &Mutex<Vec<String>>, text: String) {
    let mut list = unpoisoned(list);
    if list.len() < KEPT && !list.contains(&text) {
        list.push(text);
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns one line of bounded length; a URL may be neither.
fn shown(text: &dyn fmt::Display) -> String {
    const LONGEST: usize = 300;
    let text = text.to_string();
    let mut line: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "POST api.openai.com/v1/chat/completions";
    const ENTRY: Fingerprint = Fingerprint::from_bytes([1; 32]);

    #[test]
    fn a_session_counts_each_kind() {
        let session = Session::default();
        session.hit(ENTRY);
        session.hit(ENTRY);
        session.miss();
        session.recorded();
        session.refused(CALL, "status 429");
        session.without_claim();
        let mut saved = Saved::default();
        saved.add(10, 2, Some(700), 2);
        let expected = Summary {
            hits: 2,
            misses: 1,
            recorded: 1,
            refused: 1,
            without_claim: 1,
            tokens_saved_input: 20,
            tokens_saved_output: 4,
            time_saved_ms: 1400,
            refusals: vec![Refusal { call: CALL.into(), why: "status 429".into(), times: 1 }],
        };
        assert_eq!(session.summary(saved), expected);
    }

    #[test]
    fn threads_lose_no_count() {
        let session = Session::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        session.hit(ENTRY);
                        session.refused(CALL, "status 500");
                    }
                });
            }
        });
        let summary = session.summary(Saved::default());
        assert_eq!((summary.hits, summary.refused), (4000, 4000));
        assert_eq!(summary.refusals[0].times, 4000);
    }

    #[test]
    fn refusals_are_bounded_and_the_rest_is_counted() {
        let session = Session::default();
        for status in 400..430 {
            session.refused(CALL, format_args!("status {status}"));
        }
        session.refused(CALL, "status 400");
        let lines = session.summary(Saved::default()).refusal_lines();
        assert_eq!(lines.len(), Summary::REFUSALS + 1);
        assert_eq!(lines[0], format!("not recorded: {CALL}: status 400 (2 times)"));
        assert_eq!(lines[1], format!("not recorded: {CALL}: status 401"));
        assert_eq!(lines[20], "not recorded: 10 more");
    }

    #[test]
    fn a_refusal_is_one_short_line() {
        let session = Session::default();
        session.refused("x".repeat(100_000), "two\nlines");
        let lines = session.summary(Saved::default()).refusal_lines();
        assert_eq!(lines, [format!("not recorded: {}…: two lines", "x".repeat(300))]);
    }

    #[test]
    fn absurd_numbers_do_not_wrap() {
        let mut saved = Saved::default();
        saved.add(u64::MAX, u64::MAX, Some(u64::MAX), 2);
        let mut summary = Session::default().summary(saved);
        let copy = summary.clone();
        summary.merge(&copy);
        assert_eq!(summary.tokens_saved_input, u64::MAX);
        let text = summary.to_string();
        assert!(text.contains("saved 18,446,744,073,709,551,615 tokens"), "{text}");
    }
}
