//go:build f3dx_dynamic

package f3dxcache

/*
#cgo linux,amd64 LDFLAGS: -L${SRCDIR}/lib/linux_amd64 -Wl,-rpath,${SRCDIR}/lib/linux_amd64
#cgo linux,arm64 LDFLAGS: -L${SRCDIR}/lib/linux_arm64 -Wl,-rpath,${SRCDIR}/lib/linux_arm64
#cgo LDFLAGS: -lf3dx_cache
*/
import "C"

const linked = "dynamic"
