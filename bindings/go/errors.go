package f3dxcache

// #include "f3dx_cache.h"
import "C"

import (
	"errors"
	"strings"
)

// What goes wrong, for errors.Is.
var (
	// ErrMiss: a call is not recorded, and the mode sends none. The error is a *[MissError].
	ErrMiss = errors.New("f3dx-cache: not recorded")
	// ErrInvalidJSON: a text is not JSON with one meaning. The error is a *[JSONError].
	ErrInvalidJSON = errors.New("f3dx-cache: invalid JSON")
	// ErrInvalidArgument: an argument is outside its domain.
	ErrInvalidArgument = errors.New("f3dx-cache: invalid argument")
	// ErrIO: the operating system refused.
	ErrIO = errors.New("f3dx-cache: input or output failed")
	// ErrLocked: another writer kept its turn for longer than Options.LockTimeout.
	ErrLocked = errors.New("f3dx-cache: locked")
	// ErrReadOnly: the mode, or the file's permissions, do not allow writing.
	ErrReadOnly = errors.New("f3dx-cache: read-only")
	// ErrCorrupt: the file is damaged, or no cache file.
	ErrCorrupt = errors.New("f3dx-cache: corrupt")
	// ErrUnsupportedFormat: the file was written by a newer library.
	ErrUnsupportedFormat = errors.New("f3dx-cache: unsupported format")
	// ErrFull: Options.MaxBytes would be exceeded.
	ErrFull = errors.New("f3dx-cache: full")
	// ErrConfigMismatch: the options ask for another identity policy than the file's.
	ErrConfigMismatch = errors.New("f3dx-cache: another identity policy")
	// ErrConfig: an option, an environment variable or f3dx-cache.toml is wrong.
	ErrConfig = errors.New("f3dx-cache: wrong configuration")
	// ErrInvalidRow: a row of a trace cannot be read, and TraceOptions.Strict was asked for.
	ErrInvalidRow = errors.New("f3dx-cache: invalid row")
	// ErrStopped: a replay or comparison was ended, by its context or by a panic of Progress.
	ErrStopped = errors.New("f3dx-cache: stopped")
	// ErrClosed: the cache, or the reader of traces, was closed.
	ErrClosed = errors.New("f3dx-cache: closed")
	// ErrInternal: a defect in the library.
	ErrInternal = errors.New("f3dx-cache: internal error")
)

// Error is a failure of the library. The message names the thing, the place and the way
// out; errors.Is with one of the Err variables tells failures apart.
type Error struct {
	kind    error
	message string
}

func (e *Error) Error() string { return prefixed(e.message) }

// Unwrap returns what kind of failure it is, such as [ErrLocked].
func (e *Error) Unwrap() error { return e.kind }

// JSONError is a text that is not JSON, or not JSON with one meaning.
type JSONError struct {
	// Rule is the rule that it breaks: "syntax", "trailing_data", "empty_input", "bom",
	// "invalid_utf8", "duplicate_key", "lone_surrogate", "number_out_of_range" or "too_deep".
	Rule string
	// At is the byte at which it does.
	At      int
	message string
}

func (e *JSONError) Error() string { return prefixed(e.message) }

// Unwrap returns [ErrInvalidJSON].
func (e *JSONError) Unwrap() error { return ErrInvalidJSON }

// MissError is an intercepted call that is not recorded, in a mode that sends none.
type MissError struct {
	// Explanation says what differs from the nearest recorded request, and which command
	// records it, on several lines.
	Explanation string
}

func (e *MissError) Error() string { return prefixed(e.Explanation) }

// Unwrap returns [ErrMiss].
func (e *MissError) Unwrap() error { return ErrMiss }

func prefixed(message string) string {
	if strings.HasPrefix(message, "f3dx-cache: ") {
		return message
	}
	return "f3dx-cache: " + message
}

// failure makes an error of a failed call, and releases what C told about it.
func failure(status C.f3dx_cache_status, err *C.f3dx_cache_error) error {
	defer C.f3dx_cache_error_free(err)
	message := C.GoString(C.f3dx_cache_error_message(err))
	if rule := C.f3dx_cache_error_json_kind(err); rule != nil {
		return &JSONError{Rule: C.GoString(rule), At: int(C.f3dx_cache_error_json_at(err)), message: message}
	}
	return &Error{kind: kindOf(status), message: message}
}

func kindOf(status C.f3dx_cache_status) error {
	switch status {
	case C.F3DX_CACHE_STATUS_INVALID_ARGUMENT:
		return ErrInvalidArgument
	case C.F3DX_CACHE_STATUS_INVALID_JSON:
		return ErrInvalidJSON
	case C.F3DX_CACHE_STATUS_IO:
		return ErrIO
	case C.F3DX_CACHE_STATUS_LOCKED:
		return ErrLocked
	case C.F3DX_CACHE_STATUS_READ_ONLY:
		return ErrReadOnly
	case C.F3DX_CACHE_STATUS_CORRUPT:
		return ErrCorrupt
	case C.F3DX_CACHE_STATUS_UNSUPPORTED_FORMAT:
		return ErrUnsupportedFormat
	case C.F3DX_CACHE_STATUS_FULL:
		return ErrFull
	case C.F3DX_CACHE_STATUS_CONFIG_MISMATCH:
		return ErrConfigMismatch
	case C.F3DX_CACHE_STATUS_CALLBACK:
		return ErrStopped
	case C.F3DX_CACHE_STATUS_INVALID_ROW:
		return ErrInvalidRow
	case C.F3DX_CACHE_STATUS_CONFIG:
		return ErrConfig
	default:
		return ErrInternal
	}
}

func closed() error {
	return &Error{kind: ErrClosed, message: "the cache was closed; open it again"}
}
