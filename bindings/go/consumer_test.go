package f3dxcache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/f3dx/f3dx-cache/bindings/go/internal/gotool"
)

const consumer = `package consumer

import (
	"testing"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

func TestIt(t *testing.T) {
	if _, err := f3dxcache.Fingerprint([]byte("{}")); err != nil {
		t.Fatal(err)
	}
}
`

var platform = filepath.Join("lib", runtime.GOOS+"_"+runtime.GOARCH)

func TestAModuleElsewhereBuildsAndTests(t *testing.T) {
	t.Parallel()
	m := gotool.New(t, ".", map[string]string{"x_test.go": consumer})
	m.MustGo("test", "./...")
}

func TestAVendoredBindingBuilds(t *testing.T) {
	t.Parallel()
	m := gotool.New(t, ".", map[string]string{"x_test.go": consumer})
	m.MustGo("mod", "vendor")
	m.MustGo("test", "-mod=vendor", "./...")
}

func TestTheSharedLibraryIsLinkedByItsTag(t *testing.T) {
	t.Parallel()
	m := gotool.New(t, ".", map[string]string{"x_test.go": consumer})
	m.MustGo("test", "-tags", "f3dx_dynamic", "./...")
}

func TestAnInstalledLibraryIsLinkedByItsTag(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pkg-config"); err != nil {
		t.Skip("pkg-config is not installed")
	}
	prefix := t.TempDir()
	install := exec.Command("sh", "../../ffi/install.sh", platform)
	install.Env = append(os.Environ(), "PREFIX="+prefix, "DESTDIR=")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install.sh: %s", out)
	}
	// What `make go` made is not there.
	binding := gotool.Copy(t, ".")
	for _, name := range []string{"libf3dx_cache.a", "libf3dx_cache.so", "stamp.go"} {
		if err := os.Remove(filepath.Join(binding, platform, name)); err != nil {
			t.Fatal(err)
		}
	}
	m := gotool.New(t, binding, map[string]string{"x_test.go": consumer})
	m.Env = []string{"PKG_CONFIG_PATH=" + filepath.Join(prefix, "lib", "pkgconfig"), "LD_LIBRARY_PATH=" + filepath.Join(prefix, "lib")}
	m.MustGo("test", "-tags", "f3dx_pkgconfig", "./...")
}

func TestAnotherLibraryEndsTheReuseOfResults(t *testing.T) {
	t.Parallel()
	binding := gotool.Copy(t, ".")
	m := gotool.New(t, binding, map[string]string{"x_test.go": consumer})
	m.MustGo("test", "./...")
	if out := m.MustGo("test", "./..."); !strings.Contains(out, "(cached)") {
		t.Fatalf("the result is not reused at all: %s", out)
	}
	stamp := filepath.Join(binding, platform, "stamp.go")
	text, err := os.ReadFile(stamp)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `Stamp = "`, `Stamp = "another`, 1)
	if err := os.WriteFile(stamp, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := m.MustGo("test", "./..."); strings.Contains(out, "(cached)") {
		t.Errorf("the result with the old library was reused: %s", out)
	}
}

func TestAMissingLibraryIsToldWithTheWayOut(t *testing.T) {
	t.Parallel()
	binding := gotool.Copy(t, ".")
	for _, name := range []string{"libf3dx_cache.a", "stamp.go"} {
		if err := os.Remove(filepath.Join(binding, platform, name)); err != nil {
			t.Fatal(err)
		}
	}
	m := gotool.New(t, binding, map[string]string{"x_test.go": consumer})
	for _, command := range []string{"build", "vet", "test"} {
		args := []string{command, "github.com/f3dx/f3dx-cache/bindings/go"}
		if out, ok := m.Go(args...); ok || !strings.Contains(out, "run make go") {
			t.Errorf("go %s: %v, %s", command, ok, out)
		}
	}
}

func TestWithoutCgoTheWayOutIsTold(t *testing.T) {
	t.Parallel()
	m := gotool.New(t, ".", map[string]string{"x_test.go": consumer})
	m.Env = []string{"CGO_ENABLED=0"}
	if out, ok := m.Go("vet", "./..."); ok || !strings.Contains(out, "set_CGO_ENABLED_to_1") {
		t.Errorf("%v, %s", ok, out)
	}
}
