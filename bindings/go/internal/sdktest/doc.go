// Package sdktest tests the binding with the SDKs of providers. It is a module of its own,
// so that the binding needs none of them.
package sdktest
