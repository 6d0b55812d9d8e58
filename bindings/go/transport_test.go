package f3dxcache

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	piece = `data: {"id":"1","object":"chat.completion.chunk","model":"m","choices":` +
		`[{"index":0,"delta":{"content":"he"},"finish_reason":null}]}` + "\n\n"
	last = `data: {"id":"1","object":"chat.completion.chunk","model":"m","choices":` +
		`[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
)

// provider is a server whose calls are recorded.
type provider struct {
	*httptest.Server
	calls atomic.Int64
	path  string
}

func newProvider(t *testing.T, answer http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{path: in(t)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		answer(w, r)
	}))
	t.Cleanup(p.Server.Close)
	return p
}

func (p *provider) cache(t *testing.T, mode Mode) *Cache {
	t.Helper()
	return opened(t, p.path, Options{Mode: mode, Hosts: []string{"127.0.0.1:*"}})
}

func (p *provider) client(t *testing.T, mode Mode) *http.Client {
	return &http.Client{Transport: &Transport{Cache: p.cache(t, mode)}}
}

func (p *provider) request(ctx context.Context, body string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, "POST", p.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sk-secret")
	return req
}

func (p *provider) post(t *testing.T, client *http.Client, body string) *http.Response {
	t.Helper()
	response, err := client.Do(p.request(t.Context(), body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func all(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", "r1")
	fmt.Fprintf(w, `{"object":"chat.completion","sent":%s}`, body)
}

// streaming answers with two pieces, the second when it may.
func streaming(may <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, piece)
		w.(http.Flusher).Flush()
		select {
		case <-may:
		case <-r.Context().Done():
			return
		}
		io.WriteString(w, last)
	}
}

func released() chan struct{} {
	may := make(chan struct{})
	close(may)
	return may
}

func contains(t *testing.T, p *provider) bool {
	t.Helper()
	cache := p.cache(t, ReadOnly)
	defer cache.Close()
	stats, err := cache.Stats()
	told(t, err)
	return stats.Entries > 0
}

func TestAnAnswerIsRecordedAndReplayed(t *testing.T) {
	p := newProvider(t, echo)
	first := p.post(t, p.client(t, Record), `{"model":"m"}`)
	recorded := all(t, first)
	if recorded != `{"object":"chat.completion","sent":{"model":"m"}}` {
		t.Fatal(recorded)
	}
	p.Server.Close()
	response := p.post(t, p.client(t, Replay), ` {"model": "m"}`)
	if replayed := all(t, response); replayed != recorded {
		t.Errorf("replayed %q", replayed)
	}
	if response.Status != "200 OK" || response.Header.Get("X-Request-Id") != "r1" ||
		response.Header.Get("Content-Type") != "application/json" ||
		response.ContentLength != int64(len(recorded)) || response.Request == nil || response.ProtoMajor != 1 {
		t.Errorf("%+v", response)
	}
}

func TestAReplayLeavesTheFileAlone(t *testing.T) {
	p := newProvider(t, echo)
	cache := p.cache(t, Record)
	all(t, p.post(t, &http.Client{Transport: &Transport{Cache: cache}}, `{}`))
	told(t, cache.Close())
	before, err := os.ReadFile(p.path)
	told(t, err)
	replaying := p.cache(t, Replay)
	all(t, p.post(t, &http.Client{Transport: &Transport{Cache: replaying}}, `{}`))
	told(t, replaying.Close())
	if after, err := os.ReadFile(p.path); err != nil || !bytes.Equal(before, after) {
		t.Error("the file changed", err)
	}
}

func TestAStreamIsRecordedWhileItFlows(t *testing.T) {
	may := make(chan struct{})
	p := newProvider(t, streaming(may))
	response := p.post(t, p.client(t, Record), `{"stream":true}`)
	buffer := make([]byte, 4096)
	n, err := response.Body.Read(buffer)
	if err != nil || string(buffer[:n]) != piece {
		t.Fatalf("%q, %v", buffer[:n], err)
	}
	close(may)
	if rest := all(t, response); rest != last {
		t.Errorf("%q", rest)
	}
	if !contains(t, p) {
		t.Error("the caller saw the end before the entry was in the file")
	}
}

func TestAStreamIsReplayedChunkByChunk(t *testing.T) {
	may := make(chan struct{})
	p := newProvider(t, streaming(may))
	response := p.post(t, p.client(t, Record), `{"stream":true}`)
	io.ReadFull(response.Body, make([]byte, len(piece)))
	close(may)
	all(t, response)
	response = p.post(t, p.client(t, Replay), `{"stream":true}`)
	if response.ContentLength != -1 {
		t.Errorf("content length %d", response.ContentLength)
	}
	buffer := make([]byte, 4096)
	for _, want := range []string{piece, last} {
		if n, err := response.Body.Read(buffer); err != nil || string(buffer[:n]) != want {
			t.Errorf("%q, %v", buffer[:n], err)
		}
	}
	if n, err := response.Body.Read(buffer); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
}

func TestWhatTheCallerLeavesIsRecorded(t *testing.T) {
	may := make(chan struct{})
	p := newProvider(t, streaming(may))
	cache := p.cache(t, Record)
	response := p.post(t, &http.Client{Transport: &Transport{Cache: cache}}, `{"stream":true}`)
	// It returns though the provider has not sent the rest.
	told(t, response.Body.Close())
	if _, err := response.Body.Read(make([]byte, 1)); err == nil {
		t.Error("a closed body gave something")
	}
	close(may)
	if failed := cache.Drain(); len(failed) > 0 {
		t.Error(failed)
	}
	if !contains(t, p) {
		t.Error("it was not recorded")
	}
}

func TestACancelledCallerGetsItsErrorAndTheRestIsRecorded(t *testing.T) {
	may := make(chan struct{})
	p := newProvider(t, streaming(may))
	cache := p.cache(t, Record)
	ctx, cancel := context.WithCancel(t.Context())
	response, err := (&http.Client{Transport: &Transport{Cache: cache}}).Do(p.request(ctx, `{"stream":true}`))
	told(t, err)
	defer response.Body.Close()
	io.ReadFull(response.Body, make([]byte, len(piece)))
	reading := make(chan error)
	go func() {
		_, err := response.Body.Read(make([]byte, 1))
		reading <- err
	}()
	cancel()
	if err := <-reading; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(may)
	cache.Drain()
	if !contains(t, p) {
		t.Error("it was not recorded")
	}
}

func TestACallThatIsCancelledBeforeItsHeadEnds(t *testing.T) {
	arrived := make(chan struct{})
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		// Else the server does not notice that the caller is gone.
		io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := p.client(t, Record).Do(p.request(ctx, `{}`))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestADeadlineOfTheCallerIsToldAsOne(t *testing.T) {
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.client(t, Record).Do(p.request(ctx, `{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestAStreamLeftOpenIsRecordedWhenTheCacheCloses(t *testing.T) {
	p := newProvider(t, streaming(released()))
	cache := p.cache(t, Record)
	response := p.post(t, &http.Client{Transport: &Transport{Cache: cache}}, `{"stream":true}`)
	told(t, cache.Close())
	if !contains(t, p) {
		t.Error("it was not recorded")
	}
	if body := all(t, response); body != piece+last {
		t.Errorf("the caller went on with %q", body)
	}
}

func TestABrokenStreamIsNotRecorded(t *testing.T) {
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, piece)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	cache := p.cache(t, Record)
	response := p.post(t, &http.Client{Transport: &Transport{Cache: cache}}, `{"stream":true}`)
	if body, err := io.ReadAll(response.Body); err == nil || string(body) != piece {
		t.Errorf("%q, %v", body, err)
	}
	if contains(t, p) {
		t.Error("it was recorded")
	}
	if summary, err := cache.Summary(); err != nil || summary.Refused != 1 {
		t.Errorf("%+v, %v", summary, err)
	}
}

