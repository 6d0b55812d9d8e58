//! The credentials a call was sent with.

use super::SECRET;
use crate::http::HttpCall;
use crate::http::carries_credential;
use crate::http::url::Url;
use crate::json::write_string;
use memchr::memmem;
use std::ops::Range;

/// The exact credentials of one call: header values, query members, a password
/// in the URL.
///
/// They must not occur in what is stored, whatever they look like. Shorter ones
/// than 8 bytes are words of their own and stay.
#[derive(Clone, Default)]
pub struct SentSecrets(Vec<String>);

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
            secrets.0.retain(|secret| !url.authority.host.contains(secret.as_str()));
        }
        secrets.order();
        secrets
    }

    /// Sorts: a secret that holds another one must go first.
    pub(super) fn order(&mut self) {
        self.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
    }

    /// Whether the call had no credentials.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them occurs in `text`, as it is or in its JSON spelling.
    pub fn occur_in(&self, text: &[u8]) -> bool {
        self.0.iter().any(|secret| {
            memmem::find(text, secret.as_bytes()).is_some()
                || spelling(secret).is_some_and(|spelt| memmem::find(text, &spelt).is_some())
        })
    }

    /// Replaces them in a text that is not escaped.
    pub(super) fn redact(&self, text: &str) -> Option<String> {
        let mut redacted = None::<String>;
        for secret in &self.0 {
            let text = redacted.as_deref().unwrap_or(text);
            if text.contains(secret.as_str()) {
                redacted = Some(text.replace(secret.as_str(), SECRET));
            }
        }
        redacted
    }

    /// Finds them in either spelling; in no order, and they may overlap.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for secret in &self.0 {
            for spelt in [Some(secret.clone().into_bytes()), spelling(secret)].iter().flatten() {
                found.extend(memmem::find_iter(text, spelt).map(|at| at..at + spelt.len()));
            }
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
        }
    }

    pub(super) fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() >= SHORTEST && !is_stand_in(value) {
            self.0.push(value.to_owned());
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
fn is_stand_in(value: &str) -> bool {
    value
        .split(['-', '_', ' '])
        .all(|word| STAND_IN_WORDS.binary_search(&word.to_ascii_lowercase().as_str()).is_ok())
}

/// Says how many there are, never what.
impl std::fmt::Debug for SentSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SentSecrets({})", self.0.len())
    }
}

/// How a JSON string spells a secret, if that differs from the secret.
fn spelling(secret: &str) -> Option<Vec<u8>> {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if secret.bytes().all(plain) {
        return None;
    }
    let mut out = Vec::new();
    write_string(secret, &mut out);
    Some(out[1..out.len() - 1].to_vec())
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
