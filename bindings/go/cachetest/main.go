package cachetest

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// Main runs the tests of a package with http.DefaultTransport recording and replaying,
// prints what the run did, and exits:
//
//	func TestMain(m *testing.M) { cachetest.Main(m) }
//
// It covers what is sent through http.DefaultTransport, http.DefaultClient and clients
// without a Transport; a recorder of [New] covers what its own client sends. All that goes
// through http.DefaultTransport is one session, since nothing tells which of several tests
// sent it: a call that was refused and swallowed fails the package.
//
// An SDK's client that was made before, in a variable of the package, is not covered: those
// of openai and anthropic take a copy of http.DefaultTransport when they are made. Code that
// takes http.DefaultTransport for an *http.Transport without asking panics.
func Main(m interface{ Run() int }, opts ...Option) {
	os.Exit(runMain(m, opts, os.Stdout))
}

func runMain(m interface{ Run() int }, opts []Option, out io.Writer) int {
	// What go test said is not known before.
	if !flag.Parsed() {
		flag.Parse()
	}
	cache, base, err := open("", command(""), opts)
	if err != nil {
		fmt.Fprintf(out, "cachetest: %v\n", err)
		return 1
	}
	original := http.DefaultTransport
	http.DefaultTransport = &covering{
		&f3dxcache.Transport{Cache: cache, Base: base},
		sync.OnceValue(func() error { return readInputs(cache.Settings()) }),
	}
	code := m.Run()
	http.DefaultTransport = original
	_, failures := finish(cache)
	for _, failure := range failures {
		fmt.Fprintf(out, "cachetest: %s\n", failure)
		code = max(code, 1)
	}
	run.print(out)
	return code
}

// covering is the http.DefaultTransport of a package. The result of its tests depends on the
// cache as soon as they call.
type covering struct {
	*f3dxcache.Transport
	readInputs func() error
}

func (c *covering) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := c.readInputs(); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, fmt.Errorf("cachetest: %w", err)
	}
	return c.Transport.RoundTrip(req)
}

// run is what all sessions of the process did.
var run summaries

type summaries struct {
	lock     sync.Mutex
	of       map[file][]*f3dxcache.Summary
	warnings []string
}

type file struct {
	path string
	mode f3dxcache.Mode
}

// add adds what a session did.
func (s *summaries) add(cache *f3dxcache.Cache, summary *f3dxcache.Summary) {
	warnings, _ := cache.Warnings()
	settings := cache.Settings()
	of := file{settings.Path, settings.Mode}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.of == nil {
		s.of = make(map[file][]*f3dxcache.Summary)
	}
	// One for each file and mode: a run may have many tests.
	all := append(s.of[of], summary)
	if sum, err := cache.MergeSummaries(all); err == nil {
		all = []*f3dxcache.Summary{sum}
	}
	s.of[of] = all
	s.warnings = append(s.warnings, warnings...)
}

// did returns whether there is anything to tell.
func did(summary *f3dxcache.Summary) bool {
	return summary != nil && summary.Hits+summary.Misses+summary.Recorded+summary.Refused > 0
}

// print prints a line for each file and mode that did something, and the warnings.
func (s *summaries) print(out io.Writer) {
	s.lock.Lock()
	defer s.lock.Unlock()
	var lines []string
	for _, all := range s.of {
		for _, one := range all {
			if did(one) {
				lines = append(lines, one.Text)
			}
		}
	}
	sort.Strings(lines)
	seen := map[string]bool{}
	for _, warning := range s.warnings {
		if line := "f3dx-cache: warning: " + warning; !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 {
		fmt.Fprintln(out, strings.Join(lines, "\n"))
	}
}
