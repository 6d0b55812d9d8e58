package f3dxcache

// #include <stdlib.h>
// #include "f3dx_cache.h"
import "C"

import "unsafe"

// Verification is the state of a file.
type Verification struct {
	Entries uint64 `json:"entries"`
	Intact  uint64 `json:"intact"`
	// Flaws are the things that are wrong; none in a whole file.
	Flaws []Flaw `json:"flaws"`
}

// Flaw is one thing that is wrong with a file.
type Flaw struct {
	// Fingerprint is that of the entry; "" if it concerns the file.
	Fingerprint string `json:"fingerprint"`
	What        string `json:"what"`
}

// Recovery is what became of the entries of a damaged file.
type Recovery struct {
	Recovered uint64 `json:"recovered"`
	// Lost are the fingerprints of those that were not copied.
	Lost  []string `json:"lost"`
	Flaws []Flaw   `json:"flaws"`
}

// Verify checks the whole file at path: every page and row against its checksum, every
// request against its address. It is [ErrCorrupt] only if the file does not even begin
// like a cache.
func Verify(path string) (*Verification, error) {
	cPath, err := cString("path", path)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(cPath))
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_verify(cPath, nil, &buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return parsed[*Verification](take(&buffer))
}

// Recover copies every entry that is intact in the file at path into a new file at
// newPath, which must not exist.
func Recover(path, newPath string) (*Recovery, error) {
	cPath, err := cString("path", path)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(cPath))
	cNew, err := cString("newPath", newPath)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(cNew))
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_recover(cPath, cNew, &buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return parsed[*Recovery](take(&buffer))
}
