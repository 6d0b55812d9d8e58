//! What must never reach the file: step 1 of the identity policy.
//!
//! The value of a member known to hold a credential, a match of a `redact`
//! pattern and a credential the call was sent with become `[secret]`, the same
//! for every developer. A key that is recognised by its format becomes
//! `[secret:<issuer>:<16 hex digits of its BLAKE3>]`, so that two prompts about
//! two keys stay two prompts. A placeholder is left as it is.

mod format;
mod sent;

pub use sent::SentSecrets;

use crate::error::{Error, ErrorKind, Result};
use crate::http::Chunk;
use crate::json::{Document, Edit, Kind, Segment, rewrite, write_string};
use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// The placeholder that is the same for every secret.
const SECRET: &str = "[secret]";

/// Finds and replaces secrets.
///
/// ```
/// use f3dx_cache_core::secrets::Redactor;
///
/// let redactor = Redactor::new(&[]).unwrap();
/// let request = br#"{"input":"hello","tools":[{"authorization":"opaque"}]}"#;
/// assert!(!redactor.is_clean(request));
/// assert_eq!(
///     &*redactor.request(request).unwrap(),
///     br#"{"input":"hello","tools":[{"authorization":"[secret]"}]}"#
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Redactor {
    patterns: Vec<Regex>,
}

/// What a secret is; its text says nothing of the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SecretKind {
    /// A key or token in the format of this issuer, such as `openai`.
    Format(&'static str),
    /// What a `redact` pattern matches.
    Pattern,
    /// A credential that the call was sent with.
    Sent,
}

impl std::fmt::Display for SecretKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Format(issuer) => write!(f, "a secret of the format {issuer:?}"),
            Self::Pattern => f.write_str("what a `redact` pattern matches"),
            Self::Sent => f.write_str("a credential the call was sent with"),
        }
    }
}

impl Redactor {
    /// Compiles the `redact` patterns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a pattern that is no regular expression or
    /// matches the empty string.
    pub fn new(redact: &[String]) -> Result<Self> {
        let patterns = redact.iter().map(|pattern| {
            let regex = Regex::new(pattern).map_err(|cause| {
                Error::new(ErrorKind::Config, format!("redact: {pattern:?}")).because(cause)
            })?;
            if regex.is_match("") {
                let message = format!("redact: {pattern:?} matches the empty string");
                return Err(Error::new(ErrorKind::Config, message));
            }
            Ok(regex)
        });
        Ok(Self { patterns: patterns.collect::<Result<_>>()? })
    }

    /// Whether [`Redactor::request`] would return `canonical` as it is; may say no
    /// though it would. For the hot path: one scan of the bytes, without parsing.
    pub fn is_clean(&self, canonical: &[u8]) -> bool {
        format::is_clean(canonical)
            && !has_credential_member(canonical)
            && (self.patterns.is_empty() || !self.matches_a_string(canonical))
    }

