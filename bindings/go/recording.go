package f3dxcache

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// recording is a response on its way from the network to the caller.
//
// A goroutine reads it, tells the exchange, and keeps for the caller what came; so it is
// recorded whether the caller reads, waits or leaves, and no wait for its claim waits for
// its caller.
type recording struct {
	// ctx is the caller's.
	ctx      context.Context
	source   io.ReadCloser
	exchange *exchange
	decoder  *decoder
	// stop ends what is left of the call.
	stop   context.CancelFunc
	failed func(error)

	lock   sync.Mutex
	pieces [][]byte
	// err is what the caller gets after the pieces; nil while there may be more.
	err error
	// closed by the caller.
	closed bool
	// bounded: the caller may be gone, and allowed is how many more bytes are read for it.
	bounded bool
	allowed int64
	timer   *time.Timer
	// changed has room for one: that there is something for the caller.
	changed chan struct{}
	// over is closed when the response is recorded or given up, though its end may be
	// still to come.
	over    chan struct{}
	overNow sync.Once
}

// record puts a recording in the place of a response's body.
func (c *Cache) record(ctx context.Context, response *http.Response, exchange *exchange, stop context.CancelFunc) {
	if response.Body == nil || response.Body == http.NoBody {
		c.failed(exchange.finish(endEOF))
		stop()
		return
	}
	r := &recording{
		ctx: ctx, source: response.Body, exchange: exchange, stop: stop,
		failed:  func(err error) { c.failed(err) },
		changed: make(chan struct{}, 1), over: make(chan struct{}),
	}
	r.decoder = newDecoder(response, r)
	response.Body = r
	c.recordings.add(r)
	unbind := context.AfterFunc(ctx, r.leave)
	go func() {
		defer c.recordings.remove(r)
		defer unbind()
		r.run()
	}()
}

// Read gives the caller what came. It returns when the caller's context ends, though the
// recording goes on.
func (r *recording) Read(into []byte) (int, error) {
	for {
		n, err, ready := r.next(into)
		if ready {
			return n, err
		}
		select {
		case <-r.changed:
		case <-r.ctx.Done():
		}
	}
}

func (r *recording) next(into []byte) (n int, err error, ready bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	switch {
	case r.closed:
		return 0, http.ErrBodyReadAfterClose, true
	case len(r.pieces) == 0 && r.err != nil:
		return 0, r.err, true
	case r.ctx.Err() != nil:
		return 0, r.ctx.Err(), true
	case len(r.pieces) == 0 && len(into) > 0:
		return 0, nil, false
	case len(into) == 0:
		return 0, nil, true
	}
	n = copy(into, r.pieces[0])
	if r.pieces[0] = r.pieces[0][n:]; len(r.pieces[0]) == 0 {
		r.pieces = r.pieces[1:]
	}
	return n, nil, true
}

// Close leaves the response; the rest is read without the caller, within bounds.
func (r *recording) Close() error {
	r.lock.Lock()
	r.closed = true
	r.pieces = nil
	r.lock.Unlock()
	r.wake()
	r.leave()
	return nil
}

// leave goes on without the caller, who closed or whose context has ended.
func (r *recording) leave() {
	if r.exchange.over() {
		r.end()
		return
	}
	r.bound()
}

// bound begins the bounds of a response that the caller may have left.
func (r *recording) bound() {
	duration, bytes := r.exchange.bounds()
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.bounded {
		r.bounded, r.allowed = true, int64(min(bytes, 1<<62))
		r.timer = time.AfterFunc(duration, r.giveUp)
	}
}

// giveUp ends the recording with what is there. A caller that is still there may go on.
func (r *recording) giveUp() {
	r.settle(endLeft)
	if r.gone() {
		r.end()
	}
}

// settle finishes the exchange; the first end counts.
func (r *recording) settle(how end) {
	r.failed(r.exchange.finish(how))
	r.overNow.Do(func() { close(r.over) })
}

// end stops reading.
func (r *recording) end() {
	r.stop()
	r.source.Close()
}

// gone returns whether nobody will read what comes.
func (r *recording) gone() bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.closed || r.ctx.Err() != nil
}

// run reads the response to its end.
func (r *recording) run() {
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.source.Read(buffer)
		if n > 0 {
			r.tell(buffer[:n])
			r.give(buffer[:n])
		}
		if err != nil {
			r.finish(err)
			return
		}
		if r.exchange.over() {
			r.overNow.Do(func() { close(r.over) })
			if r.gone() {
				r.finish(context.Canceled)
				return
			}
		} else if r.isTooMuch(n) {
			r.giveUp()
		}
	}
}

