//! The credentials a call was sent with.

use super::SECRET;
use super::spelling::spellings;
use crate::base64;
use crate::http::HttpCall;
use crate::http::carries_credential;
use crate::http::url::Url;
use memchr::memmem;
use std::ops::Range;

/// The exact credentials of one call: header values, query members, a password
/// in the URL.
///
/// They must not occur in what is stored, whatever they look like, nor in the JSON,
/// URL or base64 spelling of them. Shorter ones than 8 bytes are words of their own
/// and stay.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SentSecrets {
    /// How many there are.
    count: usize,
    /// They and their other spellings, longer ones first.
    spelt: Vec<String>,
}

const SHORTEST: usize = 8;

impl SentSecrets {
    /// Collects the credentials of a call.
    pub fn of(call: &HttpCall) -> Self {
        let mut secrets = Self::default();
        for (name, value) in call.headers {
            if !carries_credential(name) {
                continue;
            }
            let name = name.to_ascii_lowercase();
            if name == "cookie" {
                for pair in value.split(';') {
                    secrets.add(pair.split_once('=').map_or(pair, |(_, value)| value));
                }
            } else if name.ends_with("authorization") {
                secrets.add_authorization(value);
            } else {
                secrets.add(value);
            }
        }
        if let Some(url) = Url::parse(call.url) {
            url.credentials().for_each(|value| secrets.add(&value));
            // A stand-in for a key, such as `anthropic`, which must not spoil the URL.
            secrets.spelt.retain(|secret| !url.authority.host.contains(secret.as_str()));
        }
        secrets.order();
        secrets
    }

    /// Sorts: a secret that holds another one must go first.
    pub(super) fn order(&mut self) {
        self.spelt.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.spelt.dedup();
    }

    /// Whether the call had no credentials.
    pub fn is_empty(&self) -> bool {
        self.spelt.is_empty()
    }

    /// Whether one of them occurs in `text`, in any spelling.
    pub fn occur_in(&self, text: &[u8]) -> bool {
        self.spelt.iter().any(|secret| memmem::find(text, secret.as_bytes()).is_some())
    }

    /// Whether `secret` is one of them, or a part of one.
    pub(super) fn hold(&self, secret: &[u8]) -> bool {
        secret.len() >= SHORTEST
            && self.spelt.iter().any(|sent| memmem::find(sent.as_bytes(), secret).is_some())
    }

    /// Replaces them in a text that is not escaped.
    pub(super) fn redact(&self, text: &str) -> Option<String> {
        let mut redacted = None::<String>;
        for secret in &self.spelt {
            let text = redacted.as_deref().unwrap_or(text);
            if text.contains(secret.as_str()) {
                redacted = Some(text.replace(secret.as_str(), SECRET));
            }
        }
        redacted
    }

    /// Finds them in any spelling; in no order, and they may overlap.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for secret in &self.spelt {
            let places = memmem::find_iter(text, secret.as_bytes());
            found.extend(places.map(|at| at..at + secret.len()));
        }
        found
    }

    /// Takes the credentials behind the scheme; of a signature only what is secret.
    fn add_authorization(&mut self, value: &str) {
        let (scheme, credentials) = value.trim().split_once(' ').unwrap_or(("", value));
        if scheme.to_ascii_uppercase().starts_with("AWS4-") {
            if let Some((_, signature)) = credentials.split_once("Signature=") {
                self.add(signature);
            }
            if let Some((_, rest)) = credentials.split_once("Credential=") {
                self.add(rest.split('/').next().unwrap_or_default());
            }
        } else {
            self.add(credentials);
            if scheme.eq_ignore_ascii_case("basic") {
                let pair =
                    base64::decode(credentials).and_then(|pair| String::from_utf8(pair).ok());
                let password = pair.as_deref().and_then(|pair| pair.split_once(':'));
                self.add(password.map_or("", |(_, password)| password));
            }
        }
    }

    pub(super) fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() >= SHORTEST && !is_stand_in(value) {
            self.count += 1;
            self.spelt.push(value.to_owned());
            self.spelt.extend(spellings(value));
        }
    }
}

/// Words of which stand-ins for a key are made, for servers that need none.
const STAND_IN_WORDS: [&str; 34] = [
    "a",
    "anthropic",
    "any",
    "anything",
    "api",
    "dummy",
    "empty",
    "example",
    "fake",
    "here",
    "key",
    "lm",
    "local",
    "localhost",
    "mock",
    "my",
    "needed",
    "no",
    "none",
    "not",
    "nothing",
    "null",
    "ollama",
    "openai",
    "placeholder",
    "required",
    "sk",
    "studio",
    "test",
    "testing",
    "token",
    "unused",
    "vllm",
    "your",
];

/// Whether a key is no secret but a few plain words, such as `not-needed`: these
/// occur in prompts and answers, which they would spoil.
pub(super) fn is_stand_in(value: &str) -> bool {
    value
        .split(['-', '_', ' '])
        .all(|word| STAND_IN_WORDS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok())
}

/// Says how many there are, never what.
impl std::fmt::Debug for SentSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SentSecrets({})", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_words_and_keys_are_not() {
        assert!(STAND_IN_WORDS.is_sorted());
        for value in ["anything", "not-needed", "lm-studio", "EMPTY", "sk-no-key-required"] {
            assert!(is_stand_in(value), "{value}");
        }
        for value in ["", "test-key-1", "opensesame", "sk-1234abcd", "anything-else-9"] {
            assert!(!is_stand_in(value), "{value}");
        }
    }
}
