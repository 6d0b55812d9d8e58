package f3dxcache

// #include "f3dx_cache.h"
import "C"

import "unsafe"

// take copies the bytes of a buffer and releases it. Never nil for one that was filled.
func take(buffer *C.f3dx_cache_buffer) []byte {
	if buffer.data == nil {
		return nil
	}
	bytes := make([]byte, int(buffer.len))
	copy(bytes, unsafe.Slice((*byte)(unsafe.Pointer(buffer.data)), int(buffer.len)))
	C.f3dx_cache_buffer_free(buffer)
	return bytes
}
