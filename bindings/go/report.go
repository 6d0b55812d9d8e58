package f3dxcache

// #include "f3dx_cache.h"
import "C"

import "encoding/json"

// Stats are the counters of a cache.
type Stats struct {
	// Entries is how many requests are recorded.
	Entries uint64
	// Hits and Misses are those of this handle.
	Hits, Misses uint64
	// BytesRequests and BytesResponses are before storage overhead.
	BytesRequests, BytesResponses uint64
	// FileBytes is the file's size.
	FileBytes     uint64
	FormatVersion uint32
}

// Stats returns the counters.
func (c *Cache) Stats() (Stats, error) {
	handle, err := c.use()
	if err != nil {
		return Stats{}, err
	}
	defer c.done()
	stats := C.f3dx_cache_stats{struct_size: C.sizeof_f3dx_cache_stats}
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_get_stats(handle, &stats, &cErr); status < 0 {
		return Stats{}, failure(status, cErr)
	}
	return Stats{
		uint64(stats.entries), uint64(stats.hits), uint64(stats.misses), uint64(stats.bytes_requests),
		uint64(stats.bytes_responses), uint64(stats.file_bytes), uint32(stats.format_version),
	}, nil
}

// Explanation says why a request missed, and the way out.
type Explanation struct {
	// Text is the whole of it for people, on several lines.
	Text string `json:"text"`
	// Reason says what happened, in one line.
	Reason string `json:"reason"`
	// Call is method and URL of an HTTP call.
	Call       string `json:"call"`
	Model      string `json:"model"`
	Mode       Mode   `json:"mode"`
	ModeReason string `json:"mode_reason"`
	// Path is the cache file.
	Path    string `json:"path"`
	Entries uint64 `json:"entries"`
	// Fingerprint is the address that was looked up.
	Fingerprint string `json:"fingerprint"`
	// Nearest is the recorded request that is nearest; nil if there is none.
	Nearest *Nearest `json:"nearest"`
	// Suggestion is what would make it a hit, if something simple would.
	Suggestion string `json:"suggestion"`
	// Command records it.
	Command string `json:"command"`
}

func (e *Explanation) String() string { return e.Text }

// Nearest is the recorded request that is nearest to one that missed.
type Nearest struct {
	Fingerprint string `json:"fingerprint"`
	// Source is the test that recorded it.
	Source      string       `json:"source"`
	Differences []Difference `json:"differences"`
	// More is how many differences are not listed.
	More int `json:"more"`
}

// Difference is one JSON Pointer where two requests disagree.
type Difference struct {
	Path string `json:"path"`
	// Recorded and Requested are JSON texts; "" on the side where nothing is.
	Recorded  string `json:"recorded"`
	Requested string `json:"requested"`
}