    /// Replaces the secrets of a canonical request; the result is canonical.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`] if `canonical` is no JSON, or two names of one
    /// object become the same.
    pub fn request<'a>(&self, canonical: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        self.request_of_call(canonical, &SentSecrets::default())
    }

    /// Like [`Redactor::request`], and replaces the credentials the call was sent with.
    ///
    /// # Errors
    ///
    /// Those of [`Redactor::request`].
    pub fn request_of_call<'a>(
        &self,
        canonical: &'a [u8],
        sent: &SentSecrets,
    ) -> Result<Cow<'a, [u8]>> {
        if self.is_clean(canonical) && !sent.occur_in(canonical) {
            return Ok(Cow::Borrowed(canonical));
        }
        let document = Document::parse(canonical)?;
        let mut out = Vec::with_capacity(canonical.len());
        rewrite(
            document.root(),
            &mut |path, node| {
                if node.kind() != Kind::String {
                    return Edit::Keep;
                }
                let text = node.as_str().unwrap_or_default();
                let redacted = if is_credential_member(path) && !text.is_empty() {
                    (text != SECRET).then(|| SECRET.to_owned())
                } else {
                    self.redact(&text, sent)
                };
                match redacted {
                    Some(text) => Edit::Text(quoted(&text)),
                    None => Edit::Keep,
                }
            },
            &mut |name| self.redact(name, sent),
            &mut out,
        )?;
        Ok(if out == canonical { Cow::Borrowed(canonical) } else { Cow::Owned(out) })
    }

    /// Says which secrets a response holds, each kind once.
    ///
    /// A secret that a stream hands out in pieces, each in an event of its own, is not found.
    pub fn find_in_response(&self, bytes: &[u8], sent: &SentSecrets) -> Vec<SecretKind> {
        let mut kinds: Vec<_> =
            self.in_response(bytes, sent).into_iter().map(|(_, kind)| kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// Replaces the secrets of a response, and moves the ends of `chunks` along:
    /// what the call was sent with, and with `everything` any other secret, too.
    pub fn response<'a>(
        &self,
        bytes: &'a [u8],
        sent: &SentSecrets,
        everything: bool,
        chunks: &mut [Chunk],
    ) -> Cow<'a, [u8]> {
        let mut found = self.in_response(bytes, sent);
        found.retain(|(_, kind)| everything || *kind == SecretKind::Sent);
        if found.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut chunks = chunks.iter_mut().peekable();
        let mut last = 0;
        for (at, kind) in found {
            while let Some(chunk) = chunks.next_if(|chunk| chunk.end <= at.start as u64) {
                chunk.end = chunk.end - last as u64 + out.len() as u64;
            }
            out.extend_from_slice(&bytes[last..at.start]);
            out.extend_from_slice(placeholder(&kind, &bytes[at.clone()]).as_bytes());
            last = at.end;
            // A chunk that ended within the secret ends behind its placeholder.
            while let Some(chunk) = chunks.next_if(|chunk| chunk.end <= at.end as u64) {
                chunk.end = out.len() as u64;
            }
        }
        for chunk in chunks {
            chunk.end = chunk.end - last as u64 + out.len() as u64;
        }
        out.extend_from_slice(&bytes[last..]);
        Cow::Owned(out)
    }

    /// Returns the secrets of a response in order, none within another.
    fn in_response(&self, bytes: &[u8], sent: &SentSecrets) -> Vec<(Range<usize>, SecretKind)> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(place) = sent.find(bytes, at) {
            at = place.end;
            found.push((place, SecretKind::Sent));
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            let places = self.patterns.iter().flat_map(|pattern| pattern.find_iter(text));
            let places = places.filter(|place| !place.is_empty());
            found.extend(places.map(|place| (place.range(), SecretKind::Pattern)));
        }
        at = 0;
        while let Some(place) = format::find(bytes, at) {
            at = place.at.end;
            found.push((place.at, SecretKind::Format(place.issuer)));
        }
        // Stable: of two at one place, the one of more authority stays.
        found.sort_by_key(|(at, _)| at.start);
        let mut end = 0;
        found.retain(|(at, _)| {
            let apart = at.start >= end;
            if apart {
                end = at.end;
            }
            apart
        });
        found
    }

    /// Whether a pattern matches a string or name of a canonical text.
    fn matches_a_string(&self, canonical: &[u8]) -> bool {
        strings(canonical).any(|string| {
            let text = match memchr::memchr(b'\\', string) {
                None => String::from_utf8_lossy(&string[1..string.len() - 1]),
                Some(_) => serde_json::from_slice(string).map(Cow::Owned).unwrap_or_default(),
            };
            self.patterns.iter().any(|pattern| pattern.is_match(&text))
        })
    }

    /// Replaces the secrets of a text that is not escaped.
    fn redact(&self, text: &str, sent: &SentSecrets) -> Option<String> {
        let mut redacted = sent.redact(text);
        for pattern in &self.patterns {
            let text = redacted.as_deref().unwrap_or(text);
            redacted = redact_pattern(pattern, text).or(redacted);
        }
        let text = redacted.as_deref().unwrap_or(text);
        redact_formats(text).or(redacted)
    }
}

