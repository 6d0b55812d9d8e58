//go:build !f3dx_dynamic && !f3dx_pkgconfig

package f3dxcache

import library "github.com/f3dx/f3dx-cache/bindings/go/lib/darwin_amd64"

// linked changes with the library.
const linked = "static " + library.Stamp
