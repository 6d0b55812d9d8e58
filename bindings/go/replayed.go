package f3dxcache

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// response makes a recorded response; timed replays the times between its chunks.
func (r *replay) response(req *http.Request, timed bool) *http.Response {
	if len(r.body) == 0 {
		return responseOf(req, r.status, r.header, http.NoBody, 0)
	}
	if len(r.chunks) == 0 {
		return responseOf(req, r.status, r.header, io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body)))
	}
	stream := &replayedStream{ctx: req.Context(), body: r.body, chunks: r.chunks}
	if timed {
		stream.begun = time.Now()
	}
	return responseOf(req, r.status, r.header, stream, -1)
}

// replayedStream gives a body chunk by chunk, until the caller's context ends.
type replayedStream struct {
	ctx    context.Context
	body   []byte
	chunks [][2]int64
	at     int64
	// begun is when the replay began; zero to give the chunks at once.
	begun  time.Time
	closed atomic.Bool
}

func (s *replayedStream) Read(into []byte) (int, error) {
	if s.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(into) == 0 {
		return 0, nil
	}
	for len(s.chunks) > 0 && s.at >= s.chunks[0][0] {
		s.chunks = s.chunks[1:]
	}
	if len(s.chunks) == 0 {
		return 0, io.EOF
	}
	if err := s.wait(time.Duration(s.chunks[0][1]) * time.Millisecond); err != nil {
		return 0, err
	}
	last := min(s.chunks[0][0], int64(len(s.body)))
	if s.at >= last {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(into, s.body[s.at:last])
	s.at += int64(n)
	return n, nil
}

func (s *replayedStream) Close() error {
	s.closed.Store(true)
	return nil
}

// wait waits until the time of a chunk, if times are replayed.
func (s *replayedStream) wait(at time.Duration) error {
	if s.begun.IsZero() || time.Since(s.begun) >= at {
		return s.ctx.Err()
	}
	timer := time.NewTimer(at - time.Since(s.begun))
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-timer.C:
		return nil
	}
}

func statusLine(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
