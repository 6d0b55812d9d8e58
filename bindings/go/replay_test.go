package f3dxcache

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// shouted makes a trace of prompts whose outputs are in capitals.
func shouted(t *testing.T, prompts ...string) string {
	t.Helper()
	var lines []string
	for _, prompt := range prompts {
		lines = append(lines, fmt.Sprintf(`{"prompt":%q,"output":%q,"model":"m"}`, prompt, strings.ToUpper(prompt)))
	}
	return written(t, lines...)
}

func shout(_ context.Context, row *Row) (string, error) { return strings.ToUpper(row.Prompt()), nil }

func replayed(t *testing.T, path string, target TargetFunc, options ReplayOptions) *Report {
	t.Helper()
	report, err := ReplayTraces(t.Context(), path, target, options)
	told(t, err)
	return report
}

func TestEqualOutputsAreReportedAsTheSame(t *testing.T) {
	path := shouted(t, "one", "two", "three")
	report := replayed(t, path, shout, ReplayOptions{Target: "shout"})
	if !report.OK() || report.Version != 1 || report.Target != "shout" || report.CreatedAt.IsZero() ||
		report.Totals != (Totals{Rows: 3, Same: 3}) || report.Models["m"].Same != 3 {
		t.Errorf("%+v", report)
	}
	for i, prompt := range []string{"one", "two", "three"} {
		row := report.Rows[i]
		if row.Prompt != prompt || *row.Before != *row.After || row.Verdict != Same || row.Mode != Bytes ||
			row.Source != (Source{path, uint64(i + 1)}) || row.Model != "m" {
			t.Errorf("%+v", row)
		}
	}
}

func TestWhatATargetDoesWrongIsItsRows(t *testing.T) {
	path := shouted(t, "fine", "error", "panic", "goexit", "other", "latin")
	report := replayed(t, path, func(ctx context.Context, row *Row) (string, error) {
		switch row.Prompt() {
		case "error":
			return "", errors.New("out of order")
		case "panic":
			panic("oops")
		case "goexit":
			runtime.Goexit()
		case "other":
			return "something else", nil
		case "latin":
			return "\xe9", nil
		}
		return shout(ctx, row)
	}, ReplayOptions{Concurrency: 3, Diff: DiffOptions{Mode: Bytes}})
	if report.OK() || report.Totals != (Totals{Rows: 6, Same: 1, Different: 1, Failed: 4}) {
		t.Errorf("%+v", report.Totals)
	}
	if said := report.String(); said != "6 rows, 1 same, 1 different, 4 error" {
		t.Error(said)
	}
	for i, says := range []string{"", "out of order", "the target panicked: oops",
		"the target ended its goroutine, as t.FailNow does", "", "the output is not UTF-8"} {
		if row := report.Rows[i]; !strings.Contains(row.Note, says) || (says != "") != (row.After == nil) {
			t.Errorf("%+v, want %q", row, says)
		}
	}
}

func TestBadRowsAreReported(t *testing.T) {
	report := replayed(t, written(t, `{"prompt":"a","output":"A"}`, `{"prompt":`), shout, ReplayOptions{})
	if report.OK() || report.Totals.Bad != 1 || report.BadRows[0].Source.Line != 2 {
		t.Errorf("%+v", report)
	}
}

func TestAReplayGoesOnWhereTheLoopWas(t *testing.T) {
	traces := read(t, shouted(t, "one", "two", "three"), TraceOptions{})
	for range traces.All() {
		break
	}
	report, err := traces.Replay(t.Context(), shout, ReplayOptions{Limit: 1})
	told(t, err)
	if left := rows(t, traces); len(report.Rows) != 1 || report.Rows[0].Prompt != "two" || len(left) != 1 {
		t.Errorf("%+v, then %d rows", report.Rows, len(left))
	}
}

