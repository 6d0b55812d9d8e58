package f3dxcache

// #include "callback.h"
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/cgo"
)

// TargetFunc makes the new output of a row. Its error is the row's: the replay goes on. It
// is called from several goroutines at once.
type TargetFunc func(ctx context.Context, row *Row) (string, error)

// ReplayOptions say how to replay traces. The zero value of each is its default.
type ReplayOptions struct {
	// Diff says how to compare; its Cache keeps what models answer.
	Diff DiffOptions
	// Traces says how [ReplayTraces] reads the file.
	Traces TraceOptions
	// Concurrency is how many rows are under way at once, to 256; 0 is 4.
	Concurrency int
	// Limit is how many rows are replayed at most; 0 is all.
	Limit uint64
	// Target is a name for the target, for the report. With a name, and Diff.Cache, the
	// target's outputs are cached: it must change whenever what it stands for does.
	Target string
	// Progress hears how far it is, after each row and at least every 100 ms. nil: a bar on
	// standard error if that is a terminal, else nothing.
	Progress func(Progress)
}

// Progress says how far a replay is.
type Progress struct {
	// Done are the rows that are replayed.
	Done uint64 `json:"done"`
	// Bad are those that could not be read.
	Bad uint64 `json:"bad"`
	// Total is how many rows there are; nil where that is not known.
	Total *uint64 `json:"total"`
	// Verdict is that of the row that was done just now; "" if there is no news.
	Verdict Verdict `json:"verdict"`
}

// ReplayTraces obtains a new output for each row of a trace file, compares it with the
// recorded one, and reports. See [Traces.Replay].
func ReplayTraces(ctx context.Context, path string, target TargetFunc, options ReplayOptions) (*Report, error) {
	traces, err := ReadTraces(path, options.Traces)
	if err != nil {
		return nil, err
	}
	defer traces.Close()
	return traces.Replay(ctx, target, options)
}

// Replay obtains a new output for each row that was not read yet, compares it with the
// recorded one, and reports. What goes wrong with a row, a panic of the target too, is in
// the report; the error is for options that are wrong, a file or cache that cannot be read,
// and a context that ends, which is [ErrStopped]: the calls that are under way end first.
//
// With Diff.Cache a replay that was ended goes on where it was: what models answered is
// recorded, and so are the outputs of a Target that has a name.
func (t *Traces) Replay(ctx context.Context, target TargetFunc, options ReplayOptions) (*Report, error) {
	if target == nil {
		return nil, &Error{kind: ErrInvalidArgument, message: "target is nil: there is nothing to replay against"}
	}
	if options.Diff.System != "" || options.Diff.Prompt != "" {
		return nil, &Error{kind: ErrInvalidArgument,
			message: "Diff.System and Diff.Prompt are the rows' in a replay: leave them out"}
	}
	if ctx.Err() != nil {
		return nil, stopped("nothing was replayed", context.Cause(ctx))
	}
	text, err := options.named()
	if err != nil {
		return nil, err
	}
	cache, release, err := options.Diff.cache()
	if err != nil {
		return nil, err
	}
	defer release()
	traces, err := t.lend()
	if err != nil {
		return nil, err
	}
	defer t.giveBack(traces)
	callbacks := &callbacks{ctx: ctx, call: options.Diff.Call, embed: options.Diff.Embed,
		target: target, progress: options.Progress}
	if bar := newBar(os.Stderr); callbacks.progress == nil && bar != nil {
		callbacks.progress = bar.show
		defer bar.clear()
	}
	handle := cgo.NewHandle(callbacks)
	defer handle.Delete()
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	status := C.f3dx_go_replay(traces, jsonOf(text), C.size_t(len(text)), callbacks.functions(),
		C.uintptr_t(handle), cache, &buffer, &cErr)
	if status < 0 {
		err := failure(status, cErr)
		if failed, ok := err.(*Error); ok && status == C.F3DX_CACHE_STATUS_CALLBACK {
			switch {
			case callbacks.failed != nil:
				return nil, stopped(failed.message, callbacks.failed)
			case ctx.Err() != nil:
				return nil, stopped(failed.message, context.Cause(ctx))
			}
		}
		return nil, err
	}
	return readReport(take(&buffer))
}

// named are the options by the names that every language has.
func (o *ReplayOptions) named() ([]byte, error) {
	diff, err := o.Diff.named()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(struct {
		Diff        json.RawMessage `json:"diff"`
		Concurrency int             `json:"concurrency,omitempty"`
		Limit       uint64          `json:"limit,omitempty"`
		Target      string          `json:"target,omitempty"`
	}{diff, o.Concurrency, o.Limit, o.Target})
	if err != nil {
		return nil, &Error{kind: ErrInvalidArgument, message: "options: " + err.Error()}
	}
	return text, nil
}

// bar is a line on a terminal that says how far a replay is.
type bar struct {
	terminal *os.File
	bad      map[Verdict]uint64
}

// newBar returns nil if file is no terminal.
func newBar(file *os.File) *bar {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return &bar{file, map[Verdict]uint64{}}
}

func (b *bar) show(progress Progress) {
	if progress.Verdict != "" && !progress.Verdict.OK() {
		b.bad[progress.Verdict]++
	}
	line := fmt.Sprintf("%d rows", progress.Done)
	if progress.Total != nil {
		line = fmt.Sprintf("%d of %d rows", progress.Done, *progress.Total)
	}
	for _, verdict := range []Verdict{Different, Inconclusive, Failed, Skipped} {
		if b.bad[verdict] > 0 {
			line += fmt.Sprintf(", %d %s", b.bad[verdict], verdict)
		}
	}
	if progress.Bad > 0 {
		line += fmt.Sprintf(", %d unreadable", progress.Bad)
	}
	fmt.Fprintf(b.terminal, "\r\x1b[K%s", line)
}

func (b *bar) clear() { fmt.Fprint(b.terminal, "\r\x1b[K") }
