//! What a response says of itself: its model and the tokens it took.

use super::eventstream::payloads;
use super::sse::Events;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The tokens a response took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// What the response says, or else the sum.
    pub total_tokens: u64,
}

/// What a response says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFacts {
    /// The model that answered.
    pub model: Option<String>,
    /// The backend's configuration, as OpenAI names it.
    pub system_fingerprint: Option<String>,
    /// The tokens, in the shapes of OpenAI, Anthropic, Gemini and Bedrock.
    pub usage: Option<Usage>,
}

/// Returns the tokens that a response, unary or streamed, says it took.
pub fn usage_of(content_type: Option<&str>, body: &[u8]) -> Option<Usage> {
    facts_of(content_type, body).usage
}

/// Returns what a response, unary or streamed, says of itself.
///
/// Nothing of a body that is neither JSON nor events.
pub fn facts_of(content_type: Option<&str>, body: &[u8]) -> ResponseFacts {
    let mut facts = Facts::default();
    let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    let is = |kind| content_type.is_some_and(|is| is.trim_start().starts_with(kind));
    if is("application/vnd.amazon.eventstream") {
        payloads(body).iter().for_each(|payload| facts.text(payload));
    } else if is("text/event-stream") || !is_json {
        let mut events = Events::default();
        let mut each = |event: &super::sse::Event<'_>| facts.text(event.data.as_bytes());
        events.push(body, &mut each);
        events.finish(&mut each);
    } else if let Ok(value) = serde_json::from_slice::<Value>(body) {
        match &value {
            Value::Array(items) => items.iter().for_each(|item| facts.value(item)),
            value => facts.value(value),
        }
    } else {
        body.split(|byte| *byte == b'\n').for_each(|line| facts.text(line));
    }
    ResponseFacts {
        model: facts.model,
        system_fingerprint: facts.system_fingerprint,
        usage: facts.tokens.usage(),
    }
}

#[derive(Default)]
struct Facts {
    model: Option<String>,
    system_fingerprint: Option<String>,
    tokens: Tokens,
}

/// The counts so far; a later event of a stream corrects an earlier one.
#[derive(Default)]
struct Tokens {
    input: Option<u64>,
    cached: Option<u64>,
    cache_written: Option<u64>,
    output: Option<u64>,
    thought: Option<u64>,
    total: Option<u64>,
}

impl Facts {
    fn text(&mut self, text: &[u8]) {
        // Most events of a stream are deltas; only those that may say something are parsed.
        let says = |name: &str| memchr::memmem::find(text, name.as_bytes()).is_some();
        let known = says("\"usage")
            || self.model.is_none() && says("\"model")
            || says("\"system_fingerprint\"");
        if known && let Ok(value) = serde_json::from_slice::<Value>(text) {
            self.value(&value);
        }
    }

    fn value(&mut self, value: &Value) {
        // The Responses API and Anthropic wrap the answer in an event.
        for value in
            [Some(value), value.get("response"), value.get("message")].into_iter().flatten()
        {
            let text = |name: &str| value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
            self.model =
                self.model.take().or_else(|| text("model")).or_else(|| text("modelVersion"));
            self.system_fingerprint =
                self.system_fingerprint.take().or_else(|| text("system_fingerprint"));
            for usage in [value.get("usage"), value.get("usageMetadata")].into_iter().flatten() {
                self.tokens.add(usage);
            }
        }
    }
}

impl Tokens {
    fn add(&mut self, usage: &Value) {
        let set = |count: &mut Option<u64>, names: &[&str]| {
            let found = names.iter().find_map(|name| usage.get(name).and_then(Value::as_u64));
            *count = found.or(*count);
        };
        set(&mut self.input, &["input_tokens", "prompt_tokens", "promptTokenCount", "inputTokens"]);
        set(&mut self.cached, &["cache_read_input_tokens", "cacheReadInputTokens"]);
        set(&mut self.cache_written, &["cache_creation_input_tokens", "cacheWriteInputTokens"]);
        let output = ["output_tokens", "completion_tokens", "candidatesTokenCount", "outputTokens"];
        set(&mut self.output, &output);
        set(&mut self.thought, &["thoughtsTokenCount"]);
        set(&mut self.total, &["total_tokens", "totalTokenCount", "totalTokens"]);
    }

    fn usage(&self) -> Option<Usage> {
        let any = self.input.or(self.output).or(self.total);
        any?;
        let input = [self.input, self.cached, self.cache_written];
        let input_tokens = input.into_iter().flatten().fold(0, u64::saturating_add);
        let output = [self.output, self.thought];
        let output_tokens = output.into_iter().flatten().fold(0, u64::saturating_add);
        let total_tokens = self.total.unwrap_or_else(|| input_tokens.saturating_add(output_tokens));
        Some(Usage { input_tokens, output_tokens, total_tokens })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(content_type: &str, body: &str) -> Option<(u64, u64, u64)> {
        let usage = usage_of(Some(content_type), body.as_bytes())?;
        Some((usage.input_tokens, usage.output_tokens, usage.total_tokens))
    }

    #[test]
    fn every_unary_shape_is_read() {
        let json = "application/json";
        let chat = r#"{"model":"gpt","system_fingerprint":"fp_1","usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}"#;
        assert_eq!(tokens(json, chat), Some((9, 3, 12)));
        let facts = facts_of(Some(json), chat.as_bytes());
        assert_eq!(facts.model.as_deref(), Some("gpt"));
        assert_eq!(facts.system_fingerprint.as_deref(), Some("fp_1"));
        assert_eq!(
            tokens(json, r#"{"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}"#),
            Some((5, 2, 7))
        );
        assert_eq!(
            tokens(json, r#"{"usage":{"prompt_tokens":4,"total_tokens":4}}"#),
            Some((4, 0, 4))
        );
        assert_eq!(
            tokens(
                json,
                r#"{"type":"message","usage":{"input_tokens":5,"cache_read_input_tokens":100,"cache_creation_input_tokens":null,"output_tokens":2}}"#
            ),
            Some((105, 2, 107))
        );
        assert_eq!(
            tokens(json, r#"{"usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7}}"#),
            Some((3, 4, 7))
        );
        assert_eq!(tokens(json, r#"{"usage":null}"#), None);
        assert_eq!(tokens(json, "{\"usage"), None);
        assert_eq!(tokens("audio/mpeg", "\u{1}\u{2}"), None);
    }

    #[test]
    fn the_frames_of_bedrock_are_read() {
        let payload = br#"{"usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7}}"#;
        let mut frame = u32::try_from(payload.len() + 16).unwrap().to_be_bytes().to_vec();
        frame.extend([0; 8]);
        frame.extend(payload);
        frame.extend([0; 4]);
        let usage = usage_of(Some("application/vnd.amazon.eventstream"), &frame).unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (3, 4, 7));
    }

    #[test]
    fn the_last_event_of_a_stream_counts() {
        let anthropic = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n\
            event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":20}}\n\n";
        assert_eq!(tokens("text/event-stream", anthropic), Some((10, 20, 30)));
        assert_eq!(
            facts_of(Some("text/event-stream"), anthropic.as_bytes()).model.as_deref(),
            Some("claude")
        );
        let responses = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"gpt\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}}}\n\n";
        assert_eq!(tokens("text/event-stream", responses), Some((1, 2, 3)));
        let chat = "data: {\"model\":\"gpt\",\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\ndata: [DONE]\n\n";
        assert_eq!(tokens("text/event-stream", chat), Some((1, 2, 3)));
    }
}
