// Package gotool runs go in modules that use this one, for tests.
package gotool

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Module is a module outside this one.
type Module struct {
	t      *testing.T
	Folder string
	// Env is set for go, over the environment of the test.
	Env []string
}

// New makes a module of these files that replaces the binding by the one in folder.
func New(t *testing.T, binding string, files map[string]string) *Module {
	t.Helper()
	m := &Module{t: t, Folder: t.TempDir()}
	binding, err := filepath.Abs(binding)
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/f3dx/f3dx-cache/bindings/go"
	m.Write("go.mod", "module example.com/consumer\n\ngo 1.24\n\nrequire "+path+" v0.0.0\n\nreplace "+path+" => "+binding+"\n")
	for name, text := range files {
		m.Write(name, text)
	}
	return m
}

// Write writes a file of the module.
func (m *Module) Write(name, text string) {
	m.t.Helper()
	name = filepath.Join(m.Folder, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// Go runs go, and returns what it printed and whether it succeeded.
func (m *Module) Go(args ...string) (string, bool) {
	m.t.Helper()
	command := exec.Command("go", args...)
	command.Dir = m.Folder
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "PWD="+m.Folder)
	for _, name := range []string{"CI", "F3DX_CACHE_MODE", "F3DX_CACHE_PATH", "F3DX_CACHE_DIR", "F3DX_CACHE_RUN_ID"} {
		command.Env = append(command.Env, name+"=")
	}
	command.Env = append(command.Env, m.Env...)
	out, err := command.CombinedOutput()
	return string(out), err == nil
}

// MustGo runs go, and fails the test if go does.
func (m *Module) MustGo(args ...string) string {
	m.t.Helper()
	out, ok := m.Go(args...)
	if !ok {
		m.t.Fatalf("go %s: %s", strings.Join(args, " "), out)
	}
	return out
}

// Copy copies the binding, so that a test may change it.
func Copy(t *testing.T, binding string) string {
	t.Helper()
	to := t.TempDir()
	if out, err := exec.Command("cp", "-R", binding+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %s", out)
	}
	return to
}
