//! What is kept of a response, and whether it may be kept at all.

use super::policy::HttpPolicy;
use super::stream::{StreamState, StreamWatcher};
use crate::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

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
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut head = json!({"headers": headers, "status": self.status});
        if !self.chunks.is_empty() {
            let chunks: Vec<_> = self.chunks.iter().map(|chunk| (chunk.end, chunk.at_ms)).collect();
            head["chunks"] = json!(chunks);
        }
        // Without `preserve_order`, serde_json sorts members, and there is no number
        // but integers: this is the canonical form.
        head.to_string()
    }

    /// Reads what [`ResponseHead::to_json`] wrote; unknown members are skipped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] if it is anything else.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        #[derive(serde::Deserialize)]
        struct Head {
            status: u16,
            headers: std::collections::BTreeMap<String, String>,
            #[serde(default)]
            chunks: Vec<(u64, u64)>,
        }
        let head: Head = serde_json::from_slice(text).map_err(|cause| {
            Error::new(ErrorKind::Corrupt, "the head of a recorded response").because(cause)
        })?;
        let mut chunks = Vec::with_capacity(head.chunks.len());
        let mut last = 0;
        for (end, at_ms) in head.chunks {
            if end < last {
                let message = "the head of a recorded response: its chunks are out of order";
                return Err(Error::new(ErrorKind::Corrupt, message));
            }
            last = end;
            chunks.push(Chunk { end, at_ms });
        }
        Ok(Self { status: head.status, headers: head.headers.into_iter().collect(), chunks })
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
        }
    }

    #[test]
    fn members_of_a_later_version_are_skipped() {
        let text = br#"{"headers":{},"status":200,"trailers":{"x":1}}"#;
        assert_eq!(ResponseHead::from_json(text).unwrap().status, 200);
    }
}
