package f3dxcache

// #include "callback.h"
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/cgo"
)

// DiffMode says who compares two outputs.
type DiffMode string

// The modes of a comparison. The zero value is Cascade.
const (
	// Bytes compares the bytes.
	Bytes DiffMode = "bytes"
	// Structured compares JSON by value: 1 equals 1.0, the order of members does not matter.
	Structured DiffMode = "structured"
	// Embedding compares two vectors, with guards that can only make it stricter.
	Embedding DiffMode = "embedding"
	// Judge asks a model whether the outputs are equivalent.
	Judge DiffMode = "judge"
	// Cascade is each of the others in turn, until one decides; those that need a model only
	// if there is one.
	Cascade DiffMode = "cascade"
)

// Verdict says how two outputs compare.
type Verdict string

// The verdicts.
const (
	// Same: they are equal, as the deciding mode has it.
	Same Verdict = "same"
	// Equivalent: either answers as well.
	Equivalent Verdict = "equivalent"
	// Different: they differ.
	Different Verdict = "different"
	// Inconclusive: the modes that ran could not tell.
	Inconclusive Verdict = "inconclusive"
	// Failed: they could not be compared, or there is none to compare.
	Failed Verdict = "error"
	// Skipped: it would have needed more calls than MaxJudgeCalls.
	Skipped Verdict = "skipped"
)

// OK returns whether the new output may stand in the place of the old one.
func (v Verdict) OK() bool { return v == Same || v == Equivalent }

// DiffOptions say how to compare two outputs. The zero value of each is its default.
type DiffOptions struct {
	Mode DiffMode
	// Ignore are JSON Pointers, "*" for any one segment, of what Structured leaves out.
	Ignore []string
	// Epsilon is how far two numbers may be apart and still be equal in Structured.
	Epsilon float64
	// Unordered are JSON Pointers of arrays whose order does not matter; "" is the document.
	Unordered []string
	// FencedJSON takes JSON in a Markdown fence for JSON.
	FencedJSON bool
	// NestedJSON compares JSON inside strings, such as a tool call's arguments, as JSON.
	NestedJSON bool
	// SameAbove is the least cosine that is the same; 0 is 0.95.
	SameAbove float64
	// DifferentBelow is the cosine below which outputs are different; 0 is 0.7, -1 never.
	DifferentBelow float64
	// EmbeddingModel is the model of Embedding.
	EmbeddingModel string
	// EmbeddingDimensions is how long its vectors shall be; 0 leaves that to the model.
	EmbeddingDimensions int
	// Encoder is the folder of a local encoder, which takes the model's place, in builds of the
	// C library that have it.
	Encoder string
	// JudgeModel is the model of Judge.
	JudgeModel string
	// JudgeAPI is "openai" or "anthropic": which requests the judge understands; "" is "openai".
	JudgeAPI string
	// JudgePrompt is what the judge is told, in place of the built-in prompt.
	JudgePrompt string
	// Votes is how many votes of the judge are asked for; 0 is 2. A tie asks for one more.
	Votes int
	// MaxJudgeCalls is how many judge calls may be made that are not recorded; what needs more
	// is [Skipped]. 0 is no limit, -1 is none at all.
	MaxJudgeCalls int

	// System and Prompt are what was asked, for the judge. A replay takes the row's.
	System, Prompt string
	// Cache is where model calls are replayed from and recorded; nil: nowhere.
	Cache *Cache
	// Call calls models: [OpenAIModel], [AnthropicModel], or any SDK in its place. nil: no
	// model is called.
	Call ModelFunc
	// Embed makes embeddings; nil: Call does.
	Embed EmbedFunc
}

// Comparison says how two outputs compare.
type Comparison struct {
	Verdict Verdict `json:"verdict"`
	// Score is how alike they are, from 0 to 1; nil where the mode that decided measures none.
	Score *float64 `json:"score"`
	// Mode is the mode that decided, or the last one that ran.
	Mode DiffMode `json:"mode"`
	// Note says why, for people: one line, perhaps with a short text diff below it.
	Note string `json:"note"`
	// Differences are the first places where two JSON values differ.
	Differences []Change `json:"differences"`
	// More is how many there are besides.
	More int `json:"more"`
	// Timings are how long each mode that ran took, in milliseconds.
	Timings map[DiffMode]float64 `json:"timings"`
}

// OK returns whether the new output may stand in the place of the old one.
func (c *Comparison) OK() bool { return c.Verdict.OK() }

func (c *Comparison) String() string { return fmt.Sprintf("%s: %s", c.Verdict, c.Note) }