// isTooMuch counts what is read for a caller that may be gone.
func (r *recording) isTooMuch(n int) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	if !r.bounded {
		return false
	}
	r.allowed -= int64(n)
	return r.allowed < 0
}

// tell tells the exchange what came.
func (r *recording) tell(piece []byte) {
	if r.decoder != nil {
		r.decoder.write(piece)
		return
	}
	r.failed(r.exchange.chunk(piece))
}

// give keeps what came for the caller.
func (r *recording) give(piece []byte) {
	r.lock.Lock()
	if !r.closed {
		r.pieces = append(r.pieces, append([]byte(nil), piece...))
	}
	r.lock.Unlock()
	r.wake()
}

// finish ends the recording, then the caller's stream: the entry is in the file first.
func (r *recording) finish(err error) {
	how := endFailed
	switch {
	case err == io.EOF:
		// What came may not be what its content-encoding says.
		if r.decoder == nil || r.decoder.close() {
			how = endEOF
		}
	case r.gone():
		how = endLeft
	}
	if r.decoder != nil {
		r.decoder.close()
	}
	r.settle(how)
	r.end()
	r.lock.Lock()
	r.err = err
	if r.timer != nil {
		r.timer.Stop()
	}
	r.lock.Unlock()
	r.wake()
}

func (r *recording) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// decoder undoes a content-encoding for the recording; the caller, who asked for it, gets
// the bytes as they came.
type decoder struct {
	pipe *io.PipeWriter
	done chan struct{}
	// whole is whether all of it was decoded; known when done.
	whole bool
}

// newDecoder returns nil if there is nothing to undo. A response whose encoding is not
// known is not recorded.
func newDecoder(response *http.Response, r *recording) *decoder {
	encoding := strings.ToLower(strings.TrimSpace(response.Header.Get("Content-Encoding")))
	var open func(io.Reader) (io.Reader, error)
	switch encoding {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
		open = func(from io.Reader) (io.Reader, error) { return gzip.NewReader(from) }
	case "deflate":
		open = func(from io.Reader) (io.Reader, error) { return zlib.NewReader(from) }
	default:
		r.failed(r.exchange.finish(endFailed))
		return nil
	}
	from, pipe := io.Pipe()
	d := &decoder{pipe: pipe, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		// What cannot be decoded is read on, so that the response is.
		defer io.Copy(io.Discard, from)
		decoded, err := open(from)
		if err != nil {
			return
		}
		buffer := make([]byte, 32<<10)
		for {
			n, err := decoded.Read(buffer)
			if n > 0 {
				r.failed(r.exchange.chunk(buffer[:n]))
			}
			if err != nil {
				d.whole = err == io.EOF
				return
			}
		}
	}()
	return d
}

func (d *decoder) write(piece []byte) { d.pipe.Write(piece) }

// close returns whether all that came was decoded.
func (d *decoder) close() bool {
	d.pipe.Close()
	<-d.done
	return d.whole
}

// recordings are the responses that a cache records at the moment, and what went wrong.
type recordings struct {
	lock   sync.Mutex
	open   map[*recording]struct{}
	errors []error
}

func (s *recordings) add(r *recording) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.open == nil {
		s.open = make(map[*recording]struct{})
	}
	s.open[r] = struct{}{}
}

func (s *recordings) remove(r *recording) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.open, r)
}

func (s *recordings) failed(err error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.errors = append(s.errors, err)
}

func (s *recordings) takeErrors() []error {
	s.lock.Lock()
	defer s.lock.Unlock()
	failed := s.errors
	s.errors = nil
	return failed
}

// Drain has the responses that are being recorded read to their end, within bounds (10 s,
// 16 MB), as if their callers had left them, and returns when each is recorded or given up.
// A caller that is still there may go on. It returns what could not be looked up or
// recorded since the last Drain, which an SDK may have hidden.
func (c *Cache) Drain() []error {
	c.recordings.lock.Lock()
	open := make([]*recording, 0, len(c.recordings.open))
	for r := range c.recordings.open {
		open = append(open, r)
	}
	c.recordings.lock.Unlock()
	for _, r := range open {
		r.bound()
	}
	for _, r := range open {
		<-r.over
	}
	return c.recordings.takeErrors()
}
