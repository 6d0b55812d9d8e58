// Package linux_amd64 holds the C library for one platform, put here by `make go`.
//
// It is a package so that `go mod vendor` copies the library, and its constant
// changes whenever the library does, so that go never reuses the result of a test
// that ran with another one.
package linux_amd64
