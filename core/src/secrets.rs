//! What must never reach the file: step 1 of the identity policy.
//!
//! The value of a member known to hold a credential, a match of a `redact`
//! pattern and a credential the call was sent with become `[secret]`, the same
//! for every developer. A key that is recognised by its format becomes
//! `[secret:<issuer>:<16 hex digits of its BLAKE3>]`, so that two prompts about
//! two keys stay two prompts. A placeholder is left as it is.

mod assembled;
mod format;
mod placed;
mod sent;
mod spelling;

pub use sent::SentSecrets;

use crate::error::{Error, ErrorKind, Result};
use crate::http::{Chunk, carries_credential, end_of_string, payloads};
use crate::identity::{HTTP_MEMBERS, is_http_document};
use crate::json::{Document, Edit, Kind, Node, Segment, rewrite};
use assembled::{Replacement, Texts};
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

/// A response without its secrets.
#[derive(Debug)]
pub struct Cleaned<'a> {
    /// The body; as it was, if there was nothing to replace.
    pub body: Cow<'a, [u8]>,
    /// Which kinds of secrets were found, each once.
    pub found: Vec<SecretKind>,
    /// Whether one had to be replaced and could not: the body must not be stored.
    pub is_stuck: bool,
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
    /// [`ErrorKind::InvalidJson`] if `canonical` is no JSON.
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
        let redacted = self.rewrite(canonical, sent)?;
        Ok(if redacted == canonical { Cow::Borrowed(canonical) } else { Cow::Owned(redacted) })
    }

    fn rewrite(&self, canonical: &[u8], sent: &SentSecrets) -> Result<Vec<u8>> {
        let document = Document::parse(canonical)?;
        let mut out = Vec::with_capacity(canonical.len());
        let mut value = |path: &[Segment<'_>], node: Node<'_>| self.redact_value(path, node, sent);
        let is_http = is_http_document(document.root());
        let mut new_name = |name: &str| {
            let is_envelope = is_http && HTTP_MEMBERS.contains(&name);
            if is_envelope { None } else { self.redact(name, sent) }
        };
        if rewrite(document.root(), &mut value, &mut new_name, &mut out).is_err() {
            // Two names have become one: then each says which it is.
            let distinct =
                &mut |name: &str| new_name(name).map(|_| hashed("name", name.as_bytes()));
            rewrite(document.root(), &mut value, distinct, &mut out)?;
        }
        Ok(out)
    }

    fn redact_value(&self, path: &[Segment<'_>], node: Node<'_>, sent: &SentSecrets) -> Edit {
        if is_credential_member(path) {
            return match node.kind() {
                Kind::String if node.text() == "\"\"" => Edit::Keep,
                Kind::String | Kind::Number => Edit::Text(SECRET.to_owned()),
                _ => Edit::Keep,
            };
        }
        let redacted = node.as_str().and_then(|text| self.redact(&text, sent));
        redacted.map_or(Edit::Keep, Edit::Text)
    }

    /// Replaces the secrets of a text that is not JSON, such as a test's name or a message.
    pub fn text(&self, text: &str, sent: &SentSecrets) -> String {
        self.redact(text, sent).unwrap_or_else(|| text.to_owned())
    }

    /// Returns `sent` and the secrets that stand in the request itself: a model
    /// that repeats its prompt repeats them, and nothing a caller sent is stored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidJson`] if `canonical` is no JSON.
    pub fn sent_with(&self, canonical: &[u8], sent: &SentSecrets) -> Result<SentSecrets> {
        let mut all = sent.clone();
        if self.is_clean(canonical) {
            return Ok(all);
        }
        let document = Document::parse(canonical)?;
        let mut found: Vec<String> = Vec::new();
        let collect = |text: &str, found: &mut Vec<String>| {
            for pattern in &self.patterns {
                found.extend(pattern.find_iter(text).map(|place| place.as_str().to_owned()));
            }
            found.extend(
                format::find(text.as_bytes()).into_iter().map(|one| text[one.at].to_owned()),
            );
        };
        let mut names = Vec::new();
        rewrite(
            document.root(),
            &mut |path, node| {
                let text = node.as_str();
                if !is_credential_member(path) {
                    collect(&text.unwrap_or_default(), &mut found);
                } else if let Some(text) = text {
                    // A model that repeats a header may leave its scheme out.
                    found.extend(text.split_once(' ').map(|(_, token)| token.to_owned()));
                    found.push(text.into_owned());
                } else if node.kind() == Kind::Number {
                    found.push(node.text().to_owned());
                }
                Edit::Keep
            },
            &mut |name| {
                collect(name, &mut names);
                None
            },
            &mut Vec::new(),
        )?;
        for secret in found.iter().chain(&names) {
            all.add(secret);
            spelling::plain(secret).for_each(|secret| all.add(&secret));
        }
        all.order();
        Ok(all)
    }

    /// Replaces the secrets of a response, and moves the ends of `chunks` along: what
    /// the call was sent with, and with `everything` any other secret, too.
    ///
    /// Found is also what a stream hands out in pieces, each in an event of its own;
    /// an event that changes is written anew. The binary frames of AWS, which carry
    /// checksums, are never changed.
    pub fn response<'a>(
        &self,
        bytes: &'a [u8],
        content_type: Option<&str>,
        sent: &SentSecrets,
        everything: bool,
        chunks: &mut [Chunk],
    ) -> Cleaned<'a> {
        let replaces = |kind: &SecretKind| everything || *kind == SecretKind::Sent;
        let is_frames = content_type.is_some_and(|kind| {
            kind.trim_start().starts_with("application/vnd.amazon.eventstream")
        });
        let payloads = if is_frames { payloads(bytes) } else { Vec::new() };
        let texts = if is_frames { Texts::of_payloads(&payloads) } else { Texts::of(bytes) };
        let mut kinds = Vec::new();
        let mut replacements = Vec::new();
        for (n, text) in texts.iter() {
            for (at, kind) in self.in_response(text.as_bytes(), sent) {
                if replaces(&kind)
                    && text.is_char_boundary(at.start)
                    && text.is_char_boundary(at.end)
                {
                    let by = placeholder(&kind, &text.as_bytes()[at.clone()]).into_owned();
                    replacements.push(Replacement { text: n, at, by });
                }
                kinds.push(kind);
            }
        }
        let mut is_stuck = is_frames && !replacements.is_empty();
        let mut body = Cow::Borrowed(bytes);
        if !is_frames && !replacements.is_empty() {
            body = Cow::Owned(texts.replaced(&replacements, chunks));
        }
        drop(texts);
        let found = self.in_response(&body, sent);
        kinds.extend(found.iter().map(|(_, kind)| kind.clone()));
        let splices: Vec<_> = found
            .into_iter()
            .filter(|(_, kind)| replaces(kind))
            .map(|(at, kind)| {
                let by = placeholder(&kind, &body[at.clone()]).into_owned().into_bytes();
                Splice { at, by }
            })
            .collect();
        if !splices.is_empty() {
            match is_frames {
                true => is_stuck = true,
                false => body = Cow::Owned(splice(&body, &splices, chunks)),
            }
        }
        kinds.sort();
        kinds.dedup();
        Cleaned { body, found: kinds, is_stuck }
    }

    /// Returns the secrets of a response in order, none within another.
    fn in_response(&self, bytes: &[u8], sent: &SentSecrets) -> Vec<(Range<usize>, SecretKind)> {
        let mut found: Vec<_> =
            sent.find(bytes).into_iter().map(|at| (at, SecretKind::Sent)).collect();
        if let Ok(text) = std::str::from_utf8(bytes) {
            let places = self.patterns.iter().flat_map(|pattern| pattern.find_iter(text));
            let places = places.filter(|place| !place.is_empty());
            found.extend(places.map(|place| (place.range(), SecretKind::Pattern)));
        }
        found.extend(format::find(bytes).into_iter().map(|found| {
            // A key that ended in more when it was sent: in a file's name, say.
            let was_sent = sent.hold(&bytes[found.at.clone()]);
            let kind = SecretKind::Format(found.issuer);
            (found.at, if was_sent { SecretKind::Sent } else { kind })
        }));
        // Stable: of two at one place, the one of more authority gives the kind.
        found.sort_by_key(|(at, _)| at.start);
        found.dedup_by(|(next, _), (last, _)| {
            let overlap = next.start < last.end;
            if overlap {
                last.end = last.end.max(next.end);
            }
            overlap
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
    ///
    /// The credentials of the call come last: what a key in a prompt becomes
    /// should not depend on the key that the request happens to be sent with.
    fn redact(&self, text: &str, sent: &SentSecrets) -> Option<String> {
        let mut redacted = None::<String>;
        for pattern in &self.patterns {
            let text = redacted.as_deref().unwrap_or(text);
            redacted = redact_pattern(pattern, text).or(redacted);
        }
        redacted = redact_formats(redacted.as_deref().unwrap_or(text)).or(redacted);
        sent.redact(redacted.as_deref().unwrap_or(text)).or(redacted)
    }
}

/// A part of a body, and what takes its place.
struct Splice {
    at: Range<usize>,
    by: Vec<u8>,
}

/// Replaces parts of a body, which are in order and apart, and moves the ends of
/// `chunks` along: one that ended within a part ends behind what replaces it.
fn splice(bytes: &[u8], splices: &[Splice], chunks: &mut [Chunk]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut chunks = chunks.iter_mut().peekable();
    let mut last = 0;
    for Splice { at, by } in splices {
        while let Some(chunk) = chunks.next_if(|chunk| chunk.end <= at.start as u64) {
            chunk.end = chunk.end - last as u64 + out.len() as u64;
        }
        out.extend_from_slice(&bytes[last..at.start]);
        out.extend_from_slice(by);
        last = at.end;
        while let Some(chunk) = chunks.next_if(|chunk| chunk.end <= at.end as u64) {
            chunk.end = out.len() as u64;
        }
    }
    for chunk in chunks {
        chunk.end = chunk.end - last as u64 + out.len() as u64;
    }
    out.extend_from_slice(&bytes[last..]);
    out
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
    for found in format::find(text.as_bytes()) {
        out.push_str(&text[last..found.at.start]);
        let secret = &text.as_bytes()[found.at.clone()];
        out.push_str(&placeholder(&SecretKind::Format(found.issuer), secret));
        last = found.at.end;
    }
    (last > 0).then(|| out + &text[last..])
}

fn placeholder(kind: &SecretKind, secret: &[u8]) -> Cow<'static, str> {
    match kind {
        SecretKind::Format(issuer) => hashed(issuer, secret).into(),
        SecretKind::Pattern | SecretKind::Sent => SECRET.into(),
    }
}

fn hashed(what: &str, secret: &[u8]) -> String {
    let hash = blake3::hash(secret).to_hex();
    format!("[secret:{what}:{}]", &hash[..16])
}

/// Names of members whose string is a credential, lower case without `-` and `_`.
const CREDENTIAL_MEMBERS: &[&str] = &[
    "apitoken",
    "authorization",
    "authorizationtoken",
    "authtoken",
    "bearertoken",
    "connectionstring",
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
    "accountkey",
    "apisecret",
    "apitoken",
    "authtoken",
    "clientsecret",
    "password",
    "privatekey",
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
];

pub(crate) fn is_credential_name(name: &[u8]) -> bool {
    // Longer than any in the lists with their separators: prose, not a name. Nor is a name
    // what holds a placeholder.
    if !(5..=64).contains(&name.len()) || name.contains(&b'[') {
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

/// Whether a name in a text ends as one does: what stands before it may be an escape.
fn ends_like_credential(name: &[u8]) -> bool {
    // What most names are told by: none of those in the lists ends otherwise.
    if !name.last().is_some_and(|last| b"dgnty".contains(&last.to_ascii_lowercase())) {
        return false;
    }
    let mut plain = [0; 24];
    let mut from = plain.len();
    for byte in name.iter().rev().filter(|byte| !matches!(byte, b'-' | b'_')).take(plain.len()) {
        from -= 1;
        plain[from] = byte.to_ascii_lowercase();
    }
    let names = CREDENTIAL_MEMBERS.iter().chain(CREDENTIAL_ENDINGS);
    names.into_iter().any(|known| plain[from..].ends_with(known.as_bytes()))
}

/// Members that are credentials only within this parent, and plain words elsewhere.
const CREDENTIALS_WITHIN: &[(&str, &str)] = &[
    ("headers", "cookie"),
    // Of a data source of Azure OpenAI.
    ("authentication", "key"),
    ("authentication", "connection_string"),
];

/// Whether a value is a credential: the member itself, or an item of its list.
fn is_credential_member(path: &[Segment]) -> bool {
    let items = path.iter().rev().take_while(|segment| matches!(segment, Segment::Item(_)));
    let [before @ .., Segment::Member(name)] = &path[..path.len() - items.count()] else {
        return false;
    };
    let within = |(parent, known): &(&str, &str)| {
        matches!(before, [.., Segment::Member(last)] if last == parent)
            && name.eq_ignore_ascii_case(known)
    };
    let is_header = || {
        matches!(before, [.., Segment::Member(last)] if last == "headers")
            && carries_credential(name)
    };
    is_credential_name(name.as_bytes()) || CREDENTIALS_WITHIN.iter().any(within) || is_header()
}

/// Whether a canonical text may have a member that [`is_credential_member`] knows.
fn has_credential_member(canonical: &[u8]) -> bool {
    static MEMBER: LazyLock<memchr::memmem::Finder<'static>> =
        LazyLock::new(|| memchr::memmem::Finder::new("\":"));
    let within = |name: &[u8]| {
        CREDENTIALS_WITHIN.iter().any(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes()))
    };
    let has_headers = memchr::memmem::find(canonical, b"\"headers\":{").is_some();
    let is_header =
        |name: &[u8]| has_headers && std::str::from_utf8(name).is_ok_and(carries_credential);
    // Within a string the quotes are escaped, so this is a member, or a string `:`.
    MEMBER.find_iter(canonical).any(|end| {
        let value = &canonical[end + 2..];
        let may_be_one = match value {
            [b'"', b'"', ..] => false,
            [b'"', ..] => !value.starts_with(b"\"[secret]\""),
            [b'[' | b'-' | b'0'..=b'9', ..] => true,
            _ => false,
        };
        if !may_be_one {
            return false;
        }
        let start = memchr::memrchr(b'"', &canonical[..end]).map_or(0, |quote| quote + 1);
        let name = &canonical[start..end];
        ends_like_credential(name) || within(name) || is_header(name)
    })
}

/// Walks over the strings and names of a canonical text, quotes included.
fn strings(canonical: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr::memchr(b'"', canonical.get(at..)?)?;
        at = end_of_string(canonical, start);
        canonical.get(start..at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpCall;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    const GITHUB: &str = "ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6";

    fn redactor(patterns: &[&str]) -> Redactor {
        let patterns: Vec<_> = patterns.iter().map(|text| (*text).to_owned()).collect();
        Redactor::new(&patterns).unwrap()
    }

    fn request(patterns: &[&str], canonical: &str) -> String {
        let redactor = redactor(patterns);
        let once = redactor.request(canonical.as_bytes()).unwrap().into_owned();
        assert_eq!(redactor.request(&once).unwrap(), once, "placeholders are left as they are");
        if redactor.is_clean(canonical.as_bytes()) {
            assert_eq!(once, canonical.as_bytes(), "what is clean stays");
        }
        String::from_utf8(once).unwrap()
    }

    fn call<'a>(url: &'a str, headers: &'a [(&'a str, &'a str)]) -> HttpCall<'a> {
        HttpCall { method: "POST", url, headers, body: b"" }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_the_scan_calls_clean_is_clean(pieces in vec(select(PIECES), 0..12), name: bool) {
            let text = pieces.concat();
            let value = if name { json!({"a": 1, text: "b"}) } else { json!({"a": [text]}) };
            let canonical = crate::json::to_canonical(&value).unwrap();
            for patterns in [&[][..], &["acme.[0-9]", "^a\n"]] {
                let redactor = redactor(patterns);
                let once = redactor.rewrite(&canonical, &SentSecrets::default()).unwrap();
                if redactor.is_clean(&canonical) {
                    prop_assert_eq!(&once, &canonical);
                }
                prop_assert_eq!(&redactor.rewrite(&once, &SentSecrets::default()).unwrap(), &once);
                // The same text in a string of a string, as a tool's arguments are.
                let nested = json!([String::from_utf8(canonical.clone()).unwrap()]);
                let nested = crate::json::to_canonical(&nested).unwrap();
                let is_secret = |text: &[u8]| !format::find(text).is_empty();
                prop_assert!(!is_secret(&canonical) || is_secret(&nested));
            }
        }
    }

    const PIECES: &[&str] = &[
        GITHUB,
        "AKIA2E0A8F3B244C9986",
        "sk-a1B2c3D4e5F6a1B2c3D4",
        "sk-ant-",
        "Bearer ",
        "bearer ",
        "a1B2c3D4e5F6a1B2c3D4e5F6",
        "\n",
        "\\",
        "\"",
        "\u{1}",
        "é",
        " ",
        ".",
        "n",
        "u001b",
        "acme-7",
        "[secret]",
        "-----BEGIN PRIVATE KEY-----\n0123456789abcdef\n",
        "-----END PRIVATE KEY-----",
        "eyJa1B2c3D4e5.eyJa1B2c3D4e5.a1B2c3D4e5F6",
        "password",
        "\":\"",
        "api_key=",
        ": ",
        "hunter22",
        "https://u:",
        "@h",
        "%22",
    ];

    #[test]
    fn credential_members_are_the_same_for_every_developer() {
        assert_eq!(
            request(
                &[],
                r#"{"a":[{"authorization":"x","authorization_token":"y"}],"headers":{"Cookie":"c"},"openai_api_key":"z","password":""}"#
            ),
            r#"{"a":[{"authorization":"[secret]","authorization_token":"[secret]"}],"headers":{"Cookie":"[secret]"},"openai_api_key":"[secret]","password":""}"#
        );
    }

    #[test]
    fn a_member_that_only_sounds_like_one_stays() {
        let text = r#"{"cookie":"recipe","max_tokens":5,"properties":{"api_key":{"type":"string"},"password":{"default":"x"}},"required":["api_key"],"token":"the","tokens":"a"}"#;
        assert_eq!(request(&[], text), text);
    }

    #[test]
    fn two_prompts_about_two_keys_stay_two() {
        let hash = blake3::hash(GITHUB.as_bytes()).to_hex();
        assert_eq!(
            request(&[], &format!(r#"{{"input":"is\n{GITHUB} ok?"}}"#)),
            format!(r#"{{"input":"is\n[secret:github:{}] ok?"}}"#, &hash[..16])
        );
    }

    #[test]
    fn a_key_in_a_name_is_found_and_the_names_are_in_order() {
        let hash = blake3::hash(GITHUB.as_bytes()).to_hex();
        assert_eq!(
            request(&[], &format!(r#"{{"a":1,"{GITHUB}":2}}"#)),
            format!(r#"{{"[secret:github:{}]":2,"a":1}}"#, &hash[..16])
        );
    }

    #[test]
    fn names_that_would_become_one_stay_two() {
        let text = request(&["u-[0-9]+"], r#"{"u-1":1,"u-2":2}"#);
        assert_eq!(text.matches("[secret:name:").count(), 2, "{text}");
    }

    #[test]
    fn a_pattern_leaves_placeholders_alone() {
        assert_eq!(request(&["[a-z]{6}"], r#"["secret","x"]"#), r#"["[secret]","x"]"#);
        assert_eq!(request(&["acme.*"], r#"["of acme: [secret]"]"#), r#"["of [secret]"]"#);
        assert_eq!(request(&["^a\\nb$"], r#"["a\nb"]"#), r#"["[secret]"]"#);
    }

    #[test]
    fn a_pattern_that_is_wrong_or_matches_nothing_is_an_error() {
        for pattern in ["(", "x*"] {
            let error = Redactor::new(&[pattern.to_owned()]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().starts_with("redact: "), "{error}");
        }
    }

    #[test]
    fn what_the_call_was_sent_with_is_found_in_every_spelling() {
        let headers = [
            ("Authorization", "Bearer opaque\"value"),
            ("x-api-key", "short"),
            ("Cookie", "s=0123456789"),
        ];
        let sent = SentSecrets::of(&call(
            "https://u:password1@h/x?key=query%2Bkey&q=visible-value",
            &headers,
        ));
        let text =
            r#"["opaque\"value","short","0123456789","password1","query+key","visible-value"]"#;
        let redacted = redactor(&[]).request_of_call(text.as_bytes(), &sent).unwrap().into_owned();
        assert_eq!(
            String::from_utf8(redacted).unwrap(),
            r#"["[secret]","short","[secret]","[secret]","[secret]","visible-value"]"#
        );
        assert_eq!(format!("{sent:?}"), "SentSecrets(4)");
    }

    #[test]
    fn a_signature_is_a_secret_and_what_was_signed_is_not() {
        let value = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0/20240101/us-east-1/bedrock/aws4_request, \
                     SignedHeaders=content-type;host, Signature=5d672d79c15b13162d9279b0855cfba6";
        let sent = SentSecrets::of(&call("https://h/", &[("authorization", value)]));
        assert!(sent.occur_in(b"x5d672d79c15b13162d9279b0855cfba6"));
        assert!(sent.occur_in(b"AKIDEXAMPLE0"));
        assert!(!sent.occur_in(b"content-type;host us-east-1 bedrock"));
    }

    #[test]
    fn a_response_keeps_its_chunks_when_a_secret_is_replaced() {
        let body = format!("ab {GITHUB} sent-value! ghi");
        let sent = SentSecrets::of(&call("https://h/", &[("api-key", "sent-value")]));
        let redactor = redactor(&["g.i"]);
        let mut chunks = [3, 20, 43, 44, 54, 59].map(|end| Chunk { end, at_ms: 0 });
        let cleaned = redactor.response(body.as_bytes(), None, &sent, true, &mut chunks);
        let kinds = [SecretKind::Format("github"), SecretKind::Pattern, SecretKind::Sent];
        assert_eq!(cleaned.found, kinds);
        let hash = blake3::hash(GITHUB.as_bytes()).to_hex();
        let expected = format!("ab [secret:github:{}] [secret]! [secret]", &hash[..16]);
        assert_eq!(String::from_utf8_lossy(&cleaned.body), expected);
        assert_eq!(chunks.map(|chunk| chunk.end), [3, 35, 35, 36, 44, 54]);
    }
}
