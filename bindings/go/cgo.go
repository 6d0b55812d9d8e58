package f3dxcache

// Only f3dx_cache_diff and f3dx_cache_replay call back into Go (callback.go), and no function
// of the library keeps an argument.

/*
#include "f3dx_cache.h"

#cgo nocallback f3dx_cache_lookup
#cgo nocallback f3dx_cache_peek
#cgo nocallback f3dx_cache_fingerprint
#cgo nocallback f3dx_cache_buffer_free
#cgo nocallback f3dx_cache_http_intercept
#cgo noescape f3dx_cache_lookup
#cgo noescape f3dx_cache_peek
#cgo noescape f3dx_cache_fingerprint
#cgo noescape f3dx_cache_buffer_free
#cgo noescape f3dx_cache_http_intercept
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

func init() {
	if problem := abiProblem(loadedABI()); problem != "" {
		panic(problem)
	}
}

func loadedABI() uint32 { return uint32(C.f3dx_cache_abi_version()) }

// abiProblem says what is wrong with a library of this ABI; "" if nothing is.
func abiProblem(loaded uint32) string {
	if loaded == C.F3DX_CACHE_ABI_VERSION {
		return ""
	}
	return fmt.Sprintf("f3dxcache: the C library (%s) has ABI %d, this package needs %d: "+
		"run make go (or make install) of the same version", linked, loaded, C.F3DX_CACHE_ABI_VERSION)
}

// Version returns the version of the C library, such as "0.1.0".
func Version() string {
	return C.GoString(C.f3dx_cache_version())
}

// The pointers that these return must be used in the arguments of a C function only: what
// they point to holds no Go pointer.

func chars(text string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text)))
}

func jsonOf(bytes []byte) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(bytes)))
}

func bytesOf(bytes []byte) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(bytes))
}

func octets(bytes *[32]byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(bytes))
}

// cString copies a text for C, which takes it for ended at a NUL: free it.
func cString(name, text string) (*C.char, error) {
	if at := strings.IndexByte(text, 0); at >= 0 {
		return nil, &Error{kind: ErrInvalidArgument, message: fmt.Sprintf("%s holds a NUL at byte %d", name, at)}
	}
	return C.CString(text), nil
}