// Change is one place where two JSON values differ.
type Change struct {
	// Path is the JSON Pointer of the place.
	Path string `json:"path"`
	// Kind is "added", "removed", "changed" or "type_changed".
	Kind string `json:"kind"`
	// Before and After are canonical JSON; nil on the side where nothing is.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Diff compares two outputs. What concerns this pair alone, such as a model call that fails,
// is in the verdict; the error is for options that are wrong, and for a cache that is.
func Diff(before, after []byte, options DiffOptions) (*Comparison, error) {
	return DiffContext(context.Background(), before, after, options)
}

// DiffContext compares like [Diff], with a context for the model calls; if that ends, it is
// [ErrStopped].
func DiffContext(ctx context.Context, before, after []byte, options DiffOptions) (*Comparison, error) {
	if ctx.Err() != nil {
		return nil, stopped("nothing was compared", context.Cause(ctx))
	}
	text, err := options.named()
	if err != nil {
		return nil, err
	}
	question, err := json.Marshal(struct {
		System string `json:"system,omitempty"`
		Prompt string `json:"prompt,omitempty"`
	}{options.System, options.Prompt})
	if err != nil {
		return nil, &Error{kind: ErrInvalidArgument, message: "question: " + err.Error()}
	}
	cache, release, err := options.cache()
	if err != nil {
		return nil, err
	}
	defer release()
	callbacks := &callbacks{ctx: ctx, call: options.Call, embed: options.Embed}
	handle := cgo.NewHandle(callbacks)
	defer handle.Delete()
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_go_diff(bytesOf(before), C.size_t(len(before)), bytesOf(after), C.size_t(len(after)),
		jsonOf(text), C.size_t(len(text)), jsonOf(question), C.size_t(len(question)),
		callbacks.functions(), C.uintptr_t(handle), cache, &buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	compared, err := parsed[*Comparison](take(&buffer))
	if err == nil && compared.Verdict == Failed && ctx.Err() != nil {
		return nil, stopped("the comparison was interrupted", context.Cause(ctx))
	}
	return compared, err
}

// stopped is an error that is what ended the work, too.
func stopped(message string, cause error) error {
	return &Error{kind: joined{ErrStopped, cause}, message: message + ": " + cause.Error()}
}

// joined is two errors in one, for errors.Is.
type joined [2]error

func (j joined) Error() string   { return j[0].Error() }
func (j joined) Unwrap() []error { return j[:] }

// cache lends the handle of the cache, if there is one.
func (o *DiffOptions) cache() (*C.f3dx_cache, func(), error) {
	if o.Cache == nil {
		return nil, func() {}, nil
	}
	lent, err := o.Cache.lend()
	return lent, func() { o.Cache.release(lent) }, err
}

// named are the options by the names that every language has.
func (o *DiffOptions) named() ([]byte, error) {
	var calls *int
	if o.MaxJudgeCalls != 0 {
		most := max(o.MaxJudgeCalls, 0)
		calls = &most
	}
	text, err := json.Marshal(struct {
		Mode                DiffMode `json:"mode,omitempty"`
		Ignore              []string `json:"ignore,omitempty"`
		Epsilon             float64  `json:"epsilon,omitempty"`
		Unordered           []string `json:"unordered,omitempty"`
		FencedJSON          bool     `json:"fenced_json,omitempty"`
		NestedJSON          bool     `json:"nested_json,omitempty"`
		SameAbove           float64  `json:"same_above,omitempty"`
		DifferentBelow      float64  `json:"different_below,omitempty"`
		EmbeddingModel      string   `json:"embedding_model,omitempty"`
		EmbeddingDimensions int      `json:"embedding_dimensions,omitempty"`
		Encoder             string   `json:"encoder,omitempty"`
		JudgeModel          string   `json:"judge_model,omitempty"`
		JudgeAPI            string   `json:"judge_api,omitempty"`
		JudgePrompt         string   `json:"judge_prompt,omitempty"`
		Votes               int      `json:"votes,omitempty"`
		MaxJudgeCalls       *int     `json:"max_judge_calls,omitempty"`
	}{
		o.Mode, o.Ignore, o.Epsilon, o.Unordered, o.FencedJSON, o.NestedJSON, o.SameAbove,
		o.DifferentBelow, o.EmbeddingModel, o.EmbeddingDimensions, o.Encoder, o.JudgeModel,
		o.JudgeAPI, o.JudgePrompt, o.Votes, calls,
	})
	if err != nil {
		return nil, &Error{kind: ErrInvalidArgument, message: "options: " + err.Error()}
	}
	return text, nil
}
