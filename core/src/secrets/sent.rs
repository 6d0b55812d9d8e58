//! The credentials a call was sent with.

use super::SECRET;
use crate::http::HttpCall;
use crate::http::carries_credential;
use crate::http::url::Url;
use crate::json::write_string;
use memchr::memmem;

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
            let name = name.to_ascii_lowercase();
            if name == "cookie" {
                for pair in value.split(';') {
                    secrets.add(pair.split_once('=').map_or(pair, |(_, value)| value));
                }
            } else if name.ends_with("authorization") {
                secrets.add_authorization(value);
            } else if carries_credential(&name) {
                secrets.add(value);
            }
        }
        if let Some(url) = Url::parse(call.url) {
            url.credentials().for_each(|value| secrets.add(value));
            secrets.add(url.userinfo.as_deref().unwrap_or_default());
        }
        // A secret that holds another one must go first.
        secrets.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.0.dedup();
        secrets
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

    /// Finds the first of them in `text` from `start` on, in either spelling.
    pub(super) fn find(&self, text: &[u8], start: usize) -> Option<std::ops::Range<usize>> {
        let rest = text.get(start..)?;
        let places = self.0.iter().flat_map(|secret| {
            let plain = memmem::find(rest, secret.as_bytes()).map(|at| (at, secret.len()));
            let spelt = spelling(secret)
                .and_then(|spelt| memmem::find(rest, &spelt).map(|at| (at, spelt.len())));
            [plain, spelt].into_iter().flatten()
        });
        let (at, length) = places.min_by_key(|(at, length)| (*at, usize::MAX - length))?;
        Some(start + at..start + at + length)
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

    fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.len() >= SHORTEST {
            self.0.push(value.to_owned());
        }
    }
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
