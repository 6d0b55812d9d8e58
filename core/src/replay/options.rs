//! How to replay.

use crate::diff::DiffOptions;
use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// How to replay. An object of these members is what every language passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayOptions {
    /// How to compare.
    pub diff: DiffOptions,
    /// How many rows are under way at once, from 1 to 256.
    pub concurrency: usize,
    /// How many rows are replayed at most.
    pub limit: Option<u64>,
    /// A name for the target, for the report.
    ///
    /// If there is a cache, too, it keeps the target's outputs under this name, so that a second
    /// replay calls nothing: the name promises that an output depends on nothing but the name and
    /// the row's model, system prompt, messages, tools and params. A target that changes gets
    /// another name.
    pub target: Option<String>,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self { diff: DiffOptions::default(), concurrency: 4, limit: None, target: None }
    }
}

impl ReplayOptions {
    /// Reads options from a JSON object; an empty text is the defaults.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] if it is no such object, or a value is outside its domain.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.is_empty() {
            return Ok(Self::default());
        }
        let what = "a JSON object of replay options is needed";
        // Serde takes an array for an object without names.
        if json.trim_ascii_start().first() == Some(&b'[') {
            return Err(wrong(what));
        }
        let options: Self =
            serde_json::from_slice(json).map_err(|cause| wrong(what).because(cause))?;
        options.check()?;
        Ok(options)
    }

    /// Checks that every value is within its domain.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidArgument`] that names the option.
    pub fn check(&self) -> Result<()> {
        if !(1..=256).contains(&self.concurrency) {
            return Err(wrong(format!(
                "concurrency = {}: from 1 to 256 are possible",
                self.concurrency
            )));
        }
        if self.target.as_deref() == Some("") {
            return Err(wrong("target = \"\": a name needs a letter; leave it out for none"));
        }
        self.diff.check()
    }
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_checked() {
        let options = ReplayOptions::from_json(
            br#"{"concurrency": 8, "limit": 10, "target": "v2", "diff": {"mode": "bytes"}}"#,
        )
        .unwrap();
        assert_eq!((options.concurrency, options.limit), (8, Some(10)));
        assert_eq!(ReplayOptions::from_json(b"").unwrap(), ReplayOptions::default());
        for (wrong, says) in [
            (r#"{"concurrency": 0}"#, "concurrency = 0: from 1 to 256 are possible"),
            (r#"{"concurrency": 257}"#, "concurrency = 257: from 1 to 256 are possible"),
            (r#"{"target": ""}"#, "target = \"\""),
            (r#"{"diff": {"votes": 0}}"#, "votes = 0"),
            (r#"{"concurency": 8}"#, "unknown field `concurency`"),
            ("[]", "a JSON object of replay options is needed"),
        ] {
            let error = ReplayOptions::from_json(wrong.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{wrong}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
