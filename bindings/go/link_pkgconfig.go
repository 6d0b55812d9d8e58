//go:build f3dx_pkgconfig && !f3dx_dynamic

package f3dxcache

// #cgo pkg-config: f3dx_cache
import "C"

const linked = "pkg-config"
