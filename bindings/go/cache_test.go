package f3dxcache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	request = []byte(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
	answer  = []byte(`{"object":"chat.completion","usage":{"prompt_tokens":9,"completion_tokens":2}}`)
)

func opened(t *testing.T, path string, options Options) *Cache {
	t.Helper()
	cache, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache
}

func in(t *testing.T) string { return filepath.Join(t.TempDir(), "llm.redb") }

func TestAPutIsGot(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	if _, ok, err := cache.Get(request); ok || err != nil {
		t.Fatalf("before: %v, %v", ok, err)
	}
	told(t, cache.Put(request, answer))
	response, ok, err := cache.Get([]byte(" " + string(request)))
	if err != nil || !ok || !bytes.Equal(response, answer) {
		t.Fatalf("%q, %v, %v", response, ok, err)
	}
}

func TestAnEmptyResponseIsAHit(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Put(request, nil))
	if response, ok, err := cache.Get(request); err != nil || !ok || response == nil || len(response) != 0 {
		t.Fatalf("%q, %v, %v", response, ok, err)
	}
}

func TestPeekAndContainsCountNothing(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Put(request, answer))
	if response, ok, err := cache.Peek(request); err != nil || !ok || !bytes.Equal(response, answer) {
		t.Errorf("peek: %q, %v, %v", response, ok, err)
	}
	if ok, err := cache.Contains(request); err != nil || !ok {
		t.Errorf("contains: %v, %v", ok, err)
	}
	if ok, err := cache.Contains([]byte("{}")); err != nil || ok {
		t.Errorf("contains another: %v, %v", ok, err)
	}
	stats, err := cache.Stats()
	if err != nil || stats.Hits != 0 || stats.Misses != 0 || stats.Entries != 1 || stats.FileBytes == 0 {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestMetaTellsWhatAPutKnew(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	session, err := cache.Session("pkg.TestX", "")
	told(t, err)
	defer session.Close()
	fingerprint, err := session.PutMeta(request, answer, Meta{
		Model: "m", SystemFingerprint: "fp", ResponseDuration: 70 * time.Millisecond,
		Usage: &Usage{InputTokens: 9, OutputTokens: 2},
	})
	told(t, err)
	if own, err := cache.Fingerprint(request); err != nil || own != fingerprint {
		t.Errorf("fingerprint %s, %v, want %s", own, err, fingerprint)
	}
	meta, ok, err := cache.Meta(fingerprint)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if meta.Model != "m" || meta.SystemFingerprint != "fp" || meta.ResponseDuration != 70*time.Millisecond ||
		meta.Usage == nil || *meta.Usage != (Usage{9, 2}) || meta.Source != "pkg.TestX" ||
		time.Since(meta.CreatedAt) > time.Hour || !json.Valid(meta.JSON) {
		t.Errorf("%+v", meta)
	}
	if stored, ok, err := cache.Request(fingerprint); err != nil || !ok || string(stored) !=
		`{"messages":[{"content":"hi","role":"user"}],"model":"m"}` {
		t.Errorf("request %q, %v, %v", stored, ok, err)
	}
	none := strings.Repeat("0", 64)
	if _, ok, err := cache.Meta(none); ok || err != nil {
		t.Errorf("meta of nothing: %v, %v", ok, err)
	}
}

func TestADeletedEntryIsGone(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	fingerprint, err := cache.PutMeta(request, answer, Meta{})
	told(t, err)
	if ok, err := cache.Delete(strings.ToUpper(fingerprint)); err != nil || !ok {
		t.Errorf("delete: %v, %v", ok, err)
	}
	if ok, err := cache.Delete(fingerprint); err != nil || ok {
		t.Errorf("delete again: %v, %v", ok, err)
	}
	if ok, _ := cache.Contains(request); ok {
		t.Error("it is still there")
	}
}

func TestEntriesAreWalkedInOrder(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	for n := range 20 {
		told(t, cache.Put([]byte(fmt.Sprint(n)), answer))
	}
	last := ""
	seen := 0
	for entry, err := range cache.Entries() {
		told(t, err)
		if entry.Fingerprint <= last {
			t.Errorf("%s comes after %s", entry.Fingerprint, last)
		}
		last = entry.Fingerprint
		seen++
	}
	if seen != 20 {
		t.Errorf("%d entries", seen)
	}
	for range cache.Entries() {
		break
	}
}

func TestAMissExplainsItself(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Put(request, answer))
	other := bytes.Replace(request, []byte("hi"), []byte("ho"), 1)
	why, err := cache.Explain(other)
	told(t, err)
	if why.Nearest == nil || len(why.Nearest.Differences) != 1 || why.Entries != 1 || why.Mode != Record {
		t.Fatalf("%+v", why)
	}
	if found := why.Nearest.Differences[0]; found != (Difference{"/messages/0/content", `"hi"`, `"ho"`}) {
		t.Errorf("%+v", found)
	}
	if !strings.Contains(why.String(), "/messages/0/content") {
		t.Error(why)
	}
}

