package f3dxcache

// #include "f3dx_cache.h"
import "C"

import (
	"encoding/hex"
	"encoding/json"
	"iter"
	"time"
)

// Entry is one recorded request, as a walk gives it.
type Entry struct {
	// Fingerprint is its address, 64 hexadecimal digits.
	Fingerprint string
	Meta        Meta
}

// Meta is what is known about an entry, never part of its fingerprint.
type Meta struct {
	// CreatedAt is when it was recorded.
	CreatedAt time.Time
	// HitCount is how often it was replayed, as far as it was written.
	HitCount          uint64
	Model             string
	SystemFingerprint string
	// ResponseDuration is how long the provider took.
	ResponseDuration time.Duration
	// Usage is what the provider charged; nil if it did not say.
	Usage *Usage
	// Source is the test that recorded it.
	Source string
	// Run is the run that recorded it.
	Run string
	// JSON is all of it, members of a newer library included.
	JSON []byte
}

// Usage is the tokens that a provider charged.
type Usage struct {
	InputTokens  uint64 `json:"input_tokens"`
	OutputTokens uint64 `json:"output_tokens"`
}

type metaJSON struct {
	CreatedAt         int64  `json:"created_at_ms,omitempty"`
	HitCount          uint64 `json:"hit_count,omitempty"`
	Model             string `json:"model,omitempty"`
	SystemFingerprint string `json:"system_fingerprint,omitempty"`
	ResponseDuration  int64  `json:"response_duration_ms,omitempty"`
	Usage             *Usage `json:"usage,omitempty"`
	Source            string `json:"source,omitempty"`
	Run               string `json:"run,omitempty"`
}

func (m *Meta) read(text []byte) error {
	var read metaJSON
	if err := json.Unmarshal(text, &read); err != nil {
		return &Error{kind: ErrInternal, message: "meta: " + err.Error()}
	}
	*m = Meta{
		time.UnixMilli(read.CreatedAt), read.HitCount, read.Model, read.SystemFingerprint,
		time.Duration(read.ResponseDuration) * time.Millisecond, read.Usage, read.Source, read.Run, text,
	}
	return nil
}

func (m *Meta) forPut() ([]byte, error) {
	return json.Marshal(metaJSON{
		Model: m.Model, SystemFingerprint: m.SystemFingerprint,
		ResponseDuration: milliseconds(m.ResponseDuration), Usage: m.Usage,
	})
}

// Entries walks over the entries in the order of their fingerprints, as they are when the
// walk begins. An entry that cannot be read is an error, and the walk goes on with the
// next one if the loop does.
func (c *Cache) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		walk, err := c.walk()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		// It keeps alive what it needs: the loop may close the cache.
		defer C.f3dx_cache_iter_free(walk)
		for {
			var address [32]byte
			var buffer C.f3dx_cache_buffer
			var cErr *C.f3dx_cache_error
			status := C.f3dx_cache_iter_next(walk, octets(&address), &buffer, &cErr)
			if status == C.F3DX_CACHE_STATUS_END {
				return
			}
			var entry Entry
			if status < 0 {
				err = failure(status, cErr)
			} else {
				entry.Fingerprint = hex.EncodeToString(address[:])
				err = entry.Meta.read(take(&buffer))
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

func (c *Cache) walk() (*C.f3dx_cache_iter, error) {
	handle, err := c.use()
	if err != nil {
		return nil, err
	}
	defer c.done()
	var walk *C.f3dx_cache_iter
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_iter_new(handle, &walk, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return walk, nil
}

// Meta returns what is known about the entry at a fingerprint; ok is false if there is none.
func (c *Cache) Meta(fingerprint string) (meta Meta, ok bool, err error) {
	text, ok, err := c.at(fingerprint, func(handle *C.f3dx_cache, address *C.uint8_t,
		buffer *C.f3dx_cache_buffer, cErr **C.f3dx_cache_error) C.f3dx_cache_status {
		return C.f3dx_cache_get_meta(handle, address, buffer, cErr)
	})
	if ok {
		err = meta.read(text)
	}
	return meta, ok && err == nil, err
}

// Request returns the canonical request of the entry at a fingerprint, ignored members
// included, secrets as placeholders; ok is false if there is none.
func (c *Cache) Request(fingerprint string) (request []byte, ok bool, err error) {
	return c.at(fingerprint, func(handle *C.f3dx_cache, address *C.uint8_t,
		buffer *C.f3dx_cache_buffer, cErr **C.f3dx_cache_error) C.f3dx_cache_status {
		return C.f3dx_cache_get_request(handle, address, buffer, cErr)
	})
}

func (c *Cache) at(fingerprint string, get func(*C.f3dx_cache, *C.uint8_t,
	*C.f3dx_cache_buffer, **C.f3dx_cache_error) C.f3dx_cache_status) ([]byte, bool, error) {
	address, err := parseFingerprint(fingerprint)
	if err != nil {
		return nil, false, err
	}
	handle, err := c.use()
	if err != nil {
		return nil, false, err
	}
	defer c.done()
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	status := get(handle, octets(&address), &buffer, &cErr)
	if status < 0 {
		return nil, false, failure(status, cErr)
	}
	return take(&buffer), status == C.F3DX_CACHE_STATUS_OK, nil
}
