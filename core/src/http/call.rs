//! An HTTP call, and the request document that identifies it.

use super::multipart;
use super::outline::Outline;
use super::policy::HttpPolicy;
use super::providers;
use super::url::Url;
use crate::json::{canonicalize, write_string};

/// A call as it is about to be sent.
///
/// ```
/// use f3dx_cache_core::Options;
/// use f3dx_cache_core::http::{Classified, HttpCall, HttpPolicy};
///
/// let policy = HttpPolicy::new(&Options::default(), &|_| None).unwrap();
/// let call = HttpCall {
///     method: "POST",
///     url: "https://api.openai.com/v1/chat/completions",
///     headers: &[("authorization", "Bearer not-kept")],
///     body: br#"{"model": "gpt-4o", "stream": false}"#,
/// };
/// let Classified::Inference(request) = policy.classify(&call) else { panic!() };
/// assert_eq!(
///     request.canonical,
///     br#"{"body":{"model":"gpt-4o"},"method":"POST","url":"api.openai.com/v1/chat/completions"}"#
/// );
/// ```
#[derive(Clone, Copy)]
pub struct HttpCall<'a> {
    /// The method, in any case.
    pub method: &'a str,
    /// The absolute URL.
    pub url: &'a str,
    /// Names, in any case, and values, in the order they are sent.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body as it is sent.
    pub body: &'a [u8],
}

/// What a call is to the cache.
#[derive(Clone, Debug, PartialEq)]
pub enum Classified {
    /// None of our business: it goes on untouched in every mode.
    Pass,
    /// A provider call that is no inference: never recorded, refused in `replay`.
    Unrecorded {
        /// What it is and how to record it, for the message.
        reason: String,
    },
    /// A call to record and replay.
    Inference(RequestDocument),
}

/// What identifies a call, and what is known of it without reading it again.
#[derive(Clone, PartialEq)]
pub struct RequestDocument {
    /// `{"body":…,"headers"?:…,"method":…,"url":…}` in canonical form, before
    /// the identity policy: secrets of the body are still in it.
    pub canonical: Vec<u8>,
    /// The model asked for, in the body or in the path.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
}

/// Without the document: its secrets are still in it.
impl std::fmt::Debug for RequestDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestDocument")
            .field("bytes", &self.canonical.len())
            .field("model", &self.model)
            .field("stream", &self.stream)
            .finish()
    }
}

impl HttpCall<'_> {
    /// Returns the values of a header, in the order they are sent.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// Method, host and path, and no more: the rest may hold credentials.
impl std::fmt::Debug for HttpCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Url::parse(self.url) {
            Some(url) => write!(f, "HttpCall({} {}{})", self.method, url.authority, url.path),
            None => write!(f, "HttpCall({})", self.method),
        }
    }
}

impl RequestDocument {
    pub(super) fn new(policy: &HttpPolicy, call: &HttpCall, url: &Url) -> Self {
        let mut canonical = Vec::with_capacity(call.body.len() + 128);
        canonical.extend_from_slice(b"{\"body\":");
        let body = Body::write(call, &url.path, &mut canonical);
        write_headers(policy, call, &mut canonical);
        canonical.extend_from_slice(b",\"method\":");
        write_string(&call.method.to_ascii_uppercase(), &mut canonical);
        canonical.extend_from_slice(b",\"url\":");
        let host = policy.spelling(&url.authority);
        write_string(&format!("{host}{}", url.path_and_query()), &mut canonical);
        canonical.push(b'}');
        Self {
            canonical,
            model: body.model.or_else(|| providers::model_in_path(&url.path)),
            stream: providers::is_stream_by_path(&url.path)
                || body.stream.unwrap_or_else(|| providers::is_stream_by_default(&url.path)),
        }
    }
}

#[derive(Default)]
struct Body {
    model: Option<String>,
    stream: Option<bool>,
}

/// The document adds one level to those of the body.
const MAX_BODY_DEPTH: usize = 126;

impl Body {
    fn write(call: &HttpCall, path: &str, out: &mut Vec<u8>) -> Self {
        if let Ok(text) = canonicalize(call.body) {
            let outline = Outline::of(&text);
            if outline.depth <= MAX_BODY_DEPTH {
                return Self::write_json(&text, &outline, path, out);
            }
        }
        let content_type = call.header("content-type").next().unwrap_or_default();
        if !multipart::write(content_type, call.body, out) {
            write_digest(call.body, out);
        }
        Self::default()
    }

    fn write_json(text: &[u8], outline: &Outline, path: &str, out: &mut Vec<u8>) -> Self {
        let stream = outline.stream.clone().and_then(|member| match &text[member] {
            b"\"stream\":true" => Some(true),
            b"\"stream\":false" => Some(false),
            _ => None,
        });
        match &outline.stream {
            Some(member)
                if stream == Some(false) && providers::stream_is_false_by_default(path) =>
            {
                // Its comma goes, too: the one before, or else the one after.
                let (mut start, mut end) = (member.start, member.end);
                if text[start - 1] == b',' {
                    start -= 1;
                } else if text[end] == b',' {
                    end += 1;
                }
                out.extend_from_slice(&text[..start]);
                out.extend_from_slice(&text[end..]);
            }
            _ => out.extend_from_slice(text),
        }
        let model = outline.model.clone();
        Self { model: model.and_then(|at| serde_json::from_slice(&text[at]).ok()), stream }
    }
}

/// Appends `{"blake3":…,"bytes":…}`, which stands for bytes that are no JSON.
///
/// An empty body is no JSON either: 0 bytes.
pub(super) fn write_digest(bytes: &[u8], out: &mut Vec<u8>) {
    let hash = blake3::hash(bytes).to_hex();
    out.extend_from_slice(
        format!("{{\"blake3\":\"{hash}\",\"bytes\":{}}}", bytes.len()).as_bytes(),
    );
}

/// Appends `,"headers":{…}` if one of those that take part was sent.
fn write_headers(policy: &HttpPolicy, call: &HttpCall, out: &mut Vec<u8>) {
    let mut first = true;
    for name in policy.matched_headers() {
        let mut values = call.header(name).map(str::trim).peekable();
        if values.peek().is_none() {
            continue;
        }
        out.extend_from_slice(if first { b",\"headers\":{" } else { b"," });
        first = false;
        write_string(name, out);
        out.push(b':');
        write_string(&values.collect::<Vec<_>>().join(", "), out);
    }
    if !first {
        out.push(b'}');
    }
}
