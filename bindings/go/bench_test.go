package f3dxcache

import (
	"bytes"
	"fmt"
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
	b.Cleanup(func() { cache.Close() })
	var request []byte
	for n := range 1000 {
		request = fmt.Appendf(nil, `{"model": "gpt-4o", "temperature": 0.5, "messages": [{"role": "user", "content": "%d %s"}]}`,
			n, strings.Repeat("tell me more ", 150))
		if err := cache.Put(request, bytes.Repeat([]byte("answer "), 100)); err != nil {
			b.Fatal(err)
		}
	}
	return cache, request
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
