package f3dxcache

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// Transport is an http.RoundTripper that records and replays the calls that are a
// provider's, and passes all others on untouched, such as those to the application's own
// httptest server.
//
// A stream is recorded while it flows, and its entry is in the file before the caller sees
// its end. What the caller leaves early is read to its end in the background, within
// bounds. A replayed stream comes chunk by chunk, as it was recorded. Of many calls of one
// request that miss at once, one is sent.
//
// A call that is not recorded in a mode that sends none is a *[MissError]. The SDKs of
// openai and anthropic return it at once, without their retries.
//
// http.Client follows redirects above its Transport, so that each hop is a call of its own;
// [Cache.Middleware] sees the whole.
type Transport struct {
	// Cache says what happens to a call.
	Cache *Cache
	// Base sends; nil is http.DefaultTransport.
	Base http.RoundTripper
}

// RoundTrip answers a call from the cache, or sends and records it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.Cache.Middleware(req, t.base().RoundTrip)
}

// CloseIdleConnections closes those of Base.
func (t *Transport) CloseIdleConnections() {
	if closer, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// Middleware answers a call from the cache, or sends it by next and records it: what a
// [Transport] does, for SDKs that take middleware.
//
//	openai.NewClient(option.WithMiddleware(cache.Middleware))
//
// It keeps the contract of http.RoundTripper: the request is not changed, and its body is
// closed.
func (c *Cache) Middleware(req *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	if req.URL == nil || req.Context().Value(sending{}) != nil {
		return next(req)
	}
	method, url, headers := methodOf(req), req.URL.String(), headersText(req.Header)
	if isGenerated(req) {
		concerns, err := c.concerns(method, url, headers)
		if err != nil {
			return refused(req, c.failed(err))
		}
		if !concerns {
			return next(req)
		}
	}
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	decided, err := c.intercept(method, url, headers, body)
	switch {
	case err != nil:
		return refused(req, c.failed(err))
	case decided.replay != nil:
		return decided.replay.response(req, c.settings.ReplayTiming), nil
	case decided.exchange != nil:
		return c.send(req, body, decided.exchange, next)
	case req.Body == nil || req.Body == http.NoBody:
		return next(req)
	default:
		return next(withBody(req, req.Context(), body))
	}
}

// isGenerated returns whether a body may be made while it is sent, or is long: it is read
// only if the call is the cache's business.
func isGenerated(req *http.Request) bool {
	return req.Body != nil && req.Body != http.NoBody && (req.GetBody == nil || req.ContentLength > longBody)
}

const longBody = 1 << 20

// sending marks the context of a request that an outer Transport or Middleware has judged.
type sending struct{}

func (c *Cache) send(req *http.Request, body []byte, exchange *exchange,
	next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	ctx := req.Context()
	records, err := exchange.records()
	if err == nil && !records {
		c.failed(exchange.finish(endFailed))
		return next(withBody(req, context.WithValue(ctx, sending{}, true), body))
	}
	var recorded *replay
	if err == nil {
		recorded, err = turn(ctx, exchange)
	}
	if err != nil {
		c.failed(exchange.finish(endFailed))
		if ctx.Err() != nil {
			return nil, err
		}
		return refused(req, c.failed(err))
	}
	if recorded != nil {
		c.failed(exchange.finish(endFailed))
		return recorded.response(req, c.settings.ReplayTiming), nil
	}

	// The caller's context ends what the caller sees; what it leaves is read to its end.
	own, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), sending{}, true))
	unbind := context.AfterFunc(ctx, cancel)
	response, err := next(withBody(req, own, body))
	if err != nil || response == nil {
		unbind()
		cancel()
		c.failed(exchange.finish(endFailed))
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return response, err
	}
	if !unbind() {
		// Cancelled while the head came: the body is cut off.
		cancel()
	}
	c.failed(exchange.head(response.StatusCode, headersText(response.Header)))
	// The request as the caller made it, as of a response that is not recorded.
	if response.Request != nil && response.Request.Context() == own {
		response.Request = req
	}
	c.record(ctx, response, exchange, cancel)
	return response, nil
}

// longest is the pause between two questions whether it is a call's turn, at most.
const longest = 25 * time.Millisecond

// turn waits until a call may be sent, or another one has recorded its response. Nothing is
// held while it waits.
func turn(ctx context.Context, exchange *exchange) (*replay, error) {
	holder := holders.Add(1)
	for pause := time.Millisecond; ; pause = min(pause*3/2, longest) {
		recorded, send, err := exchange.claim(holder)
		if err != nil || send || recorded != nil {
			return recorded, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// failed keeps a failure for who closes the cache, since an SDK may hide it. A miss is kept
// by the library.
func (c *Cache) failed(err error) error {
	if err != nil {
		if _, missed := err.(*MissError); !missed {
			c.recordings.failed(err)
		}
	}
	return err
}

// refused fails a call.
//
// The SDKs made by Stainless (openai, anthropic) retry whatever a client returns as an
// error. They get a response that asks for no retry, and the error when they read it.
func refused(req *http.Request, err error) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	if req.Header.Get("X-Stainless-Lang") == "" {
		return nil, err
	}
	header := http.Header{"X-Should-Retry": {"false"}, "Content-Type": {"application/json"}}
	return responseOf(req, http.StatusBadRequest, header, io.NopCloser(failing{err}), -1), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func methodOf(req *http.Request) string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer req.Body.Close()
	var body bytes.Buffer
	if length := req.ContentLength; length > 0 && length <= longBody {
		body.Grow(int(length) + bytes.MinRead)
	}
	_, err := body.ReadFrom(req.Body)
	return body.Bytes(), err
}

// withBody copies a request whose body was read, so that it can be sent, and sent again.
func withBody(req *http.Request, ctx context.Context, body []byte) *http.Request {
	sent := req.Clone(ctx)
	if req.Body == nil || req.Body == http.NoBody {
		return sent
	}
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	sent.Body, _ = sent.GetBody()
	sent.ContentLength = int64(len(body))
	sent.TransferEncoding = nil
	if len(body) == 0 {
		sent.Body = http.NoBody
	}
	return sent
}

func responseOf(req *http.Request, status int, header http.Header, body io.ReadCloser, length int64) *http.Response {
	return &http.Response{
		Status: statusLine(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: body, ContentLength: length, Request: req,
	}
}
