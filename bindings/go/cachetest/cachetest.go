// Package cachetest records the LLM calls of a test once, and replays them from then on.
//
//	func TestAnswer(t *testing.T) {
//		rec := cachetest.New(t)
//		client := openai.NewClient(option.WithHTTPClient(rec.Client()))
//		...
//	}
//
// The first run calls and records; later ones replay, without a network, a key or cost.
// The mode is that of [Mode], else F3DX_CACHE_MODE, else that of f3dx-cache.toml, else
// replay if CI is set, else record; `F3DX_CACHE_MODE=refresh go test ./...` records anew.
// A call that is not recorded fails in replay, and the test with it, even if the code
// under test swallows the error.
//
// [Main] covers what a package sends through http.DefaultTransport.
//
// # The cache of go test
//
// go test runs a test again whose files or variables changed. The cache file, the
// configuration and all variables that matter are read in Go, so that it notices. It looks
// only at files inside the module: with a cache file elsewhere the result is never reused,
// and go test runs the package each time.
package cachetest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// Option is an option of [New] and [Main].
type Option func(*config)

type config struct {
	path    string
	options f3dxcache.Options
	base    http.RoundTripper
}

// Path names the cache file, relative to the folder of the test.
func Path(path string) Option {
	return func(c *config) { c.path = path }
}

// Mode says what happens on a hit and on a miss, whatever the environment says.
func Mode(mode f3dxcache.Mode) Option {
	return func(c *config) { c.options.Mode = mode }
}

// Hosts names further hosts whose calls are a provider's: "host", "host:port", "host:*".
func Hosts(hosts ...string) Option {
	return func(c *config) { c.options.Hosts = append(c.options.Hosts, hosts...) }
}

// Options takes all options of f3dxcache.Open; those after it change them.
func Options(options f3dxcache.Options) Option {
	return func(c *config) { c.options = options }
}

// Base sends what is not replayed, in the place of http.DefaultTransport.
func Base(base http.RoundTripper) Option {
	return func(c *config) { c.base = base }
}

// Recorder records and replays the calls of one test. It is safe for concurrent use.
type Recorder struct {
	cache     *f3dxcache.Cache
	transport *f3dxcache.Transport
}

// New makes the recorder of a test, with a session of its own on the cache file. It ends
// with the test: what is being recorded is read to its end then, and the test fails for a
// call that was refused or could not be recorded, unless it has failed already.
//
// Tests may run in parallel, in one process or in many.
func New(t testing.TB, opts ...Option) *Recorder {
	t.Helper()
	cache, base, err := open(t.Name(), command(t.Name()), opts)
	if err == nil {
		err = readInputs(cache.Settings())
	}
	if err != nil {
		t.Fatalf("cachetest: %v", err)
	}
	t.Cleanup(func() {
		t.Helper()
		end(t, cache)
	})
	return &Recorder{cache: cache, transport: &f3dxcache.Transport{Cache: cache, Base: base}}
}

// Client returns a client whose calls are recorded and replayed.
func (r *Recorder) Client() *http.Client {
	return &http.Client{Transport: r.transport}
}

// Transport returns what the client sends with, for clients of another make.
func (r *Recorder) Transport() http.RoundTripper { return r.transport }

// Cache returns the session of the test, for calls that are no HTTP, and for SDKs that
// take middleware: its method Middleware.
func (r *Recorder) Cache() *f3dxcache.Cache { return r.cache }

// end ends a test's session.
func end(t testing.TB, cache *f3dxcache.Cache) {
	t.Helper()
	summary, failures := finish(cache)
	if did(summary) {
		t.Logf("%s", summary.Text)
	}
	for _, failure := range failures {
		if t.Failed() {
			t.Log(failure)
		} else {
			t.Error(failure)
		}
	}
}

// finish closes a session, adds what it did to the run's summary, and returns it with what a
// test must hear.
func finish(cache *f3dxcache.Cache) (summary *f3dxcache.Summary, failures []string) {
	for _, err := range cache.Drain() {
		failures = append(failures, fmt.Sprintf("a call could not be looked up or recorded: %v", err))
	}
	misses, err := cache.RefusedMisses()
	if err != nil {
		failures = append(failures, err.Error())
	}
	seen := map[string]bool{}
	for _, miss := range misses {
		if !seen[miss] {
			failures = append(failures, "a call was refused:\n"+miss)
		}
		seen[miss] = true
	}
	summary, err = cache.Summary()
	if err == nil {
		run.add(cache, summary)
	}
	if err := cache.Close(); err != nil {
		failures = append(failures, err.Error())
	}
	return summary, failures
}

// open opens a session that opts, environment and configuration ask for.
func open(test, command string, opts []Option) (*f3dxcache.Cache, http.RoundTripper, error) {
	var config config
	for _, option := range opts {
		option(&config)
	}
	setRun()
	environment.RLock()
	cache, err := f3dxcache.OpenForTests(config.path, config.options)
	environment.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	defer cache.Close()
	settings := cache.Settings()
	if settings.Mode == f3dxcache.Replay {
		setKeys()
	}
	session, err := cache.Session(source(test), command)
	if err != nil {
		return nil, nil, err
	}
	base := config.base
	if base == nil {
		base = http.DefaultTransport
	}
	if main, ok := base.(*covering); ok {
		base = main.Transport.Base
	}
	return session, base, nil
}

// source names a test: by the folder of its package in the module, since names repeat.
func source(test string) string {
	return strings.TrimPrefix(folder()+"."+test, ".")
}

// command is what records a test, typed at the top of its module.
func command(test string) string {
	run := ""
	if test != "" {
		parts := strings.Split(test, "/")
		for i, part := range parts {
			parts[i] = "^" + regexp.QuoteMeta(part) + "$"
		}
		run = "-run " + shellQuoted(strings.Join(parts, "/")) + " "
	}
	return "F3DX_CACHE_MODE=record go test " + run + "./" + folder()
}

func shellQuoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// folder is the folder of the package under test in its module, "" at the top. A test
// binary starts in it; a test may go elsewhere.
var folder = sync.OnceValue(func() string {
	here, root := started, moduleRoot()
	if below, err := filepath.Rel(root, here); root != "" && err == nil && below != "." {
		return filepath.ToSlash(below)
	}
	return ""
})

var started, _ = os.Getwd()

// moduleRoot is the folder of the module under test; "" if there is none.
var moduleRoot = sync.OnceValue(func() string {
	for folder := started; folder != ""; {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			break
		}
		folder = above
	}
	return ""
})
