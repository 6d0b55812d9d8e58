//! What is kept of a response, and whether it may be kept at all.

use super::policy::HttpPolicy;
use super::stream::{StreamState, StreamWatcher};
use crate::error::{Error, ErrorKind, Result};
use crate::json::write_string;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

/// What is kept of a response beside its body.
///
/// ```
/// use f3dx_cache_core::http::{Chunk, ResponseHead};
///
/// let head = ResponseHead {
///     status: 200,
///     headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
///     chunks: vec![Chunk { end: 31, at_ms: 120 }],
/// };
/// let text = head.to_json();
/// assert_eq!(
///     text,
///     r#"{"chunks":[[31,120]],"headers":{"content-type":"text/event-stream"},"status":200}"#
/// );
/// assert_eq!(ResponseHead::from_json(text.as_bytes()).unwrap(), head);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case and sorted, each once; see [`kept_headers`].
    pub headers: Vec<(String, String)>,
    /// The chunks of a stream, in order; none for a body that came as one.
    pub chunks: Vec<Chunk>,
}

/// One piece of a stream, as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where in the body it ends; it begins where the one before ends.
    pub end: u64,
    /// When it arrived, in milliseconds since the response's head did.
    pub at_ms: u64,
}

/// Whether a response may be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Record,
    /// It must not, for this reason.
    Refuse(String),
}

impl ResponseHead {
    /// Returns the value of a kept header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(kept, _)| kept == name).map(|(_, value)| value.as_str())
    }

    /// Returns it as canonical JSON: `{"chunks":[[end,at_ms],…],"headers":{…},"status":…}`,
    /// without `chunks` if there are none.
    pub fn to_json(&self) -> String {
        let headers: BTreeMap<_, _> = self.headers.iter().map(|(n, v)| (n, v)).collect();
        let length: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
        let mut text = Vec::with_capacity(length + 16 * self.chunks.len() + 48);
        let mut between = "{\"chunks\":[";
        for Chunk { end, at_ms } in &self.chunks {
            // Writing to memory cannot fail.
            let _ = write!(text, "{between}[{end},{at_ms}]");
            between = ",";
        }
        text.extend_from_slice(if self.chunks.is_empty() { b"{" } else { b"]," });
        between = "\"headers\":{";
        text.extend_from_slice(if headers.is_empty() { between.as_bytes() } else { b"" });
        for (name, value) in headers {
            text.extend_from_slice(between.as_bytes());
            write_string(name, &mut text);
            text.push(b':');
            write_string(value, &mut text);
            between = ",";
        }
        let _ = write!(text, "}},\"status\":{}}}", self.status);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Reads what [`ResponseHead::to_json`] wrote; unknown members are skipped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if it is anything else.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let head = Head::parse(text)?;
        let owned =
            |(name, value): (Text<'_>, Text<'_>)| (name.0.into_owned(), value.0.into_owned());
        let mut headers: Vec<_> = head.headers.0.into_iter().map(owned).collect();
        if !headers.is_sorted_by(|(a, _), (b, _)| a < b) {
            headers = BTreeMap::from_iter(headers).into_iter().collect();
        }
        let chunks = head.chunks.into_iter().map(|(end, at_ms)| Chunk { end, at_ms }).collect();
        Ok(Self { status: head.status, headers, chunks })
    }

    /// Fails where [`ResponseHead::from_json`] does.
    pub(crate) fn check(text: &[u8]) -> Result<()> {
        Head::parse(text).map(|_| ())
    }
}

/// The head of a response as it is read.
#[derive(Deserialize)]
struct Head<'t> {
    status: u16,
    #[serde(borrow)]
    headers: Headers<'t>,
    #[serde(default)]
    chunks: Vec<(u64, u64)>,
}

impl<'t> Head<'t> {
    fn parse(text: &'t [u8]) -> Result<Self> {
        let head: Self = serde_json::from_slice(text).map_err(|cause| {
            Error::new(ErrorKind::Corrupt, "the head of a recorded response").because(cause)
        })?;
        if !head.chunks.is_sorted_by_key(|(end, _)| *end) {
            let message = "the head of a recorded response: its chunks are out of order";
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(head)
    }
}

/// Names and values, as they stand.
struct Headers<'t>(Vec<(Text<'t>, Text<'t>)>);

/// A string that is read where it stands, unless it has escapes.
#[derive(Deserialize)]
struct Text<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'de: 't, 't> Deserialize<'de> for Headers<'t> {
    fn deserialize<D: Deserializer<'de>>(text: D) -> std::result::Result<Self, D::Error> {
        text.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Headers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut members: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut headers = Vec::with_capacity(8);
        while let Some(header) = members.next_entry()? {
            headers.push(header);
        }
        Ok(Headers(headers))
    }
}

/// Headers that are kept, sorted.
const KEPT: &[&str] = &[
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
    "apim-request-id",
    "content-type",
    "openai-model",
    "openai-processing-ms",
    "openai-version",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-amzn-bedrock-input-token-count",
    "x-amzn-bedrock-invocation-latency",
    "x-amzn-bedrock-output-token-count",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-goog-request-id",
    "x-ms-request-id",
    "x-request-id",
    "x-should-retry",
];

