package cachetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// fake is a test that is watched.
type fake struct {
	testing.TB
	name     string
	failed   bool
	told     []string
	cleanups []func()
}

func (f *fake) Helper()            {}
func (f *fake) Name() string       { return f.name }
func (f *fake) Failed() bool       { return f.failed }
func (f *fake) Cleanup(end func()) { f.cleanups = append(f.cleanups, end) }
func (f *fake) Log(args ...any)    { f.told = append(f.told, fmt.Sprint(args...)) }
func (f *fake) Error(args ...any)  { f.failed = true; f.Log(args...) }

func (f *fake) Fatalf(format string, args ...any) {
	f.Error(fmt.Sprintf(format, args...))
	panic(f)
}

func (f *fake) end() {
	for _, end := range f.cleanups {
		end()
	}
	f.cleanups = nil
}

type provider struct {
	*httptest.Server
	calls atomic.Int64
	opts  []Option
}

func newProvider(t *testing.T) *provider {
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"object":"chat.completion","sent":%s}`, body)
	}))
	t.Cleanup(p.Server.Close)
	p.opts = []Option{Path(filepath.Join(t.TempDir(), "llm.redb")), Hosts("127.0.0.1:*")}
	return p
}

func (p *provider) mode(mode f3dxcache.Mode) []Option {
	return append([]Option{Mode(mode)}, p.opts...)
}

func (p *provider) post(client *http.Client, body string) (string, error) {
	response, err := client.Post(p.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}

func TestATestIsRecordedAndReplayed(t *testing.T) {
	p := newProvider(t)
	recording := &fake{TB: t, name: "TestX"}
	first, err := p.post(New(recording, p.mode(f3dxcache.Record)...).Client(), `{"model":"m"}`)
	if err != nil {
		t.Fatal(err)
	}
	recording.end()
	p.Server.Close()
	rec := New(t, p.mode(f3dxcache.Replay)...)
	again, err := p.post(rec.Client(), `{"model":"m"}`)
	if err != nil || again != first || p.calls.Load() != 1 {
		t.Errorf("%q, %v, %d calls", again, err, p.calls.Load())
	}
	for entry, err := range rec.Cache().Entries() {
		if err != nil || entry.Meta.Source != "cachetest.TestX" {
			t.Errorf("recorded by %q, %v", entry.Meta.Source, err)
		}
	}
	if recording.failed {
		t.Error(recording.told)
	}
}

func TestAMissThatIsSwallowedFailsTheTest(t *testing.T) {
	p := newProvider(t)
	swallowing := &fake{TB: t, name: "TestX/a b"}
	_, err := p.post(New(swallowing, p.mode(f3dxcache.Replay)...).Client(), `{}`)
	if !errors.Is(err, f3dxcache.ErrMiss) {
		t.Fatal(err)
	}
	swallowing.end()
	told := strings.Join(swallowing.told, "\n")
	if !swallowing.failed || !strings.Contains(told, "a call was refused:\nf3dx-cache: not recorded") {
		t.Errorf("%v: %s", swallowing.failed, told)
	}
	if command := "F3DX_CACHE_MODE=record go test -run '^TestX$/^a b$' ./cachetest"; !strings.Contains(told, command) {
		t.Errorf("%s\ndoes not say %s", told, command)
	}
}

func TestATestThatFailedIsOnlyToldOfTheMiss(t *testing.T) {
	p := newProvider(t)
	failing := &fake{TB: t, name: "TestX", failed: true}
	p.post(New(failing, p.mode(f3dxcache.Replay)...).Client(), `{}`)
	failing.end()
	if len(failing.told) != 1 {
		t.Error(failing.told)
	}
}

func TestAWrongOptionFailsTheTestAtOnce(t *testing.T) {
	wrong := &fake{TB: t, name: "TestX"}
	defer func() {
		if recover() != wrong || !strings.Contains(strings.Join(wrong.told, ""), `unknown mode "once"`) {
			t.Error(wrong.told)
		}
	}()
	New(wrong, Mode("once"))
}

func TestWhatCouldNotBeRecordedFailsTheTest(t *testing.T) {
	p := newProvider(t)
	full := &fake{TB: t, name: "TestX"}
	opts := append([]Option{Options(f3dxcache.Options{Mode: f3dxcache.Record, MaxBytes: 1})}, p.opts...)
	if _, err := p.post(New(full, opts...).Client(), `{}`); err != nil {
		t.Fatal(err)
	}
	full.end()
	if !full.failed || !strings.Contains(strings.Join(full.told, ""), "could not be looked up or recorded") {
		t.Error(full.told)
	}
}

func TestParallelTestsShareAFile(t *testing.T) {
	p := newProvider(t)
	t.Run("all", func(t *testing.T) {
		for n := range 8 {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				rec := New(t, p.mode(f3dxcache.Record)...)
				for m := range 5 {
					if _, err := p.post(rec.Client(), fmt.Sprintf(`{"n":%d}`, m)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
	if calls := p.calls.Load(); calls != 5 {
		t.Errorf("%d calls", calls)
	}
}

type tests func() int

func (run tests) Run() int { return run() }

func TestMainCoversTheDefaultTransport(t *testing.T) {
	p := newProvider(t)
	var out bytes.Buffer
	original := http.DefaultTransport
	call := tests(func() int {
		if _, err := p.post(http.DefaultClient, `{}`); err != nil {
			t.Error(err)
		}
		return 3
	})
	for _, mode := range []f3dxcache.Mode{f3dxcache.Record, f3dxcache.Replay} {
		run = summaries{}
		if code := runMain(call, p.mode(mode), &out); code != 3 {
			t.Errorf("exit %d", code)
		}
	}
	if calls := p.calls.Load(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	if http.DefaultTransport != original {
		t.Error("the default transport was not put back")
	}
	lines := out.String()
	if !strings.Contains(lines, "0 hits, 1 miss, 1 recorded") || !strings.Contains(lines, "1 hit, 0 misses") ||
		strings.Count(lines, "\n") != 2 {
		t.Error(lines)
	}
}

func TestMainFailsForAMissThatWasSwallowed(t *testing.T) {
	p := newProvider(t)
	var out bytes.Buffer
	swallow := tests(func() int {
		p.post(http.DefaultClient, `{}`)
		return 0
	})
	if code := runMain(swallow, p.mode(f3dxcache.Replay), &out); code != 1 || !strings.Contains(out.String(), "not recorded") {
		t.Errorf("exit %d: %s", code, out.String())
	}
}

func TestARecorderUnderMainHasASessionOfItsOwn(t *testing.T) {
	p := newProvider(t)
	var out bytes.Buffer
	run = summaries{}
	runMain(tests(func() int {
		inner := &fake{TB: t, name: "TestX"}
		rec := New(inner, p.mode(f3dxcache.Record)...)
		if _, err := p.post(rec.Client(), `{}`); err != nil {
			t.Error(err)
		}
		inner.end()
		return 0
	}), p.mode(f3dxcache.Record), &out)
	if !strings.Contains(out.String(), "0 hits, 1 miss, 1 recorded") || p.calls.Load() != 1 {
		t.Errorf("%d calls: %s", p.calls.Load(), out.String())
	}
}

func TestAReplayNeedsNoKey(t *testing.T) {
	if before, set := os.LookupEnv("OPENAI_API_KEY"); set {
		os.Unsetenv("OPENAI_API_KEY")
		t.Cleanup(func() { os.Setenv("OPENAI_API_KEY", before) })
	}
	setKeysNow()
	if os.Getenv("OPENAI_API_KEY") != placeholder {
		t.Error("there is no placeholder")
	}
	t.Setenv("OPENAI_API_KEY", "own")
	setKeysNow()
	if os.Getenv("OPENAI_API_KEY") != "own" {
		t.Error("a key was replaced")
	}
}
