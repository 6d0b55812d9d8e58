//! When a response is complete.

use super::eventstream::{Frame, Frames};
use super::sse::{Event, Events};
use crate::base64;
use serde_json::Value;
use std::collections::BTreeMap;

/// How far a response has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// More is to come.
    Open,
    /// What arrived is the whole answer, even if the caller leaves here.
    Complete,
    /// It holds an error, or broke off, for this reason.
    Failed(String),
}

/// Watches a response as it arrives, and says when it is complete.
///
/// The framing is taken from the content type; a response without one is told by
/// its first byte. A stream is complete at its protocol's terminal event. Where a
/// protocol has none, or a server leaves it out, the end of the body counts, if
/// every choice had its finish reason. An event stream of an unknown protocol is
/// never complete, since nothing says whether it was cut.
///
/// ```
/// use f3dx_cache_core::http::{StreamState, StreamWatcher};
///
/// let mut watcher = StreamWatcher::new(Some("text/event-stream; charset=utf-8"));
/// assert_eq!(watcher.push(b"data: {\"choices\":[]}\n\ndata: [DO"), StreamState::Open);
/// assert_eq!(watcher.push(b"NE]\n\n"), StreamState::Complete);
/// ```
#[derive(Debug)]
pub struct StreamWatcher {
    framing: Option<Framing>,
    progress: Progress,
}

#[derive(Debug)]
enum Framing {
    Events(Events),
    Lines(Vec<u8>),
    Frames(Frames),
    /// One JSON value.
    Json(Vec<u8>),
    /// Anything else, which is complete at its end.
    Opaque,
}

impl StreamWatcher {
    /// Begins to watch a response with this content type.
    pub fn new(content_type: Option<&str>) -> Self {
        Self {
            framing: content_type.filter(|kind| !kind.trim().is_empty()).map(Framing::of),
            progress: Progress::default(),
        }
    }

    /// Reads what arrived; returns how far the response is with it.
    pub fn push(&mut self, bytes: &[u8]) -> StreamState {
        if self.framing.is_none() {
            let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) else {
                return self.progress.state.clone();
            };
            self.framing = Some(match first {
                b'{' | b'[' => Framing::Json(Vec::new()),
                _ => Framing::Events(Events::default()),
            });
        }
        let progress = &mut self.progress;
        match &mut self.framing {
            Some(Framing::Events(events)) => events.push(bytes, &mut |event| progress.event(event)),
            Some(Framing::Lines(rest)) => {
                // What is left of before has no line end: a long line is searched once.
                let searched = rest.len();
                rest.extend_from_slice(bytes);
                let mut start = 0;
                for end in memchr::memchr_iter(b'\n', bytes).map(|at| searched + at) {
                    progress.line(&rest[start..end]);
                    start = end + 1;
                }
                rest.drain(..start);
            }
            Some(Framing::Frames(frames)) => {
                if !frames.push(bytes, &mut |frame| progress.frame(frame)) {
                    progress.fail("the body is no event stream of AWS".to_owned());
                }
            }
            Some(Framing::Json(body)) => body.extend_from_slice(bytes),
            Some(Framing::Opaque) | None => {}
        }
        progress.state.clone()
    }

    /// Says how the response ended; never [`StreamState::Open`]. `eof` is whether
    /// its body ended properly.
    pub fn finish(mut self, eof: bool) -> StreamState {
        let progress = &mut self.progress;
        let mut whole = eof;
        match &mut self.framing {
            Some(Framing::Events(events)) => events.finish(&mut |event| progress.event(event)),
            Some(Framing::Lines(rest)) => progress.line(rest),
            Some(Framing::Frames(frames)) => whole &= frames.is_whole(),
            Some(Framing::Json(body)) if eof => progress.document(body),
            Some(Framing::Json(_)) => {}
            Some(Framing::Opaque) | None => progress.finished = true,
        }
        match self.progress.state {
            StreamState::Open if !whole => {
                StreamState::Failed("the response broke off before its end".to_owned())
            }
            StreamState::Open if self.progress.may_end() => StreamState::Complete,
            StreamState::Open => {
                StreamState::Failed("the stream ended without its terminal event".to_owned())
            }
            state => state,
        }
    }
}

impl Framing {
    fn of(content_type: &str) -> Self {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "text/event-stream" => Self::Events(Events::default()),
            "application/vnd.amazon.eventstream" => Self::Frames(Frames::default()),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/stream+json"
            | "application/x-jsonlines" => Self::Lines(Vec::new()),
            kind if kind == "application/json" || kind.ends_with("+json") => Self::Json(Vec::new()),
            _ => Self::Opaque,
        }
    }
}

