package f3dxcache

// #include <stdlib.h>
// #include "f3dx_cache.h"
import "C"

import (
	"encoding/json"
	"io"
	"iter"
	"runtime"
	"sync"
	"unsafe"
)

// Traces reads recorded traces, row by row, whatever the file's size. It is safe for
// concurrent use.
type Traces struct {
	*reader
}

var _ io.Closer = (*Traces)(nil)

// TraceOptions say how to read a trace file.
type TraceOptions struct {
	// Strict makes a row that cannot be read an [ErrInvalidRow]; else it is counted, and
	// reading goes on.
	Strict bool `json:"strict,omitempty"`
	// Format is "f3dx", "f3dx_parquet", "otel", "otlp", "openai_batch", "anthropic_batch" or
	// "plain"; "" tells it from the content.
	Format string `json:"format,omitempty"`
	// Input is the input file of an OpenAI batch, whose requests are joined to the responses.
	Input string `json:"input,omitempty"`
}

// BadRow is a row that could not be read.
type BadRow struct {
	Source Source `json:"source"`
	// Column is the byte of the line at which reading stopped, from 1; 0 if that is not known.
	Column uint64 `json:"column"`
	// Reason never quotes the row.
	Reason string `json:"reason"`
}

// ReadTraces opens a trace file; the format is told from its content: f3dx as JSON lines or
// parquet, OpenTelemetry spans, batches of OpenAI and Anthropic, and rows of "prompt" or
// "messages" and "output". Close it.
func ReadTraces(path string, options TraceOptions) (*Traces, error) {
	cPath, err := cString("path", path)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(cPath))
	text, err := json.Marshal(options)
	if err != nil {
		return nil, &Error{kind: ErrInvalidArgument, message: "options: " + err.Error()}
	}
	var opened *C.f3dx_cache_traces
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_traces_open(cPath, jsonOf(text), C.size_t(len(text)), &opened, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	traces := &Traces{&reader{c: opened}}
	runtime.AddCleanup(traces, func(reader *reader) { reader.close() }, traces.reader)
	return traces, nil
}

// All reads the rows that were not read yet. It ends after an error. A loop that is left may
// be followed by another one, which goes on.
func (t *Traces) All() iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for {
			row, err := t.next()
			if row == nil && err == nil {
				return
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// Bad returns how many rows could not be read so far.
func (t *Traces) Bad() uint64 { return t.told().Bad }

// BadRows returns those that could not be read so far: the first 1,000.
func (t *Traces) BadRows() []BadRow { return t.told().BadRows }

// Format returns what the file holds, as TraceOptions.Format names it.
func (t *Traces) Format() string { return t.told().Format }

// Close closes the file. What was bad is known afterwards, too. Closing again does nothing.
func (t *Traces) Close() error {
	t.close()
	return nil
}

// reader is what C gave.
type reader struct {
	lock sync.Mutex
	// c is nil if it is closed, or lent to a replay.
	c            *C.f3dx_cache_traces
	lent, closed bool
	last         readerState
}

type readerState struct {
	Format  string   `json:"format"`
	Bad     uint64   `json:"bad"`
	BadRows []BadRow `json:"bad_rows"`
}

// next returns the next row, or nil at the end.
func (r *reader) next() (*Row, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if err := r.usable(); err != nil {
		return nil, err
	}
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	status := C.f3dx_cache_traces_next(r.c, &buffer, &cErr)
	switch {
	case status < 0:
		return nil, failure(status, cErr)
	case status == C.F3DX_CACHE_STATUS_END:
		return nil, nil
	default:
		return parsed[*Row](take(&buffer))
	}
}

func (r *reader) usable() error {
	switch {
	case r.closed:
		return &Error{kind: ErrClosed, message: "the traces were closed; read them again"}
	case r.lent:
		return &Error{kind: ErrInvalidArgument, message: "the traces are being replayed"}
	default:
		return nil
	}
}

// told returns what is known of the file; while it is replayed, what was known before.
func (r *reader) told() readerState {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.ask()
	return r.last
}

func (r *reader) ask() {
	if r.c == nil {
		return
	}
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_traces_get_state(r.c, &buffer, &cErr); status < 0 {
		C.f3dx_cache_error_free(cErr)
		return
	}
	if state, err := parsed[readerState](take(&buffer)); err == nil {
		r.last = state
	}
}

// lend hands the reader to a replay, which calls giveBack. No lock is held meanwhile.
func (r *reader) lend() (*C.f3dx_cache_traces, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if err := r.usable(); err != nil {
		return nil, err
	}
	r.ask()
	lent := r.c
	r.c, r.lent = nil, true
	return lent, nil
}

func (r *reader) giveBack(lent *C.f3dx_cache_traces) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.c, r.lent = lent, false
	if r.closed {
		r.free()
	}
}

func (r *reader) close() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.closed = true
	r.free()
}

func (r *reader) free() {
	if r.c != nil {
		r.ask()
		C.f3dx_cache_traces_free(r.c)
		r.c = nil
	}
}
