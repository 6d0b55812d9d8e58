//! What a row's recorded output is, as text that can be compared.

use crate::trace::Row;
use serde_json::{Value, json};

/// How many characters of a recorded error are shown.
const SHOWN: usize = 500;

/// Returns the recorded output of a row, or the note that says why there is none.
///
/// That is its text. An output that ended with tool calls and has no text is the JSON of them,
/// `[{"name": …, "arguments": …}]`; their ids are new each time and say nothing.
pub(super) fn recorded(row: &Row) -> Result<String, String> {
    let asked_tools = matches!(
        row.finish_reason.as_deref(),
        // The last is what the Responses API says, whatever it ended with.
        Some("tool_calls" | "tool_call" | "tool_use" | "function_call" | "completed")
    );
    match &row.output {
        Some(text) if !text.is_empty() => Ok(text.clone()),
        _ if asked_tools && !row.tool_calls.is_empty() => {
            let calls = row.tool_calls.iter().map(|call| {
                let mut members = json!({"name": call.name});
                if let Some(arguments) = &call.arguments {
                    members["arguments"] = arguments.clone();
                }
                members
            });
            Ok(Value::Array(calls.collect()).to_string())
        }
        Some(_) => Ok(String::new()),
        None => Err(match &row.error {
            Some(error) => {
                let shown: String = error.chars().take(SHOWN).collect();
                let cut = if shown.len() < error.len() { "…" } else { "" };
                format!("the trace holds no output: the recorded call failed: {shown}{cut}")
            }
            None => {
                "the trace holds no output: it was recorded without capture_messages (of f3dx; \
                of OpenTelemetry: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)"
                    .to_owned()
            }
        }),
    }
}

/// Returns what a comparison of texts does not see, for the note: tool calls beside a text.
pub(super) fn uncompared(row: &Row) -> Option<String> {
    let has_text = row.output.as_ref().is_some_and(|text| !text.is_empty());
    (has_text && !row.tool_calls.is_empty()).then(|| {
        let names: Vec<_> = row.tool_calls.iter().map(|call| call.name.as_str()).collect();
        format!(
            "only the text was compared; recorded were calls of tools, too: {}",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::ToolCall;

    #[test]
    fn an_empty_output_is_an_output() {
        let row = Row { output: Some(String::new()), ..Row::default() };
        assert_eq!(recorded(&row).unwrap(), "");
    }

    #[test]
    fn tool_calls_beside_a_text_are_not_compared_and_that_is_said() {
        let call = ToolCall { name: "weather".to_owned(), ..ToolCall::default() };
        let row = Row { output: Some("I look.".to_owned()), ..Row::default() };
        assert_eq!(uncompared(&row), None);
        let row = Row { tool_calls: vec![call], ..row };
        assert_eq!(recorded(&row).unwrap(), "I look.");
        assert!(uncompared(&row).unwrap().ends_with("calls of tools, too: weather"));
        let row = Row { output: None, ..row };
        assert_eq!(uncompared(&row), None);
    }

    #[test]
    fn tool_calls_are_the_output_where_it_ended_with_them() {
        let call = |name: &str, arguments| ToolCall {
            id: Some("call_7".into()),
            name: name.into(),
            arguments,
        };
        let row = Row {
            tool_calls: vec![call("weather", Some(json!({"city": "Rome"}))), call("time", None)],
            finish_reason: Some("tool_calls".into()),
            ..Row::default()
        };
        let expected = r#"[{"arguments":{"city":"Rome"},"name":"weather"},{"name":"time"}]"#;
        assert_eq!(recorded(&row).unwrap(), expected);
        let completed = Row { finish_reason: Some("completed".into()), ..row.clone() };
        assert_eq!(recorded(&completed).unwrap(), expected);
        // Calls that were made on the way are not what came out.
        let row = Row { finish_reason: Some("stop".into()), ..row };
        assert!(recorded(&row).is_err());
    }

    #[test]
    fn a_row_without_output_says_why() {
        let note = recorded(&Row::default()).unwrap_err();
        assert!(note.contains("recorded without capture_messages"), "{note}");
        let row = Row { error: Some("429: slow down".into()), ..Row::default() };
        let note = recorded(&row).unwrap_err();
        assert_eq!(note, "the trace holds no output: the recorded call failed: 429: slow down");
    }
}
