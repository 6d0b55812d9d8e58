//! One comparison after the other, through the layers.

use std::collections::BTreeMap;
use std::time::Instant;

use super::bytes;
use super::comparison::{Comparison, Verdict};
use super::embedding::{Embedding, Model, Vectors};
use super::encoder::Encoder;
use super::finding::Finding;
use super::judge::{self, Judge};
use super::model::ModelCalls;
use super::options::{DiffMode, DiffOptions};
use super::structured::Structured;
use crate::{Cache, Error, ErrorKind, Result};
use serde::Deserialize;

/// Compares outputs, any number of pairs, from any number of threads.
///
/// ```
/// use f3dx_cache_core::diff::{Differ, DiffOptions, Question, Verdict};
///
/// let differ = Differ::new(DiffOptions::default())?;
/// let question = Question::default();
/// let comparison = differ.compare(&question, br#"{"n": 1}"#, br#"{"n": 1.0}"#)?;
/// assert_eq!(comparison.verdict, Verdict::Same);
/// # Ok::<(), f3dx_cache_core::Error>(())
/// ```
pub struct Differ<'a> {
    options: DiffOptions,
    structured: Structured,
    models: Option<&'a dyn ModelCalls>,
    embedder: Option<&'a dyn ModelCalls>,
    cache: Option<Cache>,
    encoder: Option<Encoder>,
    judged: judge::State,
}

/// What was asked, for the judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// The system prompt.
    pub system: Option<String>,
    /// The prompt, or the messages as text.
    pub prompt: Option<String>,
}

impl<'a> Differ<'a> {
    /// Makes one that calls no model.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] that names an option outside its domain, or says why the
    /// folder of an encoder holds none; [`ErrorKind::Io`] if it cannot be read.
    pub fn new(options: DiffOptions) -> Result<Self> {
        options.check()?;
        let structured = Structured::new(&options)?;
        let encoder = options.encoder.as_deref().map(Encoder::open).transpose()?;
        let judged = judge::State::default();
        Ok(Self { options, structured, models: None, embedder: None, cache: None, encoder, judged })
    }

    /// Sends what asks a model by way of `models`: the judge's calls and, unless
    /// there is an embedder, embeddings.
    #[must_use]
    pub fn with_models(mut self, models: &'a dyn ModelCalls) -> Self {
        self.models = Some(models);
        self
    }

    /// Sends what asks for embeddings by way of `embedder`.
    #[must_use]
    pub fn with_embedder(mut self, embedder: &'a dyn ModelCalls) -> Self {
        self.embedder = Some(embedder);
        self
    }

    /// Replays model calls from `cache`, and records them there.
    #[must_use]
    pub fn with_cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Compares two outputs. What concerns this pair alone is in the verdict.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if the mode needs a model and none was given.
    pub fn compare(&self, question: &Question, before: &[u8], after: &[u8]) -> Result<Comparison> {
        let mut timings = BTreeMap::new();
        let mut last = None;
        for &mode in self.layers() {
            let start = Instant::now();
            let (finding, decided) = self.layer(mode, question, before, after)?;
            timings.insert(mode, start.elapsed().as_secs_f64() * 1e3);
            last = Some((mode, finding));
            if decided {
                break;
            }
        }
        let (mode, finding) = last.unwrap_or_else(|| {
            (self.options.mode, Finding::new(Verdict::Inconclusive, "nothing was compared"))
        });
        let Finding { verdict, score, note, differences, more } = finding;
        Ok(Comparison { verdict, score, mode, note, differences, more, timings })
    }

