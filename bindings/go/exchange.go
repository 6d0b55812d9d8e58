package f3dxcache

// #include "f3dx_cache.h"
import "C"

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

func replayOf(head, body *C.f3dx_cache_buffer) (*replay, error) {
	content := take(body)
	recorded, err := parseHead(take(head))
	if err != nil {
		return nil, err
	}
	recorded.body = content
	return recorded, nil
}

// decision is what to do with a call: pass if both are nil.
type decision struct {
	replay   *replay
	exchange *exchange
}

// concerns returns whether a call may be the cache's business, whatever its body.
func (c *Cache) concerns(method, url string, headers []byte) (bool, error) {
	handle, err := c.use()
	if err != nil {
		return false, err
	}
	defer c.done()
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_http_concerns(handle, chars(method), C.size_t(len(method)), chars(url),
		C.size_t(len(url)), jsonOf(headers), C.size_t(len(headers)), &cErr)
	if status < 0 {
		return false, failure(status, cErr)
	}
	return status == C.F3DX_CACHE_STATUS_OK, nil
}

// intercept says what to do with a call; a call that is refused is a *MissError.
func (c *Cache) intercept(method, url string, headers, body []byte) (decision, error) {
	handle, err := c.use()
	if err != nil {
		return decision{}, err
	}
	defer c.done()
	var head, content C.f3dx_cache_buffer
	var sent *C.f3dx_cache_exchange
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_http_intercept(handle, chars(method), C.size_t(len(method)), chars(url),
		C.size_t(len(url)), jsonOf(headers), C.size_t(len(headers)), bytesOf(body), C.size_t(len(body)),
		&head, &content, &sent, &cErr)
	switch {
	case status == C.F3DX_CACHE_STATUS_OK:
		recorded, err := replayOf(&head, &content)
		return decision{replay: recorded}, err
	case status == C.F3DX_CACHE_STATUS_MISS:
		return decision{exchange: &exchange{c: sent}}, nil
	case status == C.F3DX_CACHE_STATUS_READ_ONLY:
		defer C.f3dx_cache_error_free(cErr)
		return decision{}, &MissError{Explanation: C.GoString(C.f3dx_cache_error_message(cErr))}
	case status < 0:
		return decision{}, failure(status, cErr)
	default:
		return decision{}, nil
	}
}

// exchange is a call on its way to the provider and back. It may be used by several
// goroutines, and does nothing once it is finished.
type exchange struct {
	lock sync.Mutex
	c    *C.f3dx_cache_exchange
}

// end is how a response ended.
type end uint32

const (
	endEOF    end = C.F3DX_CACHE_END_EOF
	endLeft   end = C.F3DX_CACHE_END_LEFT
	endFailed end = C.F3DX_CACHE_END_FAILED
)

// records returns whether the response is to be recorded.
func (x *exchange) records() (bool, error) {
	x.lock.Lock()
	defer x.lock.Unlock()
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_exchange_records(x.c, &cErr)
	if status < 0 {
		return false, failure(status, cErr)
	}
	return status == C.F3DX_CACHE_STATUS_OK, nil
}

// No two exchanges are one goroutine's: a response that is being recorded is read whether
// its caller goes on or not, so waiting for one never waits for oneself.
var holders atomic.Uint64

// claim asks for the right to send: a response that was recorded meanwhile, or whether to
// send now; otherwise ask again.
func (x *exchange) claim(holder uint64) (*replay, bool, error) {
	x.lock.Lock()
	defer x.lock.Unlock()
	var head, body C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_exchange_claim(x.c, C.uint64_t(holder), &head, &body, &cErr)
	switch {
	case status < 0:
		return nil, false, failure(status, cErr)
	case status == C.F3DX_CACHE_STATUS_OK:
		recorded, err := replayOf(&head, &body)
		return recorded, false, err
	default:
		return nil, status == C.F3DX_CACHE_STATUS_MISS, nil
	}
}

func (x *exchange) head(status int, headers []byte) error {
	x.lock.Lock()
	defer x.lock.Unlock()
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_exchange_head(x.c, C.uint32_t(status), jsonOf(headers),
		C.size_t(len(headers)), &cErr); status < 0 {
		return failure(status, cErr)
	}
	return nil
}

// chunk takes the next piece of the body, and finishes at the terminal event of a stream:
// the caller may never read to its end.
func (x *exchange) chunk(piece []byte) error {
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.c == nil {
		return nil
	}
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_exchange_chunk(x.c, bytesOf(piece), C.size_t(len(piece)), &cErr)
	if status < 0 {
		return failure(status, cErr)
	}
	if status == C.F3DX_CACHE_STATUS_END {
		return x.finished(endEOF)
	}
	return nil
}

// bounds returns how long, and for how many bytes, to read what the caller left.
func (x *exchange) bounds() (time.Duration, uint64) {
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.c == nil {
		return 0, 0
	}
	var ms, bytes C.uint64_t
	C.f3dx_cache_exchange_drain_bounds(x.c, &ms, &bytes, nil)
	return time.Duration(ms) * time.Millisecond, uint64(bytes)
}

// over returns whether it is finished.
func (x *exchange) over() bool {
	x.lock.Lock()
	defer x.lock.Unlock()
	return x.c == nil
}

// finish records the response if it may be, durably when it returns, gives up the claim
// and releases the exchange. The first end counts.
func (x *exchange) finish(end end) error {
	x.lock.Lock()
	defer x.lock.Unlock()
	return x.finished(end)
}

func (x *exchange) finished(end end) error {
	if x.c == nil {
		return nil
	}
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_exchange_finish(x.c, C.uint32_t(end), &cErr)
	C.f3dx_cache_exchange_free(x.c)
	x.c = nil
	if status < 0 {
		return failure(status, cErr)
	}
	return nil
}

// headersText spells headers for the library, sorted by name: it knows a call again by all
// that it is given, in the order in which it is given.
func headersText(header http.Header) []byte {
	var room [32]string
	names, length := room[:0], 0
	for name, values := range header {
		names = append(names, name)
		for _, value := range values {
			length += len(name) + len(value) + 2
		}
	}
	if length == 0 {
		return nil
	}
	slices.Sort(names)
	text := make([]byte, 0, length)
	for _, name := range names {
		for _, value := range header[name] {
			if !isName(name) || !isLine(value) {
				return headersJSON(header, names)
			}
			text = append(text, name...)
			text = append(text, '\n')
			text = append(text, value...)
			text = append(text, '\n')
		}
	}
	return text[:len(text)-1]
}

// isName returns whether the library takes a line for a name, and not for JSON.
func isName(text string) bool {
	return isLine(text) && text != "" && strings.IndexByte("[{ \t\r", text[0]) < 0
}

func isLine(text string) bool {
	return strings.IndexByte(text, '\n') < 0 && utf8.ValidString(text)
}

// headersJSON spells headers that cannot be lines, as an array of [name, value] pairs.
func headersJSON(header http.Header, names []string) []byte {
	pairs := [][2]string{}
	for _, name := range names {
		for _, value := range header[name] {
			// A header may hold any bytes.
			pairs = append(pairs, [2]string{strings.ToValidUTF8(name, "\uFFFD"), strings.ToValidUTF8(value, "\uFFFD")})
		}
	}
	text, _ := json.Marshal(pairs)
	return text
}
