//! What one run did, for the line that ends it.

use crate::mode::Mode;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// What a run did, as it stands at one moment.
///
/// Displayed, it is one line. Serialized, it crosses from a worker to the run's
/// owner; members that one of the two does not know count as 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Requests answered from the cache.
    pub hits: u64,
    /// Requests that are not recorded.
    pub misses: u64,
    /// Responses that were recorded.
    pub recorded: u64,
    /// Responses that must not be recorded.
    pub refused: u64,
    /// Calls made without waiting for another one of the same request.
    pub without_claim: u64,
    /// Input tokens of the replayed responses.
    pub tokens_saved_input: u64,
    /// Output tokens of the replayed responses.
    pub tokens_saved_output: u64,
    /// How long the provider took for the replayed responses when they were recorded.
    pub time_saved_ms: u64,
    /// The first different refusals, at most [`Summary::REFUSALS`].
    pub refusals: Vec<Refusal>,
}

/// A call whose response was not recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// Which call, such as `POST api.openai.com/v1/chat/completions`.
    pub call: String,
    /// Why not, such as `status 429`.
    pub why: String,
    /// How often.
    pub times: u64,
}

impl Summary {
    /// How many different refusals are kept.
    pub const REFUSALS: usize = 20;

    /// Adds what another process of the same run did.
    pub fn merge(&mut self, other: &Summary) {
        for (sum, more) in [
            (&mut self.hits, other.hits),
            (&mut self.misses, other.misses),
            (&mut self.recorded, other.recorded),
            (&mut self.refused, other.refused),
            (&mut self.without_claim, other.without_claim),
            (&mut self.tokens_saved_input, other.tokens_saved_input),
            (&mut self.tokens_saved_output, other.tokens_saved_output),
            (&mut self.time_saved_ms, other.time_saved_ms),
        ] {
            *sum = sum.saturating_add(more);
        }
        for refusal in &other.refusals {
            note(&mut self.refusals, refusal.clone());
        }
    }

    /// Returns the line that ends a run, with its mode and file.
    ///
    /// A path below the process's working directory is shown relative to it.
    pub fn line(&self, mode: Mode, path: &Path) -> String {
        let cwd = std::env::current_dir().ok();
        let below = cwd.as_ref().and_then(|cwd| path.strip_prefix(cwd).ok());
        format!("{self} ({mode}, {})", below.unwrap_or(path).display())
    }

    /// Returns one line per different refusal, and one for those that were not kept.
    pub fn refusal_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.refusals.iter().map(Refusal::to_string).collect();
        let kept = self.refusals.iter().fold(0u64, |sum, kept| sum.saturating_add(kept.times));
        match self.refused.saturating_sub(kept) {
            0 => {}
            more => lines.push(format!("not recorded: {} more", grouped(more))),
        }
        lines
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "f3dx-cache: {} {}, {} {}, {} recorded, {} refused",
            grouped(self.hits),
            if self.hits == 1 { "hit" } else { "hits" },
            grouped(self.misses),
            if self.misses == 1 { "miss" } else { "misses" },
            grouped(self.recorded),
            grouped(self.refused),
        )?;
        if self.without_claim > 0 {
            write!(f, ", {} without claim", grouped(self.without_claim))?;
        }
        let tokens = self.tokens_saved_input.saturating_add(self.tokens_saved_output);
        let tenths = self.time_saved_ms.saturating_add(50) / 100;
        write!(
            f,
            "; saved {} {} and {}.{} s",
            grouped(tokens),
            if tokens == 1 { "token" } else { "tokens" },
            grouped(tenths / 10),
            tenths % 10,
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not recorded: {}: {}", self.call, self.why)?;
        match self.times {
            0 | 1 => Ok(()),
            times => write!(f, " ({} times)", grouped(times)),
        }
    }
}

/// Adds a refusal to those of the same call and reason; drops it if there is no room.
pub(crate) fn note(refusals: &mut Vec<Refusal>, new: Refusal) {
    let same = |old: &&mut Refusal| old.call == new.call && old.why == new.why;
    if let Some(old) = refusals.iter_mut().find(same) {
        old.times = old.times.saturating_add(new.times);
    } else if refusals.len() < Summary::REFUSALS {
        refusals.push(new);
    }
}

/// Returns a number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Saved, Session};

    const CALL: &str = "POST api.openai.com/v1/chat/completions";

    #[test]
    fn the_line_says_what_the_run_did() {
        let summary = Summary {
            hits: 38,
            misses: 2,
            recorded: 2,
            tokens_saved_input: 12_000,
            tokens_saved_output: 345,
            time_saved_ms: 61_234,
            ..Summary::default()
        };
        assert_eq!(
            summary.line(Mode::Record, Path::new(".f3dx-cache/cache.redb")),
            "f3dx-cache: 38 hits, 2 misses, 2 recorded, 0 refused; \
             saved 12,345 tokens and 61.2 s (record, .f3dx-cache/cache.redb)"
        );
    }

    #[test]
    fn a_path_below_the_working_directory_is_shown_relative() {
        let path = std::env::current_dir().unwrap().join("tests").join("llm.redb");
        let line = Summary::default().line(Mode::Replay, &path);
        let shown = Path::new("tests").join("llm.redb");
        assert!(line.ends_with(&format!("(replay, {})", shown.display())), "{line}");
        let line = Summary::default().line(Mode::Replay, Path::new("/elsewhere/llm.redb"));
        assert!(line.ends_with("(replay, /elsewhere/llm.redb)"), "{line}");
    }

    #[test]
    fn one_is_singular() {
        let one = Summary { hits: 1, misses: 1, tokens_saved_input: 1, ..Summary::default() };
        assert_eq!(
            one.to_string(),
            "f3dx-cache: 1 hit, 1 miss, 0 recorded, 0 refused; saved 1 token and 0.0 s"
        );
    }

    #[test]
    fn calls_without_a_claim_are_shown_if_there_were_any() {
        let summary = Summary { without_claim: 3, ..Summary::default() };
        assert!(summary.to_string().contains("0 refused, 3 without claim; saved"), "{summary}");
    }

    #[test]
    fn workers_add_up() {
        let worker = Session::default();
        worker.hit(crate::Fingerprint::from_bytes([1; 32]));
        let mut saved = Saved::default();
        saved.add(1, 2, Some(3), 1);
        worker.miss();
        worker.recorded();
        worker.without_claim();
        worker.refused(CALL, "status 429");
        let one = worker.summary(saved);
        worker.refused(CALL, "status 500");
        let two = worker.summary(saved);

        let mut sum = Summary::default();
        sum.merge(&one);
        sum.merge(&two);
        let refusal = |why: &str, times| Refusal { call: CALL.into(), why: why.into(), times };
        let expected = Summary {
            hits: 2,
            misses: 2,
            recorded: 2,
            refused: 3,
            without_claim: 2,
            tokens_saved_input: 2,
            tokens_saved_output: 4,
            time_saved_ms: 6,
            refusals: vec![refusal("status 429", 2), refusal("status 500", 1)],
        };
        assert_eq!(sum, expected);
    }

    #[test]
    fn a_summary_survives_json() {
        let session = Session::default();
        session.refused(CALL, "status 429");
        let summary = session.summary(Saved::default());
        let text = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
    }

    #[test]
    fn members_of_another_version_do_not_matter() {
        let summary: Summary = serde_json::from_str(r#"{"hits": 3, "news": true}"#).unwrap();
        assert_eq!(summary, Summary { hits: 3, ..Summary::default() });
    }
}
