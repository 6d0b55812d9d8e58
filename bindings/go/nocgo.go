//go:build !cgo

package f3dxcache

// The C library needs cgo: the name says what to do.
var _ = set_CGO_ENABLED_to_1_and_install_a_C_compiler_to_build_f3dxcache
