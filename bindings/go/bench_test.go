package f3dxcache

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// A request of 2 KB among 1,000.
func benched(b *testing.B) (*Cache, []byte) {
	b.Helper()
	cache, err := Open(filepath.Join(b.TempDir(), "llm.redb"), Options{Mode: Record})
	if err != nil {
		b.Fatal(err)
	}
	var request []byte
	for n := range 1000 {
		request = fmt.Appendf(nil, `{"model": "gpt-4o", "temperature": 0.5, "messages": [{"role": "user", "content": "%d %s"}]}`,
			n, strings.Repeat("tell me more ", 150))
		if err := cache.Put(request, bytes.Repeat([]byte("answer "), 100)); err != nil {
			b.Fatal(err)
		}
	}
	if err := cache.Close(); err != nil {
		b.Fatal(err)
	}
	// As test hooks replay: they hold a view of the file.
	replaying, err := OpenForTests(cache.Settings().Path, Options{Mode: Replay})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { replaying.Close() })
	return replaying, request
}

// What a call of C costs: Get makes two.
func BenchmarkCgo(b *testing.B) {
	for b.Loop() {
		loadedABI()
	}
}

func BenchmarkGet2KB(b *testing.B) {
	cache, request := benched(b)
	for b.Loop() {
		if _, ok, err := cache.Get(request); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func BenchmarkGet2KBParallel(b *testing.B) {
	cache, request := benched(b)
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			if _, ok, err := cache.Get(request); !ok || err != nil {
				b.Error(ok, err)
			}
		}
	})
}

func BenchmarkFingerprint2KB(b *testing.B) {
	_, request := benched(b)
	for b.Loop() {
		if _, err := Fingerprint(request); err != nil {
			b.Fatal(err)
		}
	}
}

// A call through a Transport, without an SDK: the cost that a replay adds to a stub.
func BenchmarkReplayedCall2KB(b *testing.B) {
	path := filepath.Join(b.TempDir(), "llm.redb")
	recording, err := Open(path, Options{Mode: Record})
	if err != nil {
		b.Fatal(err)
	}
	const url = "https://api.openai.com/v1/chat/completions"
	body := fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"%s"}]}`, strings.Repeat("tell me more ", 150))
	call := fmt.Sprintf(`{"body":%s,"method":"POST","url":"api.openai.com/v1/chat/completions"}`, body)
	if err := recording.Put([]byte(call), []byte(`{"object":"chat.completion"}`)); err != nil {
		b.Fatal(err)
	}
	if err := recording.Close(); err != nil {
		b.Fatal(err)
	}
	cache, err := OpenForTests(path, Options{Mode: Replay})
	if err != nil {
		b.Fatal(err)
	}
	defer cache.Close()
	transport := &Transport{Cache: cache}
	for b.Loop() {
		req, err := http.NewRequest("POST", url, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		response, err := transport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}