func TestTheSummaryCountsAndAddsUp(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Put(request, answer))
	cache.Get(request)
	cache.Get([]byte("1"))
	summary, err := cache.Summary()
	if err != nil || summary.Hits != 1 || summary.Misses != 1 || summary.Recorded != 1 || summary.TokensSavedInput != 9 {
		t.Fatalf("%+v, %v", summary, err)
	}
	sum, err := cache.MergeSummaries([]*Summary{summary, summary})
	if err != nil || sum.Hits != 2 || !strings.Contains(sum.Text, "2 hits, 2 misses, 2 recorded") {
		t.Errorf("%+v, %v", sum, err)
	}
	if sum, err := cache.MergeSummaries(nil); err != nil || sum.Hits != 0 {
		t.Errorf("of none: %+v, %v", sum, err)
	}
}

func TestSettingsSayTheModeAndWhy(t *testing.T) {
	t.Setenv("F3DX_CACHE_MODE", "refresh")
	settings := opened(t, in(t), Options{}).Settings()
	if settings.Mode != Refresh || settings.ModeReason != "F3DX_CACHE_MODE" || !filepath.IsAbs(settings.Path) {
		t.Errorf("%+v", settings)
	}
}

func TestATestHookReadsTheConfiguration(t *testing.T) {
	folder := t.TempDir()
	told(t, os.WriteFile(filepath.Join(folder, "f3dx-cache.toml"), []byte("path = 'own.redb'\nmode = 'replay'"), 0o644))
	t.Setenv("F3DX_CACHE_MODE", "")
	t.Chdir(folder)
	cache, err := OpenForTests("", Options{})
	told(t, err)
	defer cache.Close()
	settings := cache.Settings()
	if settings.Mode != Replay || filepath.Base(settings.Path) != "own.redb" || settings.ConfigFile == "" {
		t.Errorf("%+v", settings)
	}
}

func TestFailuresAreTold(t *testing.T) {
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage.redb")
	told(t, os.WriteFile(garbage, bytes.Repeat([]byte("garbage "), 4096), 0o644))
	policy := filepath.Join(folder, "policy.redb")
	with := opened(t, policy, Options{Mode: Record, Ignore: []string{"/user"}})
	told(t, with.Put(request, answer))
	replaying := opened(t, policy, Options{Mode: Replay})
	small := opened(t, filepath.Join(folder, "small.redb"), Options{Mode: Record, MaxBytes: 1})
	open := func(path string, options Options) error {
		cache, err := Open(path, options)
		if err == nil {
			cache.Close()
		}
		return err
	}
	for _, c := range []struct {
		what string
		err  error
		kind error
		says string
	}{
		{"no file", open(filepath.Join(folder, "none.redb"), Options{Mode: Replay}), ErrIO, "none.redb"},
		{"garbage", open(garbage, Options{Mode: Record}), ErrCorrupt, "garbage.redb"},
		{"a put in replay", replaying.Put(request, answer), ErrReadOnly, "replay"},
		{"another policy", open(policy, Options{Mode: Record, Ignore: []string{"/other"}}), ErrConfigMismatch, "ignore"},
		{"an unknown mode", open(policy, Options{Mode: "once"}), ErrConfig, "replay, record"},
		{"a full file", small.Put(request, answer), ErrFull, "small.redb"},
		{"a NUL in a path", open("a\x00b", Options{}), ErrInvalidArgument, "NUL at byte 1"},
		{"an empty path", open("", Options{Mode: Record}), ErrConfig, "path"},
		{"no JSON", with.Put([]byte("{"), answer), ErrInvalidJSON, "byte 1"},
		{"no fingerprint", func() error { _, err := with.Delete("xyz"); return err }(), ErrInvalidArgument, "64"},
	} {
		if !errors.Is(c.err, c.kind) {
			t.Errorf("%s: %v, want %v", c.what, c.err, c.kind)
		} else if !strings.Contains(c.err.Error(), c.says) || !strings.HasPrefix(c.err.Error(), "f3dx-cache: ") {
			t.Errorf("%s: %v does not say %q", c.what, c.err, c.says)
		}
	}
}

func TestABrokenRuleOfJSONHasItsByte(t *testing.T) {
	_, err := Canonicalize([]byte(`{"a":1,"a":2}`))
	var broken *JSONError
	if !errors.As(err, &broken) || broken.Rule != "duplicate_key" || broken.At != 7 {
		t.Errorf("%#v", err)
	}
}

