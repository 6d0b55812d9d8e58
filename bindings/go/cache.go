package f3dxcache

// #include "f3dx_cache.h"
import "C"

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Cache is an open cache file, or a session on one. It is safe for concurrent use by any
// number of goroutines, and any number of processes may have the file open.
type Cache struct {
	*handle
	settings Settings
	// The responses that are being recorded.
	recordings recordings
}

var _ io.Closer = (*Cache)(nil)

// Settings are what is in force for a cache.
type Settings struct {
	// Path is the cache file, absolute.
	Path string `json:"path"`
	Mode Mode   `json:"mode"`
	// ModeReason says where the mode comes from, such as "CI is set".
	ModeReason string `json:"mode_reason"`
	// ConfigFile is the f3dx-cache.toml that was read; "" if none was.
	ConfigFile string `json:"config_file"`
	// ReplayTiming is whether streams are replayed with the recorded times.
	ReplayTiming bool `json:"replay_timing"`
}

// Open opens the file at path. The mode is that of options, else F3DX_CACHE_MODE, else
// [Record]. In Record and Refresh the file is created if there is none; in Replay and
// ReadOnly that is [ErrIO], and Off never touches it.
//
// Close it: what is collected unclosed is closed, too, but at no certain time.
func Open(path string, options Options) (*Cache, error) {
	return options.open(path, C.F3DX_CACHE_MODE_DEFAULT)
}

// OpenForTests opens the cache that options, environment and f3dx-cache.toml name, as
// test hooks do: path and options come from f3dx-cache.toml where they are not given, the
// mode is [Replay] if CI is set and nothing says otherwise, and a missing file is an empty
// cache. path may be "". Package cachetest is built on it.
func OpenForTests(path string, options Options) (*Cache, error) {
	return options.open(path, C.F3DX_CACHE_MODE_TEST)
}

