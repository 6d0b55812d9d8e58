package cachetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
	"github.com/f3dx/f3dx-cache/bindings/go/internal/gotool"
)

const replaying = `package consumer

import (
	"testing"

	"github.com/f3dx/f3dx-cache/bindings/go/cachetest"
)

func TestIt(t *testing.T) {
	cachetest.New(t).Cache().Get([]byte("{}"))
}
`

// module is a module whose test replays from a file.
func module(t *testing.T) *gotool.Module {
	return gotool.New(t, "..", map[string]string{"below/x_test.go": replaying})
}

// put changes a cache file, at some time long ago: go does not reuse what read files that
// were changed just now.
func put(t *testing.T, name, response string, hoursAgo time.Duration) {
	t.Helper()
	cache, err := f3dxcache.Open(name, f3dxcache.Options{Mode: f3dxcache.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Put([]byte("{}"), []byte(response)); err != nil {
		t.Fatal(err)
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-hoursAgo * time.Hour)
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
}

func isReused(t *testing.T, m *gotool.Module) bool {
	t.Helper()
	return strings.Contains(m.MustGo("test", "./..."), "(cached)")
}

func TestAChangedFileInsideTheModuleIsNoticed(t *testing.T) {
	t.Parallel()
	m := module(t)
	m.Write("f3dx-cache.toml", "path = 'llm.redb'\nmode = 'replay'\n")
	name := filepath.Join(m.Folder, "llm.redb")
	put(t, name, "1", 9)
	isReused(t, m)
	if !isReused(t, m) {
		// The configuration was written just now.
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(filepath.Join(m.Folder, "f3dx-cache.toml"), old, old); err != nil {
			t.Fatal(err)
		}
		isReused(t, m)
		if !isReused(t, m) {
			t.Fatal("the result is not reused at all")
		}
	}
	put(t, name, "2", 8)
	if isReused(t, m) {
		t.Error("the result with the old file was reused")
	}
}

func TestAChangedVariableIsNoticed(t *testing.T) {
	t.Parallel()
	m := module(t)
	name := filepath.Join(m.Folder, "llm.redb")
	put(t, name, "1", 9)
	for _, variable := range []string{"CI=1", "F3DX_CACHE_MODE=read_only", "F3DX_CACHE_HOSTS=h", "OPENAI_BASE_URL=http://h/"} {
		m.Env = []string{"F3DX_CACHE_PATH=" + name}
		isReused(t, m)
		if !isReused(t, m) {
			t.Fatal("the result is not reused at all")
		}
		m.Env = append(m.Env, variable)
		if isReused(t, m) {
			t.Errorf("the result without %s was reused", variable)
		}
	}
}

func TestANewConfigurationIsNoticed(t *testing.T) {
	t.Parallel()
	m := module(t)
	name := filepath.Join(m.Folder, "llm.redb")
	put(t, name, "1", 9)
	m.Env = []string{"F3DX_CACHE_PATH=" + name}
	isReused(t, m)
	if !isReused(t, m) {
		t.Fatal("the result is not reused at all")
	}
	m.Write("f3dx-cache.toml", "mode = 'replay'\n")
	if isReused(t, m) {
		t.Error("the result without it was reused")
	}
}

func TestAResultOfAFileOutsideTheModuleIsNeverReused(t *testing.T) {
	t.Parallel()
	m := module(t)
	name := filepath.Join(t.TempDir(), "llm.redb")
	put(t, name, "1", 9)
	m.Env = []string{"F3DX_CACHE_PATH=" + name}
	for range 3 {
		if isReused(t, m) {
			t.Error("it was reused")
		}
	}
}

const covered = `package consumer

import (
	"net/http"
	"strings"
	"testing"

	"github.com/f3dx/f3dx-cache/bindings/go/cachetest"
)

func TestMain(m *testing.M) { cachetest.Main(m) }

func TestIt(t *testing.T) {
	response, err := http.Post("https://api.openai.com/v1/chat/completions", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}
`

func TestUnderMainAChangedFileIsNoticed(t *testing.T) {
	t.Parallel()
	m := gotool.New(t, "..", map[string]string{"x_test.go": covered})
	inside, outside := filepath.Join(m.Folder, "llm.redb"), filepath.Join(t.TempDir(), "llm.redb")
	for _, name := range []string{inside, outside} {
		m.Env = []string{"F3DX_CACHE_MODE=replay", "F3DX_CACHE_PATH=" + name}
		putCall(t, name, 9)
		isReused(t, m)
		if reused := isReused(t, m); reused != (name == inside) {
			t.Errorf("%s: the result is reused: %v", name, reused)
		}
		putCall(t, name, 8)
		if isReused(t, m) {
			t.Errorf("%s: the result with the old file was reused", name)
		}
		m.Env = append(m.Env, "F3DX_CACHE_HOSTS=another")
		if isReused(t, m) {
			t.Errorf("%s: the result with other variables was reused", name)
		}
	}
}

// putCall records the answer of covered's call.
func putCall(t *testing.T, name string, hoursAgo time.Duration) {
	t.Helper()
	put(t, name, strings.Repeat(" ", int(hoursAgo)), hoursAgo)
	cache, err := f3dxcache.Open(name, f3dxcache.Options{Mode: f3dxcache.Record})
	if err != nil {
		t.Fatal(err)
	}
	call := `{"body":{},"method":"POST","url":"api.openai.com/v1/chat/completions"}`
	if err := cache.Put([]byte(call), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-hoursAgo * time.Hour)
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestWhereAResultMustBeReusedAFileOutsideIsRefusedWithTheWayOut(t *testing.T) {
	original := logOfInputs
	defer func() { logOfInputs = original }()
	logOfInputs = func() string { return filepath.Join(t.TempDir(), "gone", "testlog.txt") }
	outside := filepath.Join(t.TempDir(), "llm.redb")
	err := readFiles(f3dxcache.Settings{Path: outside, Mode: f3dxcache.Replay})
	if err == nil || !strings.Contains(err.Error(), "-count=1") || !strings.Contains(err.Error(), outside) {
		t.Error(err)
	}
	logOfInputs = func() string { return "" }
	if err := readFiles(f3dxcache.Settings{Path: outside, Mode: f3dxcache.Replay}); err != nil {
		t.Error(err)
	}
}
