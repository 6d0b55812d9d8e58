//! How to compare.

use crate::error::{Error, ErrorKind, Result};
use crate::json::PointerSet;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who compares.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DiffMode {
    /// The bytes.
    Bytes,
    /// Both as JSON, by canonical value.
    Structured,
    /// The cosine of two embeddings, and guards that can only make it stricter.
    Embedding,
    /// A model that is asked whether they are equivalent.
    Judge,
    /// Each of the others in turn, until one decides; those that need a model only if there is one.
    #[default]
    Cascade,
}

/// Which requests the judge understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgeApi {
    /// `/v1/chat/completions` of OpenAI, which many providers speak.
    #[default]
    Openai,
    /// `/v1/messages` of Anthropic.
    Anthropic,
}

/// How to compare two outputs. An object of these members is what every language passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiffOptions {
    /// Who compares.
    pub mode: DiffMode,
    /// JSON Pointers, with `*` for any one segment, of what is left out of `structured`.
    pub ignore: Vec<String>,
    /// How far two numbers may be apart and still be equal in `structured`.
    pub epsilon: f64,
    /// JSON Pointers of arrays whose order does not matter; `""` is the whole document.
    pub unordered: Vec<String>,
    /// Whether JSON in a Markdown fence counts as JSON in `structured`.
    pub fenced_json: bool,
    /// Whether JSON objects and arrays inside strings, such as a tool call's arguments, are compared as JSON.
    pub nested_json: bool,
    /// The least cosine that is the same.
    pub same_above: f64,
    /// The cosine below which outputs are different.
    pub different_below: f64,
    /// The model of `embedding`.
    pub embedding_model: Option<String>,
    /// How long its vectors shall be.
    pub embedding_dimensions: Option<u32>,
    /// The folder of a local encoder (`model.safetensors`, `tokenizer.json`), which takes the
    /// model's place; only in builds with the feature `encoder`.
    pub encoder: Option<PathBuf>,
    /// The model of `judge`.
    pub judge_model: Option<String>,
    /// Which requests the judge understands.
    pub judge_api: JudgeApi,
    /// What the judge is told, in place of the built-in prompt.
    pub judge_prompt: Option<String>,
    /// How many votes are asked for, alternating the order; one more if they tie, or if none of
    /// one order is valid.
    pub votes: u32,
    /// How many judge calls may be made that are not recorded yet; what would need more is skipped.
    pub max_judge_calls: Option<u64>,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            mode: DiffMode::default(),
            ignore: Vec::new(),
            epsilon: 0.0,
            unordered: Vec::new(),
            fenced_json: false,
            nested_json: false,
            same_above: 0.95,
            different_below: 0.70,
            embedding_model: None,
            embedding_dimensions: None,
            encoder: None,
            judge_model: None,
            judge_api: JudgeApi::default(),
            judge_prompt: None,
            votes: 2,
            max_judge_calls: None,
        }
    }
}

impl DiffOptions {
    /// Reads options from a JSON object; an empty text is the defaults.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is no such object, or a value is outside its domain.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        // Serde takes an array for an object without names.
        if json.trim_ascii_start().first() == Some(&b'[') {
            return Err(wrong("a JSON object of diff options is needed"));
        }
        let options: Self = serde_json::from_slice(json)
            .map_err(|cause| wrong("a JSON object of diff options is needed").because(cause))?;
        options.check()?;
        Ok(options)
    }

    /// Checks that every value is within its domain.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] that names the option.
    pub fn check(&self) -> Result<()> {
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            return Err(wrong(format!("epsilon = {}: it is a distance, 0 or more", self.epsilon)));
        }
        let cosines = -1.0..=1.0;
        for (name, cosine) in
            [("same_above", self.same_above), ("different_below", self.different_below)]
        {
            if !cosines.contains(&cosine) {
                return Err(wrong(format!("{name} = {cosine}: a cosine is from -1 to 1")));
            }
        }
        if self.different_below > self.same_above {
            return Err(wrong(format!(
                "different_below = {} is above same_above = {}",
                self.different_below, self.same_above
            )));
        }
        if !(1..=99).contains(&self.votes) {
            return Err(wrong(format!("votes = {}: from 1 to 99 are possible", self.votes)));
        }
        for name in [&self.ignore, &self.unordered] {
            let below: Vec<_> =
                name.iter().filter(|pointer| !pointer.is_empty()).cloned().collect();
            PointerSet::parse(&below).map_err(|error| wrong(error.to_string()))?;
        }
        if self.ignore.iter().any(String::is_empty) {
            return Err(wrong("ignore = \"\" would leave nothing to compare"));
        }
        Ok(())
    }
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_option_is_named() {
        for (json, says) in [
            ("[]", "a JSON object of diff options is needed"),
            (r#"{"mod": "bytes"}"#, "unknown field `mod`"),
            (r#"{"mode": "byte"}"#, "unknown variant `byte`"),
            (r#"{"epsilon": -1}"#, "epsilon = -1"),
            (r#"{"same_above": 1.5}"#, "same_above = 1.5"),
            (r#"{"different_below": 0.99}"#, "different_below = 0.99 is above"),
            (r#"{"votes": 0}"#, "votes = 0"),
            (r#"{"ignore": [""]}"#, "nothing to compare"),
            (r#"{"unordered": ["tags"]}"#, "\"tags\""),
        ] {
            let error = DiffOptions::from_json(json.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{json}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert_eq!(DiffOptions::from_json(b"").unwrap(), DiffOptions::default());
        assert!(DiffOptions::from_json(br#"{"unordered": [""]}"#).is_ok());
    }
}