func TestTheBodyIsSentAndCanBeSentAgain(t *testing.T) {
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" {
			http.Redirect(w, r, r.URL.Path+"?again", http.StatusTemporaryRedirect)
			return
		}
		echo(w, r)
	})
	req := p.request(t.Context(), `{"model":"m"}`)
	// A body without GetBody, of unknown length.
	req.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"mod`), strings.NewReader(`el":"m"}`)))
	req.ContentLength = -1
	cache := p.cache(t, Record)
	response, err := cache.Middleware(req, http.DefaultClient.Do)
	told(t, err)
	defer response.Body.Close()
	if body := all(t, response); !strings.Contains(body, `{"model":"m"}`) {
		t.Error(body)
	}
	if p.calls.Load() != 2 || req.GetBody == nil && req.ContentLength != -1 {
		t.Errorf("%d calls; the caller's request was changed to %+v", p.calls.Load(), req)
	}
}

func TestGzipIsUndoneForTheRecordingAlone(t *testing.T) {
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	io.WriteString(writer, `{"object":"chat.completion"}`)
	writer.Close()
	for _, accepted := range []string{"", "gzip"} {
		t.Run("accepted="+accepted, func(t *testing.T) {
			p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					t.Error("gzip is not accepted")
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(compressed.Bytes())
			})
			want := `{"object":"chat.completion"}`
			req := p.request(t.Context(), `{}`)
			if accepted != "" {
				req.Header.Set("Accept-Encoding", accepted)
				want = compressed.String()
			}
			response, err := p.client(t, Record).Do(req)
			told(t, err)
			if body := all(t, response); body != want {
				t.Errorf("recording, the caller got %q", body)
			}
			response = p.post(t, p.client(t, Replay), `{}`)
			if body := all(t, response); body != `{"object":"chat.completion"}` || response.Header.Get("Content-Encoding") != "" {
				t.Errorf("replayed %q, %v", body, response.Header)
			}
		})
	}
}

func TestWhatIsNotWhatItsEncodingSaysIsNotRecorded(t *testing.T) {
	for _, encoding := range []string{"gzip", "br"} {
		p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", encoding)
			io.WriteString(w, `{"object":"chat.completion"}`)
		})
		req := p.request(t.Context(), `{}`)
		req.Header.Set("Accept-Encoding", encoding)
		response, err := p.client(t, Record).Do(req)
		told(t, err)
		if body := all(t, response); body != `{"object":"chat.completion"}` {
			t.Errorf("%s: the caller got %q", encoding, body)
		}
		if contains(t, p) {
			t.Errorf("%s: it was recorded", encoding)
		}
	}
}

func TestOfManyThatMissAtOnceOneCalls(t *testing.T) {
	arrived := make(chan struct{})
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		<-arrived
		echo(w, r)
	})
	client := p.client(t, Record)
	var waiting atomic.Int64
	var once sync.Once
	together(16, func(int) {
		if waiting.Add(1) == 16 {
			once.Do(func() { close(arrived) })
		}
		response, err := client.Do(p.request(t.Context(), `{"model":"m"}`))
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), `"sent":{"model":"m"}`) {
			t.Errorf("%q, %v", body, err)
		}
	})
	if calls := p.calls.Load(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestAWaitForAClaimEndsWithTheContext(t *testing.T) {
	may := make(chan struct{})
	p := newProvider(t, streaming(may))
	client := p.client(t, Record)
	holding := p.post(t, client, `{"stream":true}`)
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error)
	go func() {
		_, err := client.Do(p.request(ctx, `{"stream":true}`))
		waited <- err
	}()
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(may)
	all(t, holding)
}

func TestAStreamThatIsNotReadKeepsNobodyWaiting(t *testing.T) {
	p := newProvider(t, streaming(released()))
	client := p.client(t, Record)
	// Neither read nor closed: its claim is given up when it is recorded.
	p.post(t, client, `{"stream":true}`)
	if body := all(t, p.post(t, client, `{"stream":true}`)); body != piece+last {
		t.Errorf("%q", body)
	}
	if calls := p.calls.Load(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestAMissInReplayIsExplained(t *testing.T) {
	p := newProvider(t, echo)
	all(t, p.post(t, p.client(t, Record), `{"model":"m","temperature":0}`))
	cache := p.cache(t, Replay)
	_, err := (&http.Client{Transport: &Transport{Cache: cache}}).Do(p.request(t.Context(), `{"model":"m","temperature":1}`))
	var miss *MissError
	if !errors.As(err, &miss) || !errors.Is(err, ErrMiss) || !strings.Contains(miss.Explanation, "/body/temperature") {
		t.Errorf("%v", err)
	}
	if p.calls.Load() != 1 {
		t.Error("the network was touched")
	}
	if misses, err := cache.RefusedMisses(); err != nil || len(misses) != 1 || misses[0] != miss.Explanation {
		t.Error(misses, err)
	}
	if failed := cache.Drain(); len(failed) != 0 {
		t.Error(failed)
	}
}

func TestAnSDKOfStainlessIsToldNotToRetryAMiss(t *testing.T) {
	p := newProvider(t, echo)
	p.cache(t, Record)
	req := p.request(t.Context(), `{}`)
	req.Header.Set("X-Stainless-Lang", "go")
	response, err := p.client(t, Replay).Do(req)
	told(t, err)
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	var miss *MissError
	if !errors.As(err, &miss) || response.StatusCode != 400 || response.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("%v, %+v", err, response)
	}
}

func TestAFailureOfTheCacheIsToldAtTheEnd(t *testing.T) {
	p := newProvider(t, echo)
	cache := opened(t, p.path, Options{Mode: Record, MaxBytes: 1, Hosts: []string{"127.0.0.1:*"}})
	client := &http.Client{Transport: &Transport{Cache: cache}}
	if body := all(t, p.post(t, client, `{}`)); body == "" {
		t.Error("the answer of the model was lost")
	}
	if failed := cache.Drain(); len(failed) != 1 || !errors.Is(failed[0], ErrFull) {
		t.Error(failed)
	}
}

type spy struct{ got *http.Request }

func (s *spy) RoundTrip(req *http.Request) (*http.Response, error) {
	s.got = req
	return responseOf(req, 200, http.Header{}, http.NoBody, 0), nil
}

func TestTheApplicationsOwnServerIsNotTouched(t *testing.T) {
	for _, mode := range []Mode{Record, Replay, Off} {
		path := in(t)
		opened(t, path, Options{Mode: Record})
		spy := &spy{}
		transport := &Transport{Cache: opened(t, path, Options{Mode: mode}), Base: spy}
		body, writer := io.Pipe() // never written to: a read would not return
		defer writer.Close()
		req := httptest.NewRequest("POST", "http://127.0.0.1:8080/v1/chat/completions", body)
		response, err := transport.RoundTrip(req)
		if err != nil || response.StatusCode != 200 || spy.got != req {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestARequestIsJudgedOnce(t *testing.T) {
	p := newProvider(t, echo)
	cache := p.cache(t, Record)
	inner := &Transport{Cache: p.cache(t, Record)}
	outer := &http.Client{Transport: &Transport{Cache: cache, Base: inner}}
	all(t, p.post(t, outer, `{}`))
	summary, err := cache.Summary()
	if err != nil || p.calls.Load() != 1 || summary.Recorded != 1 || summary.WithoutClaim != 0 {
		t.Errorf("%d calls, %+v, %v", p.calls.Load(), summary, err)
	}
}

func TestAnErrorOfTheProviderIsNotRecorded(t *testing.T) {
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"error":{}}`)
	})
	response := p.post(t, p.client(t, Record), `{}`)
	if body := all(t, response); response.StatusCode != 429 || body != `{"error":{}}` {
		t.Errorf("%d %q", response.StatusCode, body)
	}
	if contains(t, p) {
		t.Error("it was recorded")
	}
}