    /// The layers that run in turn until one decides.
    fn layers(&self) -> &'static [DiffMode] {
        use DiffMode::{Bytes, Embedding, Judge, Structured};
        match self.options.mode {
            Bytes => &[Bytes],
            Structured => &[Structured],
            Embedding => &[Embedding],
            Judge => &[Judge],
            DiffMode::Cascade => match (self.can_embed(), self.can_judge()) {
                (false, false) => &[Bytes, Structured],
                (true, false) => &[Bytes, Structured, Embedding],
                (false, true) => &[Bytes, Structured, Judge],
                (true, true) => &[Bytes, Structured, Embedding, Judge],
            },
        }
    }

    fn can_embed(&self) -> bool {
        let calls = self.embedder.or(self.models).is_some();
        self.options.encoder.is_some() || calls && self.options.embedding_model.is_some()
    }

    fn can_judge(&self) -> bool {
        self.models.is_some() && self.options.judge_model.is_some()
    }

    /// Runs one layer; also says whether a cascade ends with what it found.
    fn layer(
        &self,
        mode: DiffMode,
        question: &Question,
        before: &[u8],
        after: &[u8],
    ) -> Result<(Finding, bool)> {
        let finding = match mode {
            // Different bytes may still say the same.
            DiffMode::Bytes => {
                let finding = bytes::compare(before, after);
                let decided = finding.verdict == Verdict::Same;
                return Ok((finding, decided));
            }
            // A model that is asked about JSON that is broken would hide that it is.
            DiffMode::Structured => {
                return Ok(self.structured.compare(before, after));
            }
            DiffMode::Embedding => self.embedding(before, after)?,
            DiffMode::Judge => self.judge(question, before, after)?,
            // It is its layers, and none of them is itself.
            DiffMode::Cascade => Finding::new(Verdict::Inconclusive, "nothing was compared"),
        };
        let decided = finding.verdict != Verdict::Inconclusive;
        Ok((finding, decided))
    }

    fn embedding(&self, before: &[u8], after: &[u8]) -> Result<Finding> {
        let model = self.embedder.or(self.models).zip(self.options.embedding_model.as_deref());
        let model = model.map(|(calls, name)| {
            let dimensions = self.options.embedding_dimensions;
            Model { name, dimensions, calls, cache: self.cache.as_ref() }
        });
        let local = self.encoder.as_ref().map(|encoder| encoder as &dyn Vectors);
        let Some(vectors) = local.or(model.as_ref().map(|model| model as &dyn Vectors)) else {
            let message = "mode embedding: it needs embedding_model and a function that calls \
                           models, or encoder, the folder of a local one";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let embedding = Embedding {
            same_above: self.options.same_above,
            different_below: self.options.different_below,
            vectors,
        };
        Ok(embedding.compare(before, after))
    }

    fn judge(&self, question: &Question, before: &[u8], after: &[u8]) -> Result<Finding> {
        let Some((calls, model)) = self.models.zip(self.options.judge_model.as_deref()) else {
            let message = "mode judge: it needs judge_model and a function that calls models";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        };
        let cache = self.cache.as_ref();
        let judge = Judge { model, options: &self.options, calls, cache, state: &self.judged };
        Ok(judge.compare(question, before, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(options: DiffOptions, before: &str, after: &str) -> Comparison {
        let differ = Differ::new(options).unwrap();
        differ.compare(&Question::default(), before.as_bytes(), after.as_bytes()).unwrap()
    }

    #[test]
    fn a_cascade_ends_with_the_layer_that_decides() {
        let ran = |before, after| {
            let comparison = compare(DiffOptions::default(), before, after);
            let layers: Vec<_> = comparison.timings.into_keys().collect();
            assert_eq!(layers.last(), Some(&comparison.mode));
            (comparison.verdict, layers)
        };
        let (bytes, structured) = (DiffMode::Bytes, DiffMode::Structured);
        assert_eq!(ran("[1]", "[1]"), (Verdict::Same, vec![bytes]));
        assert_eq!(ran("[1]", "[1.0]"), (Verdict::Same, vec![bytes, structured]));
        assert_eq!(ran("[1]", "[2]"), (Verdict::Different, vec![bytes, structured]));
        assert_eq!(ran("one", "two"), (Verdict::Inconclusive, vec![bytes, structured]));
    }

    #[test]
    fn a_mode_that_needs_a_model_says_what_to_pass() {
        for (mode, needs) in
            [(DiffMode::Embedding, "embedding_model"), (DiffMode::Judge, "judge_model")]
        {
            let differ = Differ::new(DiffOptions { mode, ..DiffOptions::default() }).unwrap();
            let error = differ.compare(&Question::default(), b"a", b"b").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(needs), "{error}");
        }
    }

    #[test]
    fn options_are_checked_first() {
        let options = DiffOptions { epsilon: -1.0, ..DiffOptions::default() };
        let error = Differ::new(options).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn threads_share_one() {
        fn shared(_: impl Sync) {}
        shared(Differ::new(DiffOptions::default()).unwrap());
    }
}