/// What the events so far say.
#[derive(Debug)]
struct Progress {
    state: StreamState,
    /// Choices by their index, and whether they had a finish reason.
    choices: BTreeMap<u64, bool>,
    /// An event said that nothing but the end follows.
    finished: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { state: StreamState::Open, choices: BTreeMap::new(), finished: false }
    }
}

impl Progress {
    fn fail(&mut self, reason: String) {
        if self.state == StreamState::Open {
            self.state = StreamState::Failed(reason);
        }
    }

    fn complete(&mut self) {
        if self.state == StreamState::Open {
            self.state = StreamState::Complete;
        }
    }

    fn may_end(&self) -> bool {
        self.finished || !self.choices.is_empty() && self.choices.values().all(|done| *done)
    }

    fn event(&mut self, event: &Event<'_>) {
        if event.name == "error" {
            return self.fail(format!("an `error` event{}", kind_of_error(event.data)));
        }
        if event.data.trim() == "[DONE]" {
            return self.complete();
        }
        if let Ok(value) = serde_json::from_str::<Value>(event.data) {
            self.value(&value);
        }
        // Cohere's first version names its last event only here.
        if event.name == "stream-end" {
            self.complete();
        }
    }

    fn line(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(value) => self.value(&value),
            Err(_) => self.fail("a line of the stream is no JSON".to_owned()),
        }
    }

    fn frame(&mut self, frame: &Frame) {
        if frame.message_type != "event" || frame.name.ends_with("Exception") {
            return self.fail(format!("an `{}` in the stream", frame.name));
        }
        match frame.name.as_str() {
            "messageStop" => self.finished = true,
            // The last frame of Converse, with the usage.
            "metadata" => self.complete(),
            "chunk" => {
                let inner = serde_json::from_slice::<Value>(&frame.payload).ok();
                let inner = inner.and_then(|value| base64::decode(value.get("bytes")?.as_str()?));
                if let Some(value) = inner.and_then(|text| serde_json::from_slice(&text).ok()) {
                    self.value(&value);
                }
            }
            _ => {}
        }
    }

    /// Reads one event of a stream, by what it says and not by who sent it: gateways mix protocols.
    fn value(&mut self, value: &Value) {
        if let Some(error) = error_of(value) {
            return self.fail(format!("an error in the stream{error}"));
        }
        let kind = value.get("type").or_else(|| value.get("event_type")).and_then(Value::as_str);
        match kind.unwrap_or_default() {
            "response.completed"
            | "response.incomplete"
            | "message_stop"
            | "message-end"
            | "speech.audio.done"
            | "transcript.text.done" => return self.complete(),
            "response.failed" | "response.cancelled" => {
                return self.fail("the response failed within the stream".to_owned());
            }
            "stream-end" => {
                if value
                    .get("finish_reason")
                    .and_then(Value::as_str)
                    .is_some_and(|r| r.starts_with("ERROR"))
                {
                    return self.fail("the stream ended with an error".to_owned());
                }
                return self.complete();
            }
            "image_generation.completed" | "image_edit.completed" => self.finished = true,
            _ => {}
        }
        // Ollama's last line, and Bedrock's last frame of `invoke`.
        if value.get("done") == Some(&Value::Bool(true))
            || value.get("amazon-bedrock-invocationMetrics").is_some()
        {
            return self.complete();
        }
        self.choices(value, "choices", "finish_reason");
        self.choices(value, "candidates", "finishReason");
        // Gemini answers a refused prompt without a candidate.
        if value.pointer("/promptFeedback/blockReason").is_some() {
            self.finished = true;
        }
    }

    fn choices(&mut self, value: &Value, member: &str, reason: &str) {
        for choice in value.get(member).and_then(Value::as_array).into_iter().flatten() {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            let done = choice.get(reason).is_some_and(|reason| !reason.is_null());
            *self.choices.entry(index).or_default() |= done;
        }
    }

    /// Reads a body that is one JSON value.
    fn document(&mut self, body: &[u8]) {
        let value = match serde_json::from_slice::<Value>(body) {
            Ok(value) => value,
            Err(error) if error.is_eof() => {
                return self.fail("the body is cut: its JSON does not end".to_owned());
            }
            Err(error) if error.to_string().starts_with("recursion limit") => {
                return self.fail("the body is nested too deep: more than 127 levels".to_owned());
            }
            Err(_) => return self.fail("the body is no JSON, though its type says so".to_owned()),
        };
        match &value {
            // Gemini's stream without events: an array of the same chunks.
            Value::Array(items) if items.iter().any(|item| item.get("candidates").is_some()) => {
                items.iter().for_each(|item| self.value(item));
            }
            Value::Array(items) => {
                if let Some(error) = items.iter().find_map(error_of) {
                    return self.fail(format!("an error in the body{error}"));
                }
                self.finished = true;
            }
            value => {
                if let Some(error) = error_of(value) {
                    return self.fail(format!("an error in the body{error}"));
                }
                self.finished = true;
            }
        }
    }
}

