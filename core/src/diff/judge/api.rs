//! How a judge is spoken to: the requests and responses of two providers.

use super::super::calls::{Failure, error_of};
use super::super::model::{Endpoint, ModelCalls};
use super::super::options::JudgeApi;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

/// What the judge is, in messages.
const WHAT: &str = "the judge";

/// The tool that Anthropic's models reply by.
const TOOL: &str = "report_comparison";

/// How long a reply of Anthropic's models may be, which must be said.
const MAX_TOKENS: u32 = 2048;

/// What the judge's model has rejected once and is not sent again.
#[derive(Default)]
pub(super) struct Rejected {
    temperature: AtomicBool,
    schema: AtomicBool,
}

/// One call.
pub(super) struct Call<'a> {
    pub api: JudgeApi,
    pub model: &'a str,
    pub system: &'a str,
    pub messages: &'a [Value],
    pub rejected: &'a Rejected,
}

/// What a response holds.
pub(super) enum Content {
    Text(String),
    Refusal,
}

/// Returns the name of an API as options spell it.
pub(super) fn name(api: JudgeApi) -> &'static str {
    match api {
        JudgeApi::Openai => "openai",
        JudgeApi::Anthropic => "anthropic",
    }
}

/// Returns a message.
pub(super) fn message(role: &str, content: &str) -> Value {
    json!({ "role": role, "content": content })
}

impl Call<'_> {
    /// Sends it, again without a parameter that the model rejects, and returns a response that
    /// is whole.
    pub fn send(&self, calls: &dyn ModelCalls) -> Result<Vec<u8>, Failure> {
        let endpoint = match self.api {
            JudgeApi::Openai => Endpoint::ChatCompletions,
            JudgeApi::Anthropic => Endpoint::Messages,
        };
        loop {
            let temperature = !self.rejected.temperature.load(Ordering::Relaxed);
            let schema = !self.rejected.schema.load(Ordering::Relaxed);
            let request = self.request(temperature, schema).to_string();
            let said = match calls.call(endpoint, request.as_bytes()) {
                Err(said) => said,
                Ok(response) => match error_of(&response) {
                    Some(said) => said,
                    None => return self.whole(response),
                },
            };
            let told = said.to_lowercase();
            let names = |words: &[&str]| words.iter().any(|word| told.contains(word));
            if temperature && names(&["temperature"]) {
                self.rejected.temperature.store(true, Ordering::Relaxed);
            } else if schema && names(self.schema_words()) {
                self.rejected.schema.store(true, Ordering::Relaxed);
            } else {
                return Err(Failure::said(WHAT, &said));
            }
        }
    }

    fn request(&self, temperature: bool, schema: bool) -> Value {
        let mut request = match self.api {
            JudgeApi::Openai => {
                let mut messages = vec![message("system", self.system)];
                messages.extend_from_slice(self.messages);
                json!({ "model": self.model, "messages": messages })
            }
            JudgeApi::Anthropic => json!({
                "model": self.model,
                "max_tokens": MAX_TOKENS,
                "system": self.system,
                "messages": self.messages,
            }),
        };
        if temperature {
            request["temperature"] = 0.into();
        }
        match self.api {
            _ if !schema => {}
            JudgeApi::Openai => {
                request["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": { "name": "comparison", "strict": true, "schema": shape() },
                });
            }
            JudgeApi::Anthropic => {
                request["tools"] = json!([{
                    "name": TOOL,
                    "description": "Reports how the two answers compare.",
                    "input_schema": shape(),
                }]);
                request["tool_choice"] = json!({ "type": "tool", "name": TOOL });
            }
        }
        request
    }

    fn schema_words(&self) -> &'static [&'static str] {
        match self.api {
            JudgeApi::Openai => &["response_format", "json_schema", "structured output"],
            JudgeApi::Anthropic => &["tool_choice", "tools", "input_schema"],
        }
    }

    /// Checks that a response is one: what is not is an error of the provider, and not recorded.
    fn whole(&self, response: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let value: Value = serde_json::from_slice(&response).unwrap_or_default();
        let (whole, what) = match self.api {
            JudgeApi::Openai => (
                value.pointer("/choices/0/message").is_some_and(Value::is_object),
                "chat completion",
            ),
            JudgeApi::Anthropic => (value.get("content").is_some_and(Value::is_array), "message"),
        };
        match whole {
            true => Ok(response),
            false => Err(Failure::said(WHAT, &format!("its response is no {what}"))),
        }
    }
}

/// Returns what a whole response says.
pub(super) fn content(api: JudgeApi, response: &Value) -> Content {
    match api {
        JudgeApi::Openai => {
            let choice = response.pointer("/choices/0").unwrap_or(&Value::Null);
            let message = choice.get("message").unwrap_or(&Value::Null);
            let refused =
                message.get("refusal").and_then(Value::as_str).is_some_and(|said| !said.is_empty())
                    || choice.get("finish_reason").and_then(Value::as_str)
                        == Some("content_filter");
            match refused {
                true => Content::Refusal,
                false => Content::Text(text(message.get("content"))),
            }
        }
        JudgeApi::Anthropic => {
            if response.get("stop_reason").and_then(Value::as_str) == Some("refusal") {
                return Content::Refusal;
            }
            let blocks = response.get("content").and_then(Value::as_array);
            let mut used = blocks
                .into_iter()
                .flatten()
                .filter(|block| block.get("name").and_then(Value::as_str) == Some(TOOL));
            match used.next().and_then(|block| block.get("input")) {
                Some(input) => Content::Text(input.to_string()),
                None => Content::Text(text(response.get("content"))),
            }
        }
    }
}

/// Returns the text of a message: a string, or the text parts of a list.
fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// The JSON schema of a reply.
fn shape() -> Value {
    json!({
        "type": "object",
        "properties": {
            "differences": {
                "type": "array",
                "items": { "type": "string" },
                "description": "Every difference in content, each named briefly.",
            },
            "verdict": { "type": "string", "enum": ["equivalent", "minor", "different"] },
        },
        "required": ["differences", "verdict"],
        "additionalProperties": false,
    })
}
