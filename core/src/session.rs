//! Counts what one run does: hits, misses, recordings, and what replaying saves.

use crate::summary::{Refusal, Summary, note};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The counters of one run, shared by the threads of a process.
///
/// ```
/// use f3dx_cache_core::{Mode, Saved, Session};
///
/// let session = Session::default();
/// session.hit(Saved { input_tokens: 1_200, output_tokens: 45, time_ms: 930 });
/// session.miss();
/// assert_eq!(
///     session.summary().line(Mode::Replay, "llm.redb".as_ref()),
///     "f3dx-cache: 1 hit, 1 miss, 0 recorded, 0 refused; \
///      saved 1,245 tokens and 0.9 s (replay, llm.redb)"
/// );
/// ```
#[derive(Debug, Default)]
pub struct Session {
    hits: AtomicU64,
    misses: AtomicU64,
    recorded: AtomicU64,
    refused: AtomicU64,
    without_claim: AtomicU64,
    tokens_saved_input: AtomicU64,
    tokens_saved_output: AtomicU64,
    time_saved_ms: AtomicU64,
    refusals: Mutex<Vec<Refusal>>,
}

/// What a replayed response cost when it was recorded; 0 is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Tokens of the request.
    pub input_tokens: u64,
    /// Tokens of the response.
    pub output_tokens: u64,
    /// How long the provider took.
    pub time_ms: u64,
}

impl Session {
    /// Counts a replayed response and what it saved.
    pub fn hit(&self, saved: Saved) {
        add(&self.hits, 1);
        add(&self.tokens_saved_input, saved.input_tokens);
        add(&self.tokens_saved_output, saved.output_tokens);
        add(&self.time_saved_ms, saved.time_ms);
    }

    /// Counts a request that is not recorded.
    pub fn miss(&self) {
        add(&self.misses, 1);
    }

    /// Counts a response that was recorded.
    pub fn recorded(&self) {
        add(&self.recorded, 1);
    }

    /// Counts a response that must not be recorded: what it answered, and why not.
    ///
    /// Both end up on a terminal, so `what` must be free of secrets.
    pub fn refused(&self, what: impl fmt::Display, why: impl fmt::Display) {
        add(&self.refused, 1);
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        note(
            &mut refusals,
            Refusal {
                call: shown(&what),
                why: shown(&why),
                times: 1,
            },
        );
    }

    /// Counts a call made without waiting for another one of the same request.
    pub fn without_claim(&self) {
        add(&self.without_claim, 1);
    }

    /// Returns what was counted until now.
    pub fn summary(&self) -> Summary {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Summary {
            hits: read(&self.hits),
            misses: read(&self.misses),
            recorded: read(&self.recorded),
            refused: read(&self.refused),
            without_claim: read(&self.without_claim),
            tokens_saved_input: read(&self.tokens_saved_input),
            tokens_saved_output: read(&self.tokens_saved_output),
            time_saved_ms: read(&self.time_saved_ms),
            refusals: self
                .refusals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

/// Adds without wrapping: what a file claims to have saved may be any number.
fn add(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
            sum.saturating_add(more)
        });
    }
}

/// Returns one line of bounded length; a URL may be neither.
fn shown(text: &dyn fmt::Display) -> String {
    const LONGEST: usize = 300;
    let text = text.to_string();
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "POST api.openai.com/v1/chat/completions";

    #[test]
    fn a_session_counts_each_kind() {
        let session = Session::default();
        session.hit(Saved {
            input_tokens: 10,
            output_tokens: 2,
            time_ms: 700,
        });
        session.hit(Saved {
            input_tokens: 5,
            output_tokens: 1,
            time_ms: 300,
        });
        session.hit(Saved::default());
        session.miss();
        session.miss();
        session.recorded();
        session.refused(CALL, "status 429");
        session.without_claim();
        let expected = Summary {
            hits: 3,
            misses: 2,
            recorded: 1,
            refused: 1,
            without_claim: 1,
            tokens_saved_input: 15,
            tokens_saved_output: 3,
            time_saved_ms: 1000,
            refusals: vec![Refusal {
                call: CALL.into(),
                why: "status 429".into(),
                times: 1,
            }],
        };
        assert_eq!(session.summary(), expected);
    }

    #[test]
    fn threads_lose_no_count() {
        let session = Session::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        session.hit(Saved {
                            input_tokens: 1,
                            output_tokens: 2,
                            time_ms: 3,
                        });
                        session.refused(CALL, "status 500");
                    }
                });
            }
        });
        let summary = session.summary();
        assert_eq!((summary.hits, summary.tokens_saved_output), (4000, 8000));
        assert_eq!((summary.refused, summary.refusals[0].times), (4000, 4000));
    }

    #[test]
    fn refusals_are_bounded_and_the_rest_is_counted() {
        let session = Session::default();
        for status in 400..430 {
            session.refused(CALL, format_args!("status {status}"));
        }
        session.refused(CALL, "status 400");
        let lines = session.summary().refusal_lines();
        assert_eq!(lines.len(), Summary::REFUSALS + 1);
        assert_eq!(
            lines[0],
            format!("not recorded: {CALL}: status 400 (2 times)")
        );
        assert_eq!(lines[1], format!("not recorded: {CALL}: status 401"));
        assert_eq!(lines[20], "not recorded: 10 more");

        let mut sum = session.summary();
        sum.merge(&Summary {
            refused: 1,
            refusals: vec![Refusal {
                call: "GET x".into(),
                why: "new".into(),
                times: 1,
            }],
            ..Summary::default()
        });
        assert_eq!(sum.refusals.len(), Summary::REFUSALS);
        assert_eq!(sum.refusal_lines()[20], "not recorded: 11 more");
    }

    #[test]
    fn a_refusal_is_one_short_line() {
        let session = Session::default();
        session.refused("x".repeat(100_000), "two\nlines");
        let lines = session.summary().refusal_lines();
        assert_eq!(
            lines,
            [format!("not recorded: {}…: two lines", "x".repeat(300))]
        );
    }

    #[test]
    fn absurd_numbers_do_not_wrap() {
        let session = Session::default();
        let absurd = Saved {
            input_tokens: u64::MAX,
            output_tokens: u64::MAX,
            time_ms: u64::MAX,
        };
        session.hit(absurd);
        session.hit(absurd);
        let mut summary = session.summary();
        let copy = summary.clone();
        summary.merge(&copy);
        assert_eq!(summary.tokens_saved_input, u64::MAX);
        let text = summary.to_string();
        assert!(
            text.contains("saved 18,446,744,073,709,551,615 tokens"),
            "{text}"
        );
    }
}
