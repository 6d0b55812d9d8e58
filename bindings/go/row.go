package f3dxcache

import (
	"encoding/json"
	"slices"
	"strings"
)

// Row is one recorded call of a trace, whatever wrote it. What the file does not tell is
// the zero value.
type Row struct {
	// Source is where the row stands.
	Source Source `json:"source"`
	// TraceID names the run that the call belongs to.
	TraceID string `json:"trace_id"`
	// CaseID is the row's own name, such as the custom_id of a batch.
	CaseID string `json:"case_id"`
	// Model is the model that answered; if that is not known, the one that was asked.
	Model string `json:"model"`
	// Provider is the provider's name, as the file spells it.
	Provider string `json:"provider"`
	// System is the system prompt; nil if there is none, or none is known.
	System *string `json:"system"`
	// Messages are those without the system prompt, {"role", "content", ...} each.
	Messages []json.RawMessage `json:"messages"`
	// Tools are those that were offered, as the request had them.
	Tools []json.RawMessage `json:"tools"`
	// Params are the other members of the request, such as "temperature".
	Params map[string]json.RawMessage `json:"params"`
	// Output is the text of the output; nil if none was recorded.
	Output *string `json:"output"`
	// Parts are the output's parts, where it has more than text.
	Parts []json.RawMessage `json:"parts"`
	// ToolCalls are the tool calls of the output.
	ToolCalls []ToolCall `json:"tool_calls"`
	Usage     RowUsage   `json:"usage"`
	// LatencyMS is how long the call took, in milliseconds; nil if that is not known.
	LatencyMS *float64 `json:"latency_ms"`
	// FinishReason says why the output ended, as the provider spells it.
	FinishReason string `json:"finish_reason"`
	// Error says what went wrong, if there is no output.
	Error string `json:"error"`
	// Extra are the row's fields that no other member holds.
	Extra map[string]json.RawMessage `json:"extra"`
}

// Source is where a row stands.
type Source struct {
	File string `json:"file"`
	// Line is that at which the row starts, from 1; of parquet, the row.
	Line uint64 `json:"line"`
}

// ToolCall is one tool call of an output.
type ToolCall struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Arguments are JSON: a string of it where the recorded ones are no JSON.
	Arguments json.RawMessage `json:"arguments"`
}

// RowUsage are the tokens that a trace counted; nil if it did not.
type RowUsage struct {
	InputTokens  *uint64 `json:"input_tokens"`
	OutputTokens *uint64 `json:"output_tokens"`
}

// Prompt returns what was asked: the text of the last message of the user, "" if there is
// none.
func (r *Row) Prompt() string {
	for _, message := range slices.Backward(r.Messages) {
		var read struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if json.Unmarshal(message, &read) == nil && read.Role == "user" {
			return contentText(read.Content)
		}
	}
	return ""
}

// contentText returns the text of a message's content: a string, or the parts that have one.
func contentText(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []json.RawMessage
	json.Unmarshal(content, &parts)
	var texts []string
	for _, part := range parts {
		var read struct {
			Text *string `json:"text"`
		}
		if json.Unmarshal(part, &read) == nil && read.Text != nil {
			texts = append(texts, *read.Text)
		}
	}
	return strings.Join(texts, "\n")
}