// Explain says why a request misses: the nearest recorded one, what differs, and the way
// out. It counts nothing.
func (c *Cache) Explain(request []byte) (*Explanation, error) {
	handle, err := c.use()
	if err != nil {
		return nil, err
	}
	defer c.done()
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_explain_miss(handle, jsonOf(request), C.size_t(len(request)),
		&buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return parsed[*Explanation](take(&buffer))
}

// Summary is what a cache or session did, and what its replays saved.
type Summary struct {
	// Text is the whole of it for people: one line, and one more for each refusal.
	Text     string `json:"text"`
	Hits     uint64 `json:"hits"`
	Misses   uint64 `json:"misses"`
	Recorded uint64 `json:"recorded"`
	// Refused is how many responses must not be recorded.
	Refused uint64 `json:"refused"`
	// WithoutClaim is how many calls were made without waiting for one of the same request.
	WithoutClaim      uint64    `json:"without_claim"`
	TokensSavedInput  uint64    `json:"tokens_saved_input"`
	TokensSavedOutput uint64    `json:"tokens_saved_output"`
	TimeSavedMS       uint64    `json:"time_saved_ms"`
	Refusals          []Refusal `json:"refusals"`
}

// Refusal is a call whose response was not recorded.
type Refusal struct {
	Call  string `json:"call"`
	Why   string `json:"why"`
	Times uint64 `json:"times"`
}

// Summary returns what this cache or session did.
func (c *Cache) Summary() (*Summary, error) {
	return reported[*Summary](c, getSummary)
}

// MergeSummaries adds up what several sessions on this file did.
func (c *Cache) MergeSummaries(summaries []*Summary) (*Summary, error) {
	text, err := json.Marshal(summaries)
	if err != nil {
		return nil, &Error{kind: ErrInvalidArgument, message: "summaries: " + err.Error()}
	}
	if summaries == nil {
		text = []byte("[]")
	}
	return reported[*Summary](c, func(handle *C.f3dx_cache, buffer *C.f3dx_cache_buffer,
		cErr **C.f3dx_cache_error) C.f3dx_cache_status {
		return C.f3dx_cache_merge_summaries(handle, jsonOf(text), C.size_t(len(text)), buffer, cErr)
	})
}

// RefusedMisses returns the explanations of the intercepted calls that were refused: a
// test that swallowed one must fail.
func (c *Cache) RefusedMisses() ([]string, error) {
	return reported[[]string](c, getRefusedMisses)
}

// Warnings returns what the run's owner should hear, such as a secret that came back in a
// response.
func (c *Cache) Warnings() ([]string, error) {
	return reported[[]string](c, getWarnings)
}

// Variables are the environment variables that matter, for test hooks.
type Variables struct {
	// Settings are those that the library reads, such as F3DX_CACHE_MODE.
	Settings []string `json:"settings"`
	// BaseURLs are those that point SDKs elsewhere, such as OPENAI_BASE_URL: the library
	// reads them at every call.
	BaseURLs []string `json:"base_urls"`
	// Keys are those that SDKs read their keys from. Some SDKs do nothing without one: a
	// test hook that replays gives those that are unset a placeholder.
	Keys []string `json:"keys"`
}

// GetVariables returns the names of the environment variables that matter.
func GetVariables() (*Variables, error) {
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_get_variables(&buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return parsed[*Variables](take(&buffer))
}

type getter = func(*C.f3dx_cache, *C.f3dx_cache_buffer, **C.f3dx_cache_error) C.f3dx_cache_status

func getSettings(handle *C.f3dx_cache, buffer *C.f3dx_cache_buffer, cErr **C.f3dx_cache_error) C.f3dx_cache_status {
	return C.f3dx_cache_get_settings(handle, buffer, cErr)
}

func getSummary(handle *C.f3dx_cache, buffer *C.f3dx_cache_buffer, cErr **C.f3dx_cache_error) C.f3dx_cache_status {
	return C.f3dx_cache_get_summary(handle, buffer, cErr)
}

func getRefusedMisses(handle *C.f3dx_cache, buffer *C.f3dx_cache_buffer, cErr **C.f3dx_cache_error) C.f3dx_cache_status {
	return C.f3dx_cache_get_refused_misses(handle, buffer, cErr)
}

func getWarnings(handle *C.f3dx_cache, buffer *C.f3dx_cache_buffer, cErr **C.f3dx_cache_error) C.f3dx_cache_status {
	return C.f3dx_cache_get_warnings(handle, buffer, cErr)
}

func (c *Cache) report(get getter) ([]byte, error) {
	handle, err := c.use()
	if err != nil {
		return nil, err
	}
	defer c.done()
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := get(handle, &buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return take(&buffer), nil
}

func reported[T any](c *Cache, get getter) (T, error) {
	text, err := c.report(get)
	if err != nil {
		var none T
		return none, err
	}
	return parsed[T](text)
}

func parsed[T any](text []byte) (T, error) {
	var value T
	if err := json.Unmarshal(text, &value); err != nil {
		return value, &Error{kind: ErrInternal, message: "unexpected JSON of the library: " + err.Error()}
	}
	return value, nil
}
