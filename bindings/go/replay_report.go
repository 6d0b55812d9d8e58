package f3dxcache

// #include "f3dx_cache.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Report says what a replay came to, row by row. It is what the replay, or the file, said:
// changes of its members are not in its texts.
type Report struct {
	// Version is that of the form of reports.
	Version   int       `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	// Target is what the new outputs came from, as the caller named it; "" if not at all.
	Target string `json:"target"`
	// Options are those of the comparison, by the names that every language has.
	Options json.RawMessage `json:"options"`
	Totals  Totals          `json:"totals"`
	// Models are the counts by model; "" is the rows that name none.
	Models map[string]Totals `json:"models"`
	// Rows are in the order of the file.
	Rows []ReportRow `json:"rows"`
	// BadRows are the first rows that could not be read.
	BadRows []BadRow `json:"bad_rows"`

	text []byte
}

// Totals are how many rows came to which verdict.
type Totals struct {
	// Rows are those that could be read.
	Rows         uint64 `json:"rows"`
	Same         uint64 `json:"same"`
	Equivalent   uint64 `json:"equivalent"`
	Different    uint64 `json:"different"`
	Inconclusive uint64 `json:"inconclusive"`
	Failed       uint64 `json:"error"`
	Skipped      uint64 `json:"skipped"`
	// Bad are those that could not be read.
	Bad uint64 `json:"bad"`
}

// ReportRow is one row, its two outputs, and how they compare.
type ReportRow struct {
	Source  Source `json:"source"`
	TraceID string `json:"trace_id"`
	CaseID  string `json:"case_id"`
	Model   string `json:"model"`
	// Prompt is what was asked, as text.
	Prompt string `json:"prompt"`
	// Before is the recorded output; nil if there is none.
	Before *string `json:"before"`
	// After is the new output; nil if the target failed.
	After   *string `json:"after"`
	Verdict Verdict `json:"verdict"`
	// Score is how alike they are, where the mode that decided measures it.
	Score *float64 `json:"score"`
	// Mode is the mode that decided; "" where nothing was compared.
	Mode DiffMode `json:"mode"`
	// Note says why, for people.
	Note        string   `json:"note"`
	Differences []Change `json:"differences"`
	// More is how many differences there are besides.
	More int `json:"more"`
}

func readReport(text []byte) (*Report, error) {
	report, err := parsed[*Report](text)
	if err != nil {
		return nil, err
	}
	report.text = text
	return report, nil
}

// LoadReport reads a report that [Report.Save] wrote as .json, in any language.
func LoadReport(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &Error{kind: joined{ErrIO, err}, message: err.Error()}
	}
	// Tells what is no report, or a newer one.
	if _, err := render(text, "json"); err != nil {
		return nil, &Error{kind: err, message: path + ": " + strings.TrimPrefix(err.Error(), "f3dx-cache: ")}
	}
	return readReport(text)
}

// OK returns whether nothing needs a look: every row could be read, and each new output may
// stand in the place of the old one.
func (r *Report) OK() bool {
	return r.Totals.Bad == 0 && r.Totals.Rows == r.Totals.Same+r.Totals.Equivalent
}

// String returns the counts, in one line.
func (r *Report) String() string {
	line := fmt.Sprintf("%d rows", r.Totals.Rows)
	for _, count := range []struct {
		rows uint64
		of   string
	}{
		{r.Totals.Same, "same"}, {r.Totals.Equivalent, "equivalent"}, {r.Totals.Different, "different"},
		{r.Totals.Inconclusive, "inconclusive"}, {r.Totals.Failed, "error"}, {r.Totals.Skipped, "skipped"},
		{r.Totals.Bad, "unreadable"},
	} {
		if count.rows > 0 {
			line += fmt.Sprintf(", %d %s", count.rows, count.of)
		}
	}
	return line
}

// JSON returns the report as JSON, indented, the same in every language.
func (r *Report) JSON() ([]byte, error) { return render(r.text, "json") }

// Markdown returns the report for people.
func (r *Report) Markdown() ([]byte, error) { return render(r.text, "markdown") }

// JUnit returns the report as JUnit XML, for CI.
func (r *Report) JUnit() ([]byte, error) { return render(r.text, "junit") }

// HTML returns the report as one page that needs nothing else.
func (r *Report) HTML() ([]byte, error) { return render(r.text, "html") }

// Save writes the report to a file; its extension says how: .json, .md, .xml (JUnit), .html.
func (r *Report) Save(path string) error {
	formats := map[string]string{".json": "json", ".md": "markdown", ".xml": "junit", ".html": "html"}
	format := formats[strings.ToLower(filepath.Ext(path))]
	if format == "" {
		return &Error{kind: ErrInvalidArgument,
			message: fmt.Sprintf("%s: the extensions of a report are .json, .md, .xml (JUnit) and .html", path)}
	}
	text, err := render(r.text, format)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return &Error{kind: joined{ErrIO, err}, message: err.Error()}
	}
	return nil
}

func render(report []byte, format string) ([]byte, error) {
	var buffer C.f3dx_cache_buffer
	var cErr *C.f3dx_cache_error
	if status := C.f3dx_cache_report_render(jsonOf(report), C.size_t(len(report)), chars(format),
		C.size_t(len(format)), &buffer, &cErr); status < 0 {
		return nil, failure(status, cErr)
	}
	return take(&buffer), nil
}
