package sdktest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// stub answers as a replay does, each response with a header of its own, and does nothing
// else.
type stub struct {
	header http.Header
	body   []byte
	length int64
}

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, req.Body)
	req.Body.Close()
	return &http.Response{
		Status: "200 OK", StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header.Clone(), Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: s.length, Request: req,
	}, nil
}

// against measures a call that is replayed against one that a stub answers, in turns, and
// reports the ratio.
func against(b *testing.B, prompt string, call func(*openai.Client, string) error) {
	p := newProvider(b)
	path := filepath.Join(b.TempDir(), "llm.redb")
	open := func(mode f3dxcache.Mode) *f3dxcache.Cache {
		cache, err := f3dxcache.OpenForTests(path, f3dxcache.Options{Mode: mode, Hosts: []string{"127.0.0.1:*"}})
		must(b, err)
		b.Cleanup(func() { cache.Close() })
		return cache
	}
	with := func(transport http.RoundTripper) *openai.Client {
		return newOpenAI(p.URL, option.WithHTTPClient(&http.Client{Transport: transport}))
	}
	must(b, call(with(&f3dxcache.Transport{Cache: open(f3dxcache.Record)}), prompt))
	p.stop()
	replay, recorded := &f3dxcache.Transport{Cache: open(f3dxcache.Replay)}, &stub{}
	keeping := roundTrip(func(req *http.Request) (*http.Response, error) {
		response, err := replay.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		recorded.body, err = io.ReadAll(response.Body)
		recorded.header, recorded.length = response.Header, response.ContentLength
		response.Body = io.NopCloser(bytes.NewReader(recorded.body))
		return response, err
	})
	must(b, call(with(keeping), prompt))
	stubbed, replayed := with(recorded), with(replay)
	var ofStub, ofReplay time.Duration
	for b.Loop() {
		begun := time.Now()
		must(b, call(stubbed, prompt))
		between := time.Now()
		must(b, call(replayed, prompt))
		ofStub += between.Sub(begun)
		ofReplay += time.Since(between)
	}
	b.ReportMetric(float64(ofReplay)/float64(ofStub), "x-stub")
	b.ReportMetric(float64(ofReplay.Nanoseconds())/float64(b.N), "ns-replayed")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

func BenchmarkOpenAIChatReplayed(b *testing.B) {
	against(b, "hi "+strings.Repeat("tell me more ", 150), func(c *openai.Client, prompt string) error {
		_, err := c.Chat.Completions.New(context.Background(), chat(prompt))
		return err
	})
}

func BenchmarkOpenAIStreamReplayed(b *testing.B) {
	against(b, "hi [[words:50]] "+strings.Repeat("tell me more ", 150), func(c *openai.Client, prompt string) error {
		_, err := raws(c.Chat.Completions.NewStreaming(context.Background(), chat(prompt)))
		return err
	})
}
