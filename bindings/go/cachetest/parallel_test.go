package cachetest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
	"github.com/f3dx/f3dx-cache/bindings/go/internal/gotool"
)

// onePackage is one of several that send the same prompts and one of its own.
const onePackage = `package %[1]s

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/f3dx/f3dx-cache/bindings/go/cachetest"
)

func TestMain(m *testing.M) { cachetest.Main(m, cachetest.Hosts("127.0.0.1:*")) }

func TestPrompts(t *testing.T) {
	for n := range 10 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			client := http.DefaultClient
			if n%%2 == 0 {
				client = cachetest.New(t, cachetest.Hosts("127.0.0.1:*")).Client()
			}
			send(t, client, fmt.Sprintf("{\"n\":%%d}", n))
		})
	}
	send(t, http.DefaultClient, "{\"own\":\"%[1]s\"}")
}

func send(t *testing.T, client *http.Client, body string) {
	response, err := client.Post(os.Getenv("PROVIDER")+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(answer), body) {
		t.Errorf("%%q, %%v", answer, err)
	}
}
`

func TestPackagesInParallelRecordIntoOneFile(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	files := map[string]string{}
	for n := range 6 {
		name := fmt.Sprintf("p%d", n)
		files[name+"/x_test.go"] = fmt.Sprintf(onePackage, name)
	}
	m := gotool.New(t, "..", files)
	name := filepath.Join(m.Folder, "llm.redb")
	m.Env = []string{"PROVIDER=" + p.URL, "F3DX_CACHE_PATH=" + name}

	m.MustGo("test", "-p", "6", "./...")
	if calls := p.calls.Load(); calls != 16 {
		t.Errorf("cold: %d calls for 16 prompts", calls)
	}
	m.Env = append(m.Env, "F3DX_CACHE_MODE=replay")
	out := m.MustGo("test", "-p", "6", "-count=1", "-v", "./...")
	if calls := p.calls.Load(); calls != 16 {
		t.Errorf("warm: %d calls", calls-16)
	}
	if summaries := strings.Count(out, "f3dx-cache: 11 hits, 0 misses, 0 recorded"); summaries != 6 {
		t.Errorf("%d packages say that they replayed all: %s", summaries, out)
	}
	state, err := f3dxcache.Verify(name)
	if err != nil || state.Intact != 16 || len(state.Flaws) != 0 {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestPackagesOfOneRunRefreshOnce(t *testing.T) {
	if startOf(1) == "" {
		t.Skip("processes cannot be told apart here")
	}
	t.Parallel()
	p := newProvider(t)
	files := map[string]string{}
	for _, name := range []string{"p0", "p1"} {
		files[name+"/x_test.go"] = fmt.Sprintf(onePackage, name)
	}
	m := gotool.New(t, "..", files)
	m.Env = []string{
		"PROVIDER=" + p.URL, "F3DX_CACHE_MODE=refresh", "F3DX_CACHE_PATH=" + filepath.Join(m.Folder, "llm.redb"),
	}
	for run := range 2 {
		before := p.calls.Load()
		m.MustGo("test", "./...")
		if calls := p.calls.Load() - before; calls != 12 {
			t.Errorf("run %d: %d calls for 12 prompts", run, calls)
		}
	}
}