func TestTracesMayBeClosedAndAskedWhileTheyAreReplayed(t *testing.T) {
	traces := read(t, shouted(t, "one"), TraceOptions{})
	report, err := traces.Replay(t.Context(), func(ctx context.Context, row *Row) (string, error) {
		for _, err := range traces.All() {
			if err == nil || !strings.Contains(err.Error(), "are being replayed") {
				t.Errorf("%v", err)
			}
		}
		if traces.Bad() != 0 || traces.Close() != nil {
			t.Error("it has a bad row, or cannot be closed")
		}
		return shout(ctx, row)
	}, ReplayOptions{})
	told(t, err)
	if !report.OK() {
		t.Errorf("%+v", report.Rows)
	}
	if _, err := traces.Replay(t.Context(), shout, ReplayOptions{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestATargetWithANameIsCached(t *testing.T) {
	path, cache := shouted(t, "one", "two"), opened(t, in(t), Options{Mode: Record})
	var calls atomic.Int64
	counting := func(ctx context.Context, row *Row) (string, error) {
		calls.Add(1)
		return shout(ctx, row)
	}
	for _, c := range []struct {
		target string
		calls  int64
	}{{"", 2}, {"", 2}, {"v1", 2}, {"v1", 0}, {"v2", 2}} {
		calls.Store(0)
		report := replayed(t, path, counting, ReplayOptions{Target: c.target, Diff: DiffOptions{Cache: cache}})
		if !report.OK() || calls.Load() != c.calls {
			t.Errorf("%q: %d calls, want %d", c.target, calls.Load(), c.calls)
		}
	}
}

func TestACacheMayBeUsedAndClosedByTheTarget(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	report := replayed(t, shouted(t, "one", "two"), func(ctx context.Context, row *Row) (string, error) {
		if err := cache.Put(request, answer); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		return strings.ToUpper(row.Prompt()), cache.Close()
	}, ReplayOptions{Concurrency: 1, Target: "closing", Diff: DiffOptions{Cache: cache}})
	if !report.OK() {
		t.Errorf("%+v", report.Rows)
	}
	if _, _, err := cache.Get(request); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestTheContextEndsAReplay(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the deploy was stopped")
	var begun atomic.Int64
	_, err := ReplayTraces(ctx, shouted(t, "one", "two", "three", "four"), func(ctx context.Context, row *Row) (string, error) {
		begun.Add(1)
		cancel(reason)
		<-ctx.Done()
		return "", ctx.Err()
	}, ReplayOptions{Concurrency: 1})
	if !errors.Is(err, ErrStopped) || !errors.Is(err, reason) || !strings.Contains(err.Error(), "interrupted after") {
		t.Error(err)
	}
	if begun.Load() == 4 {
		t.Error("all rows were begun")
	}
	_, err = ReplayTraces(ctx, shouted(t, "one"), shout, ReplayOptions{})
	if !errors.Is(err, ErrStopped) || !errors.Is(err, reason) {
		t.Error(err)
	}
}

func TestATargetThatHangsIsEndedByTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var heard atomic.Int64
	_, err := ReplayTraces(ctx, shouted(t, "one"), func(ctx context.Context, _ *Row) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}, ReplayOptions{Progress: func(Progress) {
		// It is heard though no row is done.
		if heard.Add(1) == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTheContextsValuesReachTheTarget(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "v")
	report, err := ReplayTraces(ctx, shouted(t, "v"), func(ctx context.Context, _ *Row) (string, error) {
		return strings.ToUpper(ctx.Value(key{}).(string)), nil
	}, ReplayOptions{})
	told(t, err)
	if !report.OK() {
		t.Errorf("%+v", report.Rows)
	}
}

func TestProgressHearsOfEachRow(t *testing.T) {
	var heard []Progress
	replayed(t, shouted(t, "one", "two"), shout, ReplayOptions{Progress: func(p Progress) {
		if p.Verdict != "" {
			heard = append(heard, p)
		}
	}})
	if len(heard) != 2 || heard[1].Done != 2 || heard[1].Verdict != Same {
		t.Errorf("%+v", heard)
	}
}

func TestAPanicOfProgressEndsTheReplay(t *testing.T) {
	_, err := ReplayTraces(t.Context(), shouted(t, "one"), shout, ReplayOptions{Progress: func(Progress) { panic("oops") }})
	if !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "Progress panicked: oops") {
		t.Error(err)
	}
}

func TestTheBarIsForTerminals(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	told(t, err)
	defer file.Close()
	if newBar(file) != nil {
		t.Error("a file is taken for a terminal")
	}
	total := uint64(5)
	shown := &bar{file, map[Verdict]uint64{}}
	shown.show(Progress{Done: 3, Total: &total, Verdict: Different, Bad: 1})
	shown.show(Progress{Done: 4, Verdict: Same})
	shown.clear()
	text, err := os.ReadFile(file.Name())
	told(t, err)
	want := "\r\x1b[K3 of 5 rows, 1 different, 1 unreadable\r\x1b[K4 rows, 1 different\r\x1b[K"
	if string(text) != want {
		t.Errorf("%q", text)
	}
}

func TestWrongReplayOptionsAreErrorsThatNameThem(t *testing.T) {
	path := shouted(t, "one")
	closed := opened(t, in(t), Options{Mode: Record})
	told(t, closed.Close())
	for _, c := range []struct {
		path    string
		target  TargetFunc
		options ReplayOptions
		kind    error
		says    string
	}{
		{path, nil, ReplayOptions{}, ErrInvalidArgument, "target is nil"},
		{path, shout, ReplayOptions{Concurrency: 257}, ErrInvalidArgument, "concurrency = 257: from 1 to 256"},
		{path, shout, ReplayOptions{Concurrency: -1}, ErrInvalidArgument, "integer `-1`"},
		{path, shout, ReplayOptions{Diff: DiffOptions{Votes: 100}}, ErrInvalidArgument, "votes = 100"},
		{path, shout, ReplayOptions{Diff: DiffOptions{Prompt: "p"}}, ErrInvalidArgument, "leave them out"},
		{path, shout, ReplayOptions{Diff: DiffOptions{Mode: Judge}}, ErrInvalidArgument, "judge"},
		{path, shout, ReplayOptions{Diff: DiffOptions{Cache: closed}}, ErrClosed, "the cache was closed"},
		{"missing.jsonl", shout, ReplayOptions{}, ErrIO, "missing.jsonl"},
	} {
		_, err := ReplayTraces(t.Context(), c.path, c.target, c.options)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

func TestAReportIsSavedByItsExtensionAndLoaded(t *testing.T) {
	report := replayed(t, shouted(t, "one", "<script>"), func(context.Context, *Row) (string, error) {
		return "ONE", nil
	}, ReplayOptions{})
	folder := t.TempDir()
	for extension, render := range map[string]func() ([]byte, error){
		".json": report.JSON, ".md": report.Markdown, ".xml": report.JUnit, ".html": report.HTML,
	} {
		path := filepath.Join(folder, "report"+extension)
		told(t, report.Save(path))
		saved, err := os.ReadFile(path)
		told(t, err)
		text, err := render()
		told(t, err)
		if len(text) < 100 || !bytes.Equal(saved, text) || bytes.Contains(text, []byte("<script>ONE")) {
			t.Errorf("%s: %s", extension, saved)
		}
	}
	loaded, err := LoadReport(filepath.Join(folder, "report.json"))
	told(t, err)
	first, _ := report.JSON()
	again, err := loaded.JSON()
	told(t, err)
	if !bytes.Equal(first, again) || loaded.OK() || len(loaded.Rows) != 2 {
		t.Errorf("%s", again)
	}
}

func TestTheJUnitOfAReportIsXML(t *testing.T) {
	report := replayed(t, shouted(t, "one", "a & <b>"), shout, ReplayOptions{})
	text, err := report.JUnit()
	told(t, err)
	decoder := xml.NewDecoder(bytes.NewReader(text))
	cases := 0
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		told(t, err)
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "testcase" {
			cases++
		}
	}
	if cases != 2 {
		t.Errorf("%d cases in %s", cases, text)
	}
}

func TestAReportSavedOrLoadedWronglyIsToldWithTheWayOut(t *testing.T) {
	report := replayed(t, shouted(t, "one"), shout, ReplayOptions{})
	if err := report.Save("report.pdf"); !errors.Is(err, ErrInvalidArgument) ||
		!strings.Contains(err.Error(), "report.pdf: the extensions of a report are .json, .md, .xml (JUnit) and .html") {
		t.Error(err)
	}
	folder := t.TempDir()
	if err := report.Save(filepath.Join(folder, "none", "r.md")); !errors.Is(err, ErrIO) || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := LoadReport(filepath.Join(folder, "none.json")); !errors.Is(err, ErrIO) {
		t.Error(err)
	}
	text, err := report.JSON()
	told(t, err)
	newer := strings.Replace(string(text), `"version": 1`, `"version": 99`, 1)
	for says, content := range map[string]string{"version 99": newer, "r.json": "{}"} {
		path := filepath.Join(folder, "r.json")
		told(t, os.WriteFile(path, []byte(content), 0o644))
		if _, err := LoadReport(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestManyReplaysAtOnceShareACache(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	var prompts []string
	for i := range 40 {
		prompts = append(prompts, fmt.Sprint("prompt ", i))
	}
	path := shouted(t, prompts...)
	reports := make(chan *Report)
	for range 4 {
		go func() {
			report, err := ReplayTraces(t.Context(), path, shout,
				ReplayOptions{Target: "shout", Concurrency: 8, Diff: DiffOptions{Cache: cache}})
			if err != nil {
				t.Error(err)
			}
			reports <- report
		}()
	}
	for range 4 {
		if report := <-reports; report == nil || !report.OK() || len(report.Rows) != 40 {
			t.Errorf("%+v", report)
		}
	}
}

// timeless is a report without the time at which it was made.
func timeless(t *testing.T, report *Report) string {
	t.Helper()
	text, err := report.JSON()
	told(t, err)
	var members map[string]json.RawMessage
	told(t, json.Unmarshal(text, &members))
	delete(members, "created_at")
	return spelled(t, members)
}
