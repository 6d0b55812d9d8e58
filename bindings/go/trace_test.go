package f3dxcache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const traceFixtures = "../../tests/fixtures/traces"

// written makes a trace file of lines.
func written(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	told(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	return path
}

func read(t *testing.T, path string, options TraceOptions) *Traces {
	t.Helper()
	traces, err := ReadTraces(path, options)
	told(t, err)
	t.Cleanup(func() { traces.Close() })
	return traces
}

func rows(t *testing.T, traces *Traces) []*Row {
	t.Helper()
	var rows []*Row
	for row, err := range traces.All() {
		told(t, err)
		rows = append(rows, row)
	}
	return rows
}

func TestEveryFormatIsRead(t *testing.T) {
	for _, c := range []struct {
		name, format string
		rows         int
	}{
		{"anthropic_batch.jsonl", "anthropic_batch", 5},
		{"f3dx.jsonl", "f3dx", 3},
		{"f3dx.gzip.parquet", "f3dx_parquet", 3},
		{"f3dx.none.parquet", "f3dx_parquet", 3},
		{"f3dx.snappy.parquet", "f3dx_parquet", 3},
		{"f3dx.v2.parquet", "f3dx_parquet", 3},
		{"f3dx.zstd.parquet", "f3dx_parquet", 3},
		{"f3dx_uncaptured.jsonl", "f3dx", 3},
		{"openai_batch_output.jsonl", "openai_batch", 6},
		{"otel.jsonl", "otel", 5},
		{"otel_console.json", "otel", 5},
		{"otlp.json", "otlp", 5},
		{"otlp.jsonl", "otlp", 5},
		{"plain.jsonl", "plain", 4},
	} {
		traces := read(t, filepath.Join(traceFixtures, c.name), TraceOptions{Strict: true})
		if got := len(rows(t, traces)); got != c.rows || traces.Format() != c.format || traces.Bad() != 0 {
			t.Errorf("%s: %d rows of %s, %d bad", c.name, got, traces.Format(), traces.Bad())
		}
	}
}

func TestARowHasWhatTheFileTells(t *testing.T) {
	all := rows(t, read(t, filepath.Join(traceFixtures, "f3dx.jsonl"), TraceOptions{}))
	first, second := all[0], all[1]
	if first.Prompt() != "2+2?" || *first.System != "Réponds brièvement." || *first.Output != "4" ||
		first.Model != "" || *first.Usage.InputTokens != 11 || *first.LatencyMS <= 0 ||
		first.Source.Line != 1 || !strings.HasSuffix(first.Source.File, "f3dx.jsonl") ||
		string(first.Extra["system_prompt_chars"]) != "21" {
		t.Errorf("%+v", first)
	}
	if *second.System != "" || *second.Output != "21 °C in both.\n\"Mild\" 😀" {
		t.Errorf("%+v", second)
	}
}

func TestABatchIsJoinedToItsInput(t *testing.T) {
	traces := read(t, filepath.Join(traceFixtures, "openai_batch_output.jsonl"),
		TraceOptions{Input: filepath.Join(traceFixtures, "openai_batch_input.jsonl")})
	for _, row := range rows(t, traces) {
		if row.CaseID != "request-1" {
			continue
		}
		if row.Prompt() != "Hello world!" || string(row.Params["temperature"]) != "0" || len(row.Messages) != 1 {
			t.Errorf("%+v", row)
		}
		return
	}
	t.Error("there is no request-1")
}

func TestThePromptIsTheTextOfTheLastMessageOfTheUser(t *testing.T) {
	path := written(t,
		`{"messages":[{"role":"user","content":"one"},{"role":"user","content":"two"},{"role":"assistant","content":"3"}],"output":""}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]}],"output":""}`,
		`{"messages":[{"role":"assistant","content":"one"}],"output":"1"}`)
	for i, row := range rows(t, read(t, path, TraceOptions{})) {
		if want := []string{"two", "a\nb", ""}[i]; row.Prompt() != want {
			t.Errorf("%q, want %q", row.Prompt(), want)
		}
	}
}

func TestABadRowIsCountedWithItsPlaceAndNotQuoted(t *testing.T) {
	path := written(t, `{"prompt":"one","output":"1"}`, `{"prompt":"secret","output":`, `{"prompt":"three","output":"3"}`)
	traces := read(t, path, TraceOptions{})
	if got := len(rows(t, traces)); got != 2 || traces.Bad() != 1 {
		t.Fatalf("%d rows, %d bad", got, traces.Bad())
	}
	told(t, traces.Close())
	bad := traces.BadRows()[0]
	if bad.Source.Line != 2 || bad.Column != 29 || bad.Reason == "" || strings.Contains(bad.Reason, "secret") {
		t.Errorf("%+v", bad)
	}
}

func TestAStrictReaderStopsAtABadRow(t *testing.T) {
	path := written(t, `{"prompt":"one","output":"1"}`, `{"prompt":`, `{"prompt":"three","output":"3"}`)
	traces := read(t, path, TraceOptions{Strict: true})
	var read int
	var failed error
	for row, err := range traces.All() {
		if err != nil {
			failed = err
			continue
		}
		if read++; row == nil {
			t.Error("a row is nil")
		}
	}
	if read != 1 || !errors.Is(failed, ErrInvalidRow) || !strings.Contains(failed.Error(), "runs.jsonl:2:") {
		t.Errorf("%d rows, %v", read, failed)
	}
}

func TestALoopThatWasLeftGoesOn(t *testing.T) {
	path := written(t, `{"prompt":"one","output":"1"}`, `{"prompt":"two","output":"2"}`)
	traces := read(t, path, TraceOptions{})
	for range traces.All() {
		break
	}
	if left := rows(t, traces); len(left) != 1 || left[0].Prompt() != "two" {
		t.Errorf("%d rows are left", len(left))
	}
}

func TestWhatCannotBeReadIsToldWhenItIsOpened(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.jsonl")
	if _, err := ReadTraces(missing, TraceOptions{}); !errors.Is(err, ErrIO) || !strings.Contains(err.Error(), "missing.jsonl") {
		t.Error(err)
	}
	path := written(t, `{"prompt":"one","output":"1"}`)
	if _, err := ReadTraces(path, TraceOptions{Format: "csv"}); !errors.Is(err, ErrInvalidArgument) ||
		!strings.Contains(err.Error(), "unknown variant `csv`") {
		t.Error(err)
	}
	if _, err := ReadTraces("a\x00b", TraceOptions{}); !errors.Is(err, ErrInvalidArgument) {
		t.Error(err)
	}
}

func TestClosedTracesAreErrClosed(t *testing.T) {
	traces := read(t, written(t, `{"prompt":"one","output":"1"}`), TraceOptions{})
	told(t, traces.Close())
	told(t, traces.Close())
	for _, err := range traces.All() {
		if !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), "the traces were closed") {
			t.Error(err)
		}
		return
	}
	t.Error("the loop ended without an error")
}