/// Returns the headers of a response that are kept: content type, request ids,
/// rate limits and what tells an SDK to retry. Names in lower case and sorted,
/// the values of one that was repeated joined by `, `.
///
/// Never cookies or an account's name, and never what describes the transfer:
/// the body is kept with content-encoding undone.
pub fn kept_headers(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if KEPT.binary_search(&name.as_str()).is_err() && !name.starts_with("x-ratelimit-") {
            continue;
        }
        match kept.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => {
                values.push_str(", ");
                values.push_str(value.trim());
            }
            None => kept.push((name, value.trim().to_owned())),
        }
    }
    kept.sort();
    kept
}

impl HttpPolicy {
    /// Decides whether a response may be recorded: a complete 2xx without an
    /// error in it, or a complete one whose status `record_status` lists.
    ///
    /// `body` is what arrived of it, content-encoding undone; `eof` says whether
    /// the body ended properly, and not because the connection broke or the
    /// caller left. A stream may be complete without: see [`StreamWatcher`].
    pub fn verdict(
        &self,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
        eof: bool,
    ) -> Verdict {
        let refuse = |reason: String| Verdict::Refuse(reason);
        if !(200..300).contains(&status) {
            if !self.record_status.contains(&status) {
                return refuse(format!("status {status}; record_status = [{status}] records it"));
            }
            return if eof {
                Verdict::Record
            } else {
                refuse(format!("the body of status {status} was not read to its end"))
            };
        }
        if body.is_empty() && status != 204 {
            return refuse(format!("status {status} with an empty body"));
        }
        // A sign-in page, or a gateway's.
        if content_type.is_some_and(|kind| kind.trim_start().starts_with("text/html")) {
            return refuse("the body is a web page".to_owned());
        }
        let mut watcher = StreamWatcher::new(content_type);
        watcher.push(body);
        match watcher.finish(eof) {
            StreamState::Complete => Verdict::Record,
            StreamState::Failed(reason) => refuse(reason),
            StreamState::Open => refuse("the response is not complete".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_is_what_the_list_says() {
        assert!(KEPT.is_sorted());
        let kept = kept_headers(&[
            ("X-Request-Id", "req_1"),
            ("Set-Cookie", "__cf_bm=1"),
            ("Content-Type", "application/json"),
            ("Content-Encoding", "gzip"),
            ("Content-Length", "10"),
            ("Transfer-Encoding", "chunked"),
            ("openai-organization", "acme"),
            ("anthropic-organization-id", "acme"),
            ("x-ratelimit-remaining-tokens", " 9 "),
            ("retry-after", "1"),
            ("Retry-After", "2"),
            ("x-api-key", "k"),
        ]);
        let kept: Vec<_> = kept.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("content-type", "application/json"),
                ("retry-after", "1, 2"),
                ("x-ratelimit-remaining-tokens", "9"),
                ("x-request-id", "req_1"),
            ]
        );
    }

    #[test]
    fn a_damaged_head_is_corrupt() {
        for text in [
            "",
            "{}",
            r#"{"status":200}"#,
            r#"{"status":99999,"headers":{}}"#,
            r#"{"status":200,"headers":{},"chunks":[[5,0],[4,0]]}"#,
        ] {
            let error = ResponseHead::from_json(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{text}");
            let error = ResponseHead::check(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{text}");
        }
    }

    #[test]
    fn a_head_is_canonical_and_read_back() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let of = |headers: &[(String, String)], chunks: &[(u64, u64)]| ResponseHead {
            status: 200,
            headers: headers.to_vec(),
            chunks: chunks.iter().map(|&(end, at_ms)| Chunk { end, at_ms }).collect(),
        };
        let odd = [header("a", "\"q\"\\\u{1}\n\u{7f}é"), header("content-type", "text/plain")];
        for head in [
            of(&[], &[]),
            of(&[], &[(1, 2)]),
            of(&odd, &[]),
            of(&odd, &[(0, 0), (u64::MAX, u64::MAX)]),
        ] {
            let text = head.to_json();
            let canonical = crate::json::canonicalize(text.as_bytes());
            assert_eq!(canonical.unwrap(), text.as_bytes(), "{text}");
            assert_eq!(ResponseHead::from_json(text.as_bytes()).unwrap(), head);
        }
        let mut unsorted = odd.to_vec();
        unsorted.reverse();
        assert_eq!(of(&unsorted, &[]).to_json(), of(&odd, &[]).to_json());
    }

    #[test]
    fn headers_are_sorted_and_each_once_whatever_is_read() {
        let text = br#"{"headers":{"b":"1","a":"2","b":"3"},"status":200}"#;
        let [a, b] = &ResponseHead::from_json(text).unwrap().headers[..] else { panic!() };
        assert_eq!((a.0.as_str(), a.1.as_str()), ("a", "2"));
        assert_eq!((b.0.as_str(), b.1.as_str()), ("b", "3"));
    }

    #[test]
    fn members_of_a_later_version_are_skipped() {
        let text = br#"{"headers":{},"status":200,"trailers":{"x":1}}"#;
        assert_eq!(ResponseHead::from_json(text).unwrap().status, 200);
    }
}
