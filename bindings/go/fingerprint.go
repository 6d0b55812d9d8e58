package f3dxcache

// #include "f3dx_cache.h"
import "C"

import (
	"encoding/hex"
	"fmt"
)

// Canonicalize returns the canonical form of a JSON text: RFC 8785, integers with all
// their digits.
func Canonicalize(text []byte) ([]byte, error) {
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_canonicalize(jsonOf(text), C.size_t(len(text)), &buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return take(&buffer), nil
}

// Fingerprint returns the BLAKE3 of a request's canonical form, 64 hexadecimal digits: the
// pure function of the text. [Cache.Fingerprint] is the address in a file.
func Fingerprint(request []byte) (string, error) {
	return fingerprint(nil, request)
}

func fingerprint(cache *C.f3dx_cache, request []byte) (string, error) {
	var address [32]byte
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_fingerprint(cache, jsonOf(request), C.size_t(len(request)),
		octets(&address), &cErr); status < 0 {
		return "", failure(status, cErr)
	}
	return hex.EncodeToString(address[:]), nil
}

func parseFingerprint(text string) (address [32]byte, err error) {
	if n, err := hex.Decode(address[:], []byte(text[:min(len(text), 64)])); err != nil || n != 32 || len(text) != 64 {
		return address, &Error{kind: ErrInvalidArgument,
			message: fmt.Sprintf("%q is no fingerprint: 64 hexadecimal digits are needed", text)}
	}
	return address, nil
}
