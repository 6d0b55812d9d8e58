//go:build !f3dx_dynamic && !f3dx_pkgconfig

package f3dxcache

// The archive is named, not searched for with -l: a linker would prefer a shared
// library beside it, which the program would not find when it runs.

/*
#cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libf3dx_cache.a
#cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux_arm64/libf3dx_cache.a
#cgo darwin,amd64 LDFLAGS: ${SRCDIR}/lib/darwin_amd64/libf3dx_cache.a
#cgo darwin,arm64 LDFLAGS: ${SRCDIR}/lib/darwin_arm64/libf3dx_cache.a
#cgo linux LDFLAGS: -lgcc_s -lpthread -ldl -lm
#cgo darwin LDFLAGS: -framework CoreFoundation -liconv -lm
#cgo CFLAGS: -I${SRCDIR}

#if defined(__linux__) && defined(__x86_64__)
#  define F3DX_CACHE_BUILT __has_include("lib/linux_amd64/libf3dx_cache.a")
#elif defined(__linux__) && defined(__aarch64__)
#  define F3DX_CACHE_BUILT __has_include("lib/linux_arm64/libf3dx_cache.a")
#elif defined(__APPLE__) && defined(__x86_64__)
#  define F3DX_CACHE_BUILT __has_include("lib/darwin_amd64/libf3dx_cache.a")
#elif defined(__APPLE__) && defined(__aarch64__)
#  define F3DX_CACHE_BUILT __has_include("lib/darwin_arm64/libf3dx_cache.a")
#else
#  error "f3dxcache: no static library for this platform: install the C library and build with -tags f3dx_pkgconfig"
#endif

#if defined(F3DX_CACHE_BUILT) && !F3DX_CACHE_BUILT
#  error "f3dxcache: libf3dx_cache.a is missing: run make go in the f3dx-cache repository (or install the C library and build with -tags f3dx_pkgconfig)"
#endif
*/
import "C"
