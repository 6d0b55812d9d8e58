package f3dxcache

// #include <stdlib.h>
// #include "f3dx_cache.h"
import "C"

import (
	"encoding/json"
	"time"
	"unsafe"
)

// Mode is what a cache does on a hit, on a miss and on a put: see the package's table.
type Mode string

// The modes. The zero value leaves the choice to F3DX_CACHE_MODE, else to the default.
const (
	Replay   Mode = "replay"
	Record   Mode = "record"
	Refresh  Mode = "refresh"
	ReadOnly Mode = "read_only"
	Off      Mode = "off"
)

// Options say how to open a cache. The zero value of each is its default; for
// [OpenForTests] that is what f3dx-cache.toml says, which has the same names in snake case.
type Options struct {
	// Mode is what happens on a hit, a miss and a put.
	Mode Mode
	// Hosts are hosts whose calls are provider calls: "host", "host:port" or "host:*".
	Hosts []string
	// IgnoreHosts are never touched, in the same form.
	IgnoreHosts []string
	// HostAliases map what is read as another host: "127.0.0.1:*" to "api.openai.com".
	HostAliases map[string]string
	// MatchHeaders are request headers that take part in the fingerprint.
	MatchHeaders []string
	// RecordStatus are statuses that are recorded besides 2xx.
	RecordStatus []int
	// RecordPaths are paths of provider calls that are recorded though they are no inference.
	RecordPaths []string
	// Redact are regular expressions of what becomes "[secret]" in a request.
	Redact []string
	// RedactResponses replaces a secret in a response, too.
	RedactResponses bool
	// Normalize are rules that rewrite volatile text before a request is fingerprinted.
	Normalize []Normalize
	// Ignore are JSON Pointers, "*" for any one segment, left out of the fingerprint.
	Ignore []string
	// Repeats "sequence" gives the n-th identical call of a test the n-th recorded answer.
	Repeats string
	// Scope "test" keeps a test's recordings to itself.
	Scope string
	// LockTimeout is how long a put waits for another writer that keeps its turn; 10 s.
	LockTimeout time.Duration
	// ClaimTimeout is how long a call waits for another one of the same request; 60 s.
	ClaimTimeout time.Duration
	// MaxBytes refuses puts that would grow the file beyond it; 0 is no limit.
	MaxBytes uint64
	// PersistHits writes hit counts at close even if nothing was recorded.
	PersistHits bool
	// ReplayTiming replays a stream with the recorded times between its chunks.
	ReplayTiming bool
}

// Normalize is a rule that rewrites volatile text inside values.
type Normalize struct {
	// Pattern is a regular expression in the syntax of Rust's regex crate, or a preset:
	// "uuid", "iso-date", "timestamp", "tmp-path" or "tool-call-id".
	Pattern string `json:"pattern"`
	// At is a JSON Pointer, "*" for any one segment; "" is every string of the request.
	At string `json:"at,omitempty"`
	// Replace is what replaces each match, "$1" for a group; "" is the rule's default.
	Replace string `json:"replace,omitempty"`
}

// named are the options by their names in f3dx-cache.toml.
func (o Options) named() ([]byte, error) {
	return json.Marshal(struct {
		Mode            Mode              `json:"mode,omitempty"`
		Hosts           []string          `json:"hosts,omitempty"`
		IgnoreHosts     []string          `json:"ignore_hosts,omitempty"`
		HostAliases     map[string]string `json:"host_aliases,omitempty"`
		MatchHeaders    []string          `json:"match_headers,omitempty"`
		RecordStatus    []int             `json:"record_status,omitempty"`
		RecordPaths     []string          `json:"record_paths,omitempty"`
		Redact          []string          `json:"redact,omitempty"`
		RedactResponses bool              `json:"redact_responses,omitempty"`
		Normalize       []Normalize       `json:"normalize,omitempty"`
		Ignore          []string          `json:"ignore,omitempty"`
		Repeats         string            `json:"repeats,omitempty"`
		Scope           string            `json:"scope,omitempty"`
		LockTimeout     int64             `json:"lock_timeout_ms,omitempty"`
		ClaimTimeout    int64             `json:"claim_timeout_ms,omitempty"`
		MaxBytes        uint64            `json:"max_bytes,omitempty"`
		PersistHits     bool              `json:"persist_hits,omitempty"`
		ReplayTiming    bool              `json:"replay_timing,omitempty"`
	}{
		o.Mode, o.Hosts, o.IgnoreHosts, o.HostAliases, o.MatchHeaders, o.RecordStatus,
		o.RecordPaths, o.Redact, o.RedactResponses, o.Normalize, o.Ignore, o.Repeats, o.Scope,
		milliseconds(o.LockTimeout), milliseconds(o.ClaimTimeout), o.MaxBytes, o.PersistHits, o.ReplayTiming,
	})
}

// milliseconds rounds up: a short timeout is not the default one.
func milliseconds(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// open opens a cache with a C mode, DEFAULT or TEST.
func (o Options) open(path string, mode uint32) (*Cache, error) {
	text, err := o.named()
	if err != nil {
		return nil, &Error{kind: ErrConfig, message: "options: " + err.Error()}
	}
	cText, err := cString("options", string(text))
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(cText))
	var cPath *C.char
	if path != "" || mode != C.F3DX_CACHE_MODE_TEST {
		if cPath, err = cString("path", path); err != nil {
			return nil, err
		}
		defer C.free(unsafe.Pointer(cPath))
	}
	var options C.f3dx_cache_options
	C.f3dx_cache_options_init(&options, C.sizeof_f3dx_cache_options)
	options.mode = C.uint32_t(mode)
	options.options_json = cText
	var opened *C.f3dx_cache
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_open(cPath, &options, &opened, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return newCache(opened)
}