func TestReadOnlyCallsAndRecordsNothing(t *testing.T) {
	p := newProvider(t, echo)
	p.cache(t, Record)
	all(t, p.post(t, p.client(t, ReadOnly), `{}`))
	if contains(t, p) || p.calls.Load() != 1 {
		t.Error("it was recorded")
	}
}

func TestAReplayedStreamEndsWithItsContext(t *testing.T) {
	hours := &replay{status: 200, chunks: [][2]int64{{2, 0}, {4, 7_200_000}}, body: []byte("abcd")}
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://h/", nil)
	body := hours.response(req, true).Body
	buffer := make([]byte, 4)
	if n, err := body.Read(buffer); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	reading := make(chan error)
	go func() {
		_, err := body.Read(buffer)
		reading <- err
	}()
	cancel()
	if err := <-reading; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n, err := hours.response(req.WithContext(t.Context()), false).Body.Read(buffer); n != 2 || err != nil {
		t.Error(n, err)
	}
}

func TestTheBoundsOfALeftStreamHold(t *testing.T) {
	for _, how := range []string{"closed", "cancelled"} {
		t.Run(how, func(t *testing.T) {
			p := newProvider(t, echo)
			cache := p.cache(t, Record)
			decided, err := cache.intercept("POST", p.URL+"/v1/chat/completions", nil, []byte(`{"stream":true}`))
			told(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			endless := &endless{closed: make(chan struct{})}
			response := responseOf(p.request(ctx, ""), 200, http.Header{"Content-Type": {"text/event-stream"}}, endless, -1)
			told(t, decided.exchange.head(200, headersText(response.Header)))
			cache.record(ctx, response, decided.exchange, func() {})
			if how == "closed" {
				response.Body.Close()
			} else {
				cancel()
			}
			<-endless.closed
			cache.Drain()
			if read := endless.read.Load(); read < 1<<20 || read > 64<<20 {
				t.Errorf("%d bytes were read", read)
			}
			if summary, err := cache.Summary(); err != nil || summary.Refused != 1 {
				t.Errorf("%+v, %v", summary, err)
			}
		})
	}
}

// endless is a body without an end.
type endless struct {
	read   atomic.Int64
	once   sync.Once
	closed chan struct{}
}

func (e *endless) Read(into []byte) (int, error) {
	select {
	case <-e.closed:
		return 0, io.ErrClosedPipe
	default:
	}
	n := copy(into, bytes.Repeat([]byte(": comment\n\n"), len(into)/11))
	e.read.Add(int64(n))
	return n, nil
}

func (e *endless) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

func TestHeadersAreSpelledAsLinesOrElseAsJSON(t *testing.T) {
	for text, header := range map[string]http.Header{
		"A\nb\nA\n\"c\"\nD\nü": {"D": {"ü"}, "A": {"b", "\"c\""}},
		"A\n":                  {"A": {""}},
		`[["A","plain"],["A","\"quoted\\\n"],["A","�"]]`: {"A": {"plain", "\"quoted\\\n", "\xff"}},
		`[["[","b"]]`: {"[": {"b"}},
		`[["","b"]]`:  {"": {"b"}},
		"":            {"A": nil},
	} {
		if spelled := string(headersText(header)); spelled != text {
			t.Errorf("%q, not %q", spelled, text)
		}
	}
	if headersText(http.Header{}) != nil {
		t.Error("no headers are something")
	}
	several := http.Header{}
	for _, name := range strings.Split("E D C B A J I H G F", " ") {
		several.Set(name, "x")
	}
	if spelled := string(headersText(several)); spelled != strings.Join(strings.Split("A B C D E F G H I J", " "), "\nx\n")+"\nx" {
		t.Errorf("%q", spelled)
	}
}
