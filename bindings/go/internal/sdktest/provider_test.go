package sdktest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// provider is a mock provider that counts its calls.
type provider struct {
	URL  string
	t    testing.TB
	stop func()
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	command := exec.Command("python3", filepath.Join("..", "..", "..", "..", "tests", "mock_provider"), "--exit-with-stdin")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	must(t, err)
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	p := &provider{t: t}
	p.stop = func() {
		if p.stop = func() {}; true {
			stdin.Close()
			command.Wait()
		}
	}
	t.Cleanup(func() { p.stop() })
	must(t, json.NewDecoder(stdout).Decode(p))
	return p
}

// calls returns how many calls were made.
func (p *provider) calls() int {
	p.t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{}}).Get(p.URL + "/_calls")
	must(p.t, err)
	defer response.Body.Close()
	var counted struct {
		Total int `json:"total"`
	}
	must(p.t, json.NewDecoder(response.Body).Decode(&counted))
	return counted.Total
}

// release lets go what the directive hold holds.
func (p *provider) release() {
	p.t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{}}).Post(p.URL+"/_release", "", nil)
	must(p.t, err)
	response.Body.Close()
}

// cache is a cache file that tests open in one mode after the other.
type cache struct {
	t    *testing.T
	path string
}

func newCache(t *testing.T) *cache {
	return &cache{t, filepath.Join(t.TempDir(), "llm.redb")}
}

func (c *cache) open(mode f3dxcache.Mode) *f3dxcache.Cache {
	c.t.Helper()
	opened, err := f3dxcache.Open(c.path, f3dxcache.Options{Mode: mode, Hosts: []string{"127.0.0.1:*"}})
	must(c.t, err)
	c.t.Cleanup(func() { opened.Close() })
	return opened
}

func (c *cache) bytes() []byte {
	c.t.Helper()
	content, err := os.ReadFile(c.path)
	must(c.t, err)
	return content
}

func client(cache *f3dxcache.Cache) *http.Client {
	return &http.Client{Transport: &f3dxcache.Transport{Cache: cache}}
}

// isRecordedAndReplayed makes a call with a provider, then without one.
func isRecordedAndReplayed(t *testing.T, call func(url string, cache *f3dxcache.Cache) ([]string, error)) {
	t.Helper()
	p, c := newProvider(t), newCache(t)
	recording := c.open(f3dxcache.Record)
	recorded, err := call(p.URL, recording)
	must(t, err)
	must(t, recording.Close())
	if calls := p.calls(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	p.stop()

	before := c.bytes()
	replaying := c.open(f3dxcache.Replay)
	replayed, err := call(p.URL, replaying)
	must(t, err)
	if len(recorded) == 0 || len(recorded) != len(replayed) {
		t.Fatalf("recorded %d results, replayed %d", len(recorded), len(replayed))
	}
	for i := range recorded {
		if recorded[i] != replayed[i] {
			t.Errorf("result %d: recorded %s, replayed %s", i, recorded[i], replayed[i])
		}
	}
	summary, err := replaying.Summary()
	must(t, err)
	if summary.Hits != 1 || summary.Misses != 0 {
		t.Error(summary.Text)
	}
	must(t, replaying.Close())
	if !bytes.Equal(before, c.bytes()) {
		t.Error("the file changed")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(value any) string {
	spelled, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(spelled)
}