// Session makes a handle on the same open file with counters, occurrences, refused misses
// and warnings of its own: that of one test. test names the test, for Options.Scope, meta
// and messages; command is what records its misses, for explanations. Both may be "".
// Close the session like a cache; it goes on if the cache is closed before.
func (c *Cache) Session(test, command string) (*Cache, error) {
	handle, err := c.use()
	if err != nil {
		return nil, err
	}
	defer c.done()
	var opened *C.f3dx_cache
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_session(handle, chars(test), C.size_t(len(test)),
		chars(command), C.size_t(len(command)), &opened, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return newCache(opened)
}

// Settings returns what is in force: the file, the mode and why.
func (c *Cache) Settings() Settings { return c.settings }

// Get returns the response recorded for a request, a JSON text, and counts the lookup. ok
// is false on a miss: [Cache.Explain] says why.
func (c *Cache) Get(request []byte) (response []byte, ok bool, err error) {
	handle, err := c.use()
	if err != nil {
		return nil, false, err
	}
	defer c.done()
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_lookup(handle, jsonOf(request), C.size_t(len(request)), &buffer, &cErr)
	if status < 0 {
		return nil, false, failure(status, cErr)
	}
	return take(&buffer), status == C.F3DX_CACHE_STATUS_OK, nil
}

// Peek returns what Get would, and counts nothing.
func (c *Cache) Peek(request []byte) (response []byte, ok bool, err error) {
	handle, err := c.use()
	if err != nil {
		return nil, false, err
	}
	defer c.done()
	var address [32]byte
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_fingerprint(handle, jsonOf(request), C.size_t(len(request)), octets(&address), &cErr)
	if status >= 0 {
		status = C.f3dx_cache_peek(handle, octets(&address), &buffer, &cErr)
	}
	if status < 0 {
		return nil, false, failure(status, cErr)
	}
	return take(&buffer), status == C.F3DX_CACHE_STATUS_OK, nil
}

// Put records a response as the answer to a request, durably when it returns. In Record
// the first recording of a request stays, and recording it again changes nothing; in
// Replay it is [ErrReadOnly]; in ReadOnly and Off it does nothing.
func (c *Cache) Put(request, response []byte) error {
	_, err := c.put(request, response, nil)
	return err
}

// PutMeta records a response as Put does, with what is known about it, and returns its
// fingerprint. Of meta it takes Model, SystemFingerprint, ResponseDuration and Usage.
func (c *Cache) PutMeta(request, response []byte, meta Meta) (fingerprint string, err error) {
	text, err := meta.forPut()
	if err != nil {
		return "", &Error{kind: ErrInvalidArgument, message: "meta: " + err.Error()}
	}
	return c.put(request, response, text)
}

func (c *Cache) put(request, response, meta []byte) (string, error) {
	handle, err := c.use()
	if err != nil {
		return "", err
	}
	defer c.done()
	var address [32]byte
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_put(handle, jsonOf(request), C.size_t(len(request)),
		bytesOf(response), C.size_t(len(response)), jsonOf(meta), C.size_t(len(meta)),
		octets(&address), &cErr); status < 0 {
		return "", failure(status, cErr)
	}
	return hex.EncodeToString(address[:]), nil
}

// Fingerprint returns the address of a request in this file, 64 hexadecimal digits: its
// fingerprint after the file's identity policy (secrets, Normalize, Ignore).
func (c *Cache) Fingerprint(request []byte) (string, error) {
	handle, err := c.use()
	if err != nil {
		return "", err
	}
	defer c.done()
	return fingerprint(handle, request)
}

// Contains returns whether a response is recorded for a request, whatever the mode. It
// counts nothing.
func (c *Cache) Contains(request []byte) (bool, error) {
	handle, err := c.use()
	if err != nil {
		return false, err
	}
	defer c.done()
	var address [32]byte
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_fingerprint(handle, jsonOf(request), C.size_t(len(request)), octets(&address), &cErr)
	if status >= 0 {
		status = C.f3dx_cache_contains(handle, octets(&address), &cErr)
	}
	if status < 0 {
		return false, failure(status, cErr)
	}
	return status == C.F3DX_CACHE_STATUS_OK, nil
}

// Delete removes the entry at a fingerprint, and returns whether there was one.
func (c *Cache) Delete(fingerprint string) (bool, error) {
	address, err := parseFingerprint(fingerprint)
	if err != nil {
		return false, err
	}
	handle, err := c.use()
	if err != nil {
		return false, err
	}
	defer c.done()
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_delete(handle, octets(&address), &cErr)
	if status < 0 {
		return false, failure(status, cErr)
	}
	return status == C.F3DX_CACHE_STATUS_OK, nil
}

// Flush writes the hit counts, if something was recorded through this opening or
// Options.PersistHits is on. Every Put that returned is durable already.
func (c *Cache) Flush() error {
	handle, err := c.use()
	if err != nil {
		return err
	}
	defer c.done()
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_flush(handle, &cErr); status < 0 {
		return failure(status, cErr)
	}
	return nil
}

// Close has what is being recorded read to its end (see [Cache.Drain]), flushes, and
// closes the cache or session; the file stays open for what else uses it, such as a replay
// that runs. It waits for calls that run; later ones are [ErrClosed]. Closing again does
// nothing.
//
// The error is of the flush, or of a response that could not be recorded.
func (c *Cache) Close() error {
	failed := c.Drain()
	err := c.Flush()
	if !c.handle.close() {
		return nil
	}
	if len(failed) > 0 {
		return failed[0]
	}
	return err
}

// handle is what C gave: used by any number of goroutines, closed when none uses it.
type handle struct {
	lock sync.RWMutex
	c    *C.f3dx_cache
	// users are those of lend, and one until it is closed: the last one closes it in C.
	users atomic.Int64
}

func newCache(opened *C.f3dx_cache) (*Cache, error) {
	cache := &Cache{handle: &handle{c: opened}}
	cache.users.Store(1)
	text, err := cache.report(getSettings)
	if err == nil {
		err = json.Unmarshal(text, &cache.settings)
	}
	if err != nil {
		cache.handle.close()
		return nil, err
	}
	runtime.AddCleanup(cache, func(handle *handle) { handle.close() }, cache.handle)
	return cache, nil
}

// use returns the handle for the time until done.
func (h *handle) use() (*C.f3dx_cache, error) {
	h.lock.RLock()
	if h.c == nil {
		h.lock.RUnlock()
		return nil, closed()
	}
	return h.c, nil
}

func (h *handle) done() { h.lock.RUnlock() }

// close returns whether it was open.
func (h *handle) close() bool {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.c == nil {
		return false
	}
	closing := h.c
	h.c = nil
	h.release(closing)
	return true
}

// lend returns the handle for a call that calls back: until release, which must be called,
// it is open whatever is closed, and no lock is held.
func (h *handle) lend() (*C.f3dx_cache, error) {
	lent, err := h.use()
	if err != nil {
		return nil, err
	}
	defer h.done()
	h.users.Add(1)
	return lent, nil
}

func (h *handle) release(lent *C.f3dx_cache) {
	if h.users.Add(-1) == 0 {
		C.f3dx_cache_close(lent)
	}
}