/// Members that hold an answer; beside one, `error` is a detail of it.
const ANSWERS: &[&str] =
    &["choices", "output", "content", "candidates", "data", "embeddings", "message", "results"];

/// Returns what kind of error a value is, for the message, if it is one.
fn error_of(value: &Value) -> Option<String> {
    let is = |name, text| value.get(name).and_then(Value::as_str) == Some(text);
    // The second is how vLLM and Mistral spell it, without an `error` member.
    if is("type", "error") || is("object", "error") || is("status", "failed") {
        return Some(describe(value.get("error").unwrap_or(value)));
    }
    let choices = value.get("choices").and_then(Value::as_array).into_iter().flatten();
    let in_choice = choices.filter_map(|choice| choice.get("error")).find(|error| is_error(error));
    if let Some(error) = in_choice {
        return Some(describe(error));
    }
    let error = value.get("error").filter(|error| is_error(error))?;
    let answered = ANSWERS.iter().any(|name| match value.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::String(text)) => !text.is_empty() && *name != "message",
        Some(_) => true,
    });
    // Within a stream an error beside choices ends them: it has a reason of its own.
    let ended = value
        .pointer("/choices/0/finish_reason")
        .is_some_and(|reason| reason.as_str() == Some("error"));
    (!answered || ended).then(|| describe(error))
}

fn is_error(error: &Value) -> bool {
    !(error.is_null() || error == &Value::Bool(false) || error.as_str() == Some(""))
}

fn kind_of_error(data: &str) -> String {
    let value = serde_json::from_str::<Value>(data).unwrap_or_default();
    describe(value.get("error").unwrap_or(&value))
}

/// Names an error by its type or code, never by its message, which may quote the request.
fn describe(error: &Value) -> String {
    let name = ["type", "code", "status"].iter().find_map(|member| match error.get(member)? {
        Value::String(name) if name != "error" && name.len() <= 64 => Some(name.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    });
    name.map(|name| format!(" ({name})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::eventstream::tests::frame;
    use super::*;

    #[test]
    fn completeness_does_not_depend_on_the_cuts() {
        let stream = b"event: message_start\r\ndata: {\"type\":\"message_start\"}\r\n\r\n\
            event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n";
        for cut in 0..stream.len() {
            let mut watcher = StreamWatcher::new(Some("text/event-stream"));
            watcher.push(&stream[..cut]);
            watcher.push(&stream[cut..]);
            assert_eq!(watcher.finish(false), StreamState::Complete, "cut at {cut}");
        }
    }

    #[test]
    fn a_stream_of_aws_is_complete_at_its_metadata() {
        let kind = Some("application/vnd.amazon.eventstream");
        let mut watcher = StreamWatcher::new(kind);
        assert_eq!(watcher.push(&frame("event", "messageStop", "{}")), StreamState::Open);
        assert_eq!(watcher.push(&frame("event", "metadata", "{}")), StreamState::Complete);

        let mut cut = StreamWatcher::new(kind);
        cut.push(&frame("event", "contentBlockDelta", "{}"));
        assert!(matches!(cut.finish(true), StreamState::Failed(_)));

        let mut failed = StreamWatcher::new(kind);
        let state = failed.push(&frame("exception", "throttlingException", "{}"));
        assert_eq!(state, StreamState::Failed("an `throttlingException` in the stream".to_owned()));

        let mut invoked = StreamWatcher::new(kind);
        let inner = r#"{"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdG9wIn0="}"#;
        assert_eq!(invoked.push(&frame("event", "chunk", inner)), StreamState::Complete);
    }

    #[test]
    fn the_reason_never_quotes_the_message_of_an_error() {
        let mut watcher = StreamWatcher::new(Some("text/event-stream"));
        let state = watcher.push(
            b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"secret\"}}\n\n",
        );
        assert_eq!(state, StreamState::Failed("an `error` event (overloaded_error)".to_owned()));
    }
}