/// Replaces the matches of a pattern, but for those within a placeholder.
fn redact_pattern(pattern: &Regex, text: &str) -> Option<String> {
    #[allow(clippy::expect_used)] // A constant pattern, compiled in every test.
    static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\[secret(?::[a-z-]+:[0-9a-f]{16})?\]").expect("a valid pattern")
    });
    let placeholders: Vec<_> = PLACEHOLDER.find_iter(text).map(|found| found.range()).collect();
    let mut out = String::new();
    let mut last = 0;
    for found in pattern.find_iter(text).filter(|found| !found.is_empty()) {
        let mut at = found.range();
        let touched = |place: &&Range<usize>| place.start < at.end && at.start < place.end;
        let touched: Vec<_> = placeholders.iter().filter(touched).cloned().collect();
        if touched.iter().any(|place| place.start <= at.start && at.end <= place.end) {
            continue;
        }
        // One that reaches into a placeholder takes the whole of it.
        for place in touched {
            at = at.start.min(place.start)..at.end.max(place.end);
        }
        out.push_str(text.get(last..at.start).unwrap_or_default());
        if at.start >= last {
            out.push_str(SECRET);
        }
        last = at.end;
    }
    (last > 0).then(|| out + &text[last..])
}

fn redact_formats(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut last = 0;
    while let Some(found) = format::find(text.as_bytes(), last) {
        out.push_str(&text[last..found.at.start]);
        let secret = &text.as_bytes()[found.at.clone()];
        out.push_str(&placeholder(&SecretKind::Format(found.issuer), secret));
        last = found.at.end;
    }
    (last > 0).then(|| out + &text[last..])
}

fn placeholder(kind: &SecretKind, secret: &[u8]) -> Cow<'static, str> {
    match kind {
        SecretKind::Format(issuer) => {
            let hash = blake3::hash(secret).to_hex();
            format!("[secret:{issuer}:{}]", &hash[..16]).into()
        }
        SecretKind::Pattern | SecretKind::Sent => SECRET.into(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Names of members whose string is a credential, lower case without `-` and `_`.
const CREDENTIAL_MEMBERS: &[&str] = &[
    "apitoken",
    "authorization",
    "authorizationtoken",
    "authtoken",
    "bearertoken",
    "idtoken",
    "passwd",
    "password",
    "proxyauthorization",
    "refreshtoken",
    "securitytoken",
    "sessiontoken",
    "xamzsecuritytoken",
];

/// Endings of such names: `openai_api_key`, `aws_secret_access_key`, …
const CREDENTIAL_ENDINGS: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "clientsecret",
    "privatekey",
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
];

fn is_credential_name(name: &[u8]) -> bool {
    // Longer than any in the lists with their separators: prose, not a name.
    if !(5..=64).contains(&name.len()) {
        return false;
    }
    let plain: Vec<u8> = name
        .iter()
        .filter(|byte| !matches!(byte, b'-' | b'_'))
        .map(u8::to_ascii_lowercase)
        .collect();
    CREDENTIAL_MEMBERS.iter().any(|known| known.as_bytes() == plain)
        || CREDENTIAL_ENDINGS.iter().any(|ending| plain.ends_with(ending.as_bytes()))
}

fn is_credential_member(path: &[Segment]) -> bool {
    match path {
        // A cookie is a credential only where it is a header.
        [.., Segment::Member(parent), Segment::Member(name)]
            if parent == "headers" && name.eq_ignore_ascii_case("cookie") =>
        {
            true
        }
        [.., Segment::Member(name)] => is_credential_name(name.as_bytes()),
        _ => false,
    }
}

/// Whether a canonical text may have a member that [`is_credential_member`] knows.
fn has_credential_member(canonical: &[u8]) -> bool {
    static STRING_MEMBER: LazyLock<memchr::memmem::Finder<'static>> =
        LazyLock::new(|| memchr::memmem::Finder::new("\":\""));
    // Within a string the quotes are escaped, so this is a member, or a string `:`.
    STRING_MEMBER.find_iter(canonical).any(|end| {
        let start = memchr::memrchr(b'"', &canonical[..end]).map_or(0, |quote| quote + 1);
        let name = &canonical[start..end];
        let is_empty = canonical.get(end + 3) == Some(&b'"');
        let is_done = canonical[end + 3..].starts_with(b"[secret]\"");
        !is_empty && !is_done && (is_credential_name(name) || name.eq_ignore_ascii_case(b"cookie"))
    })
}

/// Walks over the strings and names of a canonical text, quotes included.
fn strings(canonical: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr::memchr(b'"', canonical.get(at..)?)?;
        at = crate::http::end_of_string(canonical, start);
        canonical.get(start..at)
    })
}