func TestAClosedCacheIsAnError(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Close())
	told(t, cache.Close())
	_, _, got := cache.Get(request)
	_, walked := cache.walk()
	_, summed := cache.Summary()
	_, session := cache.Session("", "")
	for _, err := range []error{got, walked, summed, session, cache.Put(request, answer), cache.Flush()} {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

func TestASessionOutlivesItsCache(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	session, err := cache.Session("t", "")
	told(t, err)
	told(t, cache.Close())
	told(t, session.Put(request, answer))
	told(t, session.Close())
}

func TestAWalkOutlivesItsCache(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Put([]byte("1"), answer))
	told(t, cache.Put([]byte("2"), answer))
	seen := 0
	for _, err := range cache.Entries() {
		told(t, err)
		told(t, cache.Close())
		seen++
	}
	if seen != 2 {
		t.Errorf("%d entries", seen)
	}
}

func TestACollectedCacheIsClosed(t *testing.T) {
	open := func() *handle {
		cache, err := Open(in(t), Options{Mode: Record})
		told(t, err)
		return cache.handle
	}
	handle := open()
	for !handle.isClosed() {
		runtime.GC()
		runtime.Gosched()
	}
}

// together calls run from n goroutines, and waits for all.
func together(n int, run func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Add(1)
		go func() {
			defer all.Done()
			run(i)
		}()
	}
	all.Wait()
}

func (h *handle) isClosed() bool {
	h.lock.RLock()
	defer h.lock.RUnlock()
	return h.c == nil
}

func TestManyGoroutinesShareACache(t *testing.T) {
	path := in(t)
	cache := opened(t, path, Options{Mode: Record})
	together(16, func(g int) {
		for n := range 25 {
			request := []byte(fmt.Sprintf(`{"n":%d}`, (g+n)%40))
			want := append([]byte("answer to "), request...)
			if err := cache.Put(request, want); err != nil {
				t.Error(err)
			}
			if response, ok, err := cache.Get(request); err != nil || !ok || !bytes.Equal(response, want) {
				t.Errorf("%s: %q, %v, %v", request, response, ok, err)
			}
			if n%10 == 0 {
				for _, err := range cache.Entries() {
					if err != nil {
						t.Error(err)
					}
				}
			}
		}
	})
	if stats, err := cache.Stats(); err != nil || stats.Entries != 40 || stats.Hits != 400 {
		t.Errorf("%+v, %v", stats, err)
	}
}

func TestClosingDoesNotRaceWithCalls(t *testing.T) {
	for range 20 {
		cache := opened(t, in(t), Options{Mode: Record})
		told(t, cache.Put(request, answer))
		together(9, func(i int) {
			if i == 8 {
				if err := cache.Close(); err != nil {
					t.Error(err)
				}
			}
			for {
				response, ok, err := cache.Get(request)
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil || !ok || !bytes.Equal(response, answer) {
					t.Errorf("%q, %v, %v", response, ok, err)
					return
				}
			}
		})
	}
}

func TestAWholeFileIsVerifiedAndADamagedOneRecovered(t *testing.T) {
	path := in(t)
	cache := opened(t, path, Options{Mode: Record})
	told(t, cache.Put(request, answer))
	told(t, cache.Close())
	if state, err := Verify(path); err != nil || state.Entries != 1 || state.Intact != 1 || len(state.Flaws) != 0 {
		t.Fatalf("%+v, %v", state, err)
	}
	file, err := os.ReadFile(path)
	told(t, err)
	at := bytes.Index(file, answer)
	file[at+3] ^= 1
	told(t, os.WriteFile(path, file, 0o644))
	state, err := Verify(path)
	if err != nil || len(state.Flaws) == 0 {
		t.Fatalf("%+v, %v", state, err)
	}
	recovery, err := Recover(path, path+".new")
	if err != nil || recovery.Recovered+uint64(len(recovery.Lost)) != 1 || len(recovery.Flaws) == 0 {
		t.Errorf("%+v, %v", recovery, err)
	}
	if _, err := Recover(path, path+".new"); err == nil {
		t.Error("recovered over a file that exists")
	}
}

func TestTheVariablesThatMatterAreNamed(t *testing.T) {
	variables, err := GetVariables()
	told(t, err)
	for name, among := range map[string][]string{
		"OPENAI_API_KEY": variables.Keys, "OPENAI_BASE_URL": variables.BaseURLs, "CI": variables.Settings,
	} {
		if !slices.Contains(among, name) {
			t.Errorf("%v does not name %s", among, name)
		}
	}
}
