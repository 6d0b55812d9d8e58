package f3dxcache

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// cases reads a table of cases that every language runs.
func cases[T any](t *testing.T, name string) []T {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "tests", "fixtures", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	var all []T
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("%s:%d: %v", name, len(all)+1, err)
		}
		all = append(all, one)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("%s has only %d cases", name, len(all))
	}
	return all
}

func TestEveryVectorOfFingerprintsHolds(t *testing.T) {
	type vector struct {
		ID        string `json:"id"`
		Input     string `json:"input_hex"`
		Expect    string `json:"expect"`
		Canonical string `json:"canonical_hex"`
		Blake3    string `json:"blake3"`
		Error     string `json:"error"`
	}
	for _, v := range cases[vector](t, "fingerprints.jsonl") {
		t.Run(v.ID, func(t *testing.T) {
			input, err := hex.DecodeString(v.Input)
			if err != nil {
				t.Fatal(err)
			}
			canonical, canonicalErr := Canonicalize(input)
			fingerprint, fingerprintErr := Fingerprint(input)
			if v.Expect == "ok" {
				if canonicalErr != nil || hex.EncodeToString(canonical) != v.Canonical {
					t.Errorf("canonical form %q, %v", canonical, canonicalErr)
				}
				if fingerprintErr != nil || fingerprint != v.Blake3 {
					t.Errorf("fingerprint %s, %v", fingerprint, fingerprintErr)
				}
				return
			}
			for _, err := range []error{canonicalErr, fingerprintErr} {
				var broken *JSONError
				if !errors.As(err, &broken) || broken.Rule != v.Error {
					t.Errorf("%v, want rule %s", err, v.Error)
				}
				if !errors.Is(err, ErrInvalidJSON) {
					t.Errorf("%v is no ErrInvalidJSON", err)
				}
			}
		})
	}
}

// withOptions opens a file with options as f3dx-cache.toml names them.
func withOptions(t *testing.T, path string, mode Mode, named json.RawMessage) *Cache {
	t.Helper()
	var options Options
	if len(named) > 0 {
		options = readOptions(t, named)
	}
	options.Mode = mode
	cache, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache
}

func readOptions(t *testing.T, named json.RawMessage) Options {
	t.Helper()
	var read struct {
		Hosts           []string          `json:"hosts"`
		IgnoreHosts     []string          `json:"ignore_hosts"`
		HostAliases     map[string]string `json:"host_aliases"`
		MatchHeaders    []string          `json:"match_headers"`
		RecordStatus    []int             `json:"record_status"`
		RecordPaths     []string          `json:"record_paths"`
		Redact          []string          `json:"redact"`
		RedactResponses bool              `json:"redact_responses"`
		Normalize       []json.RawMessage `json:"normalize"`
		Ignore          []string          `json:"ignore"`
		Repeats         string            `json:"repeats"`
		Scope           string            `json:"scope"`
	}
	decoder := json.NewDecoder(bytes.NewReader(named))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		t.Fatalf("options %s: %v", named, err)
	}
	options := Options{
		Hosts: read.Hosts, IgnoreHosts: read.IgnoreHosts, HostAliases: read.HostAliases,
		MatchHeaders: read.MatchHeaders, RecordStatus: read.RecordStatus, RecordPaths: read.RecordPaths,
		Redact: read.Redact, RedactResponses: read.RedactResponses, Ignore: read.Ignore,
		Repeats: read.Repeats, Scope: read.Scope,
	}
	for _, text := range read.Normalize {
		var rule Normalize
		if err := json.Unmarshal(text, &rule.Pattern); err != nil {
			if err := json.Unmarshal(text, &rule); err != nil {
				t.Fatal(err)
			}
		}
		options.Normalize = append(options.Normalize, rule)
	}
	return options
}

func TestEveryHTTPCallOfTheTableHolds(t *testing.T) {
	type call struct {
		ID          string            `json:"id"`
		Method      string            `json:"method"`
		URL         string            `json:"url"`
		Headers     [][2]string       `json:"headers"`
		Body        string            `json:"body"`
		BodyHex     string            `json:"body_hex"`
		Options     json.RawMessage   `json:"options"`
		Env         map[string]string `json:"env"`
		Expect      string            `json:"expect"`
		Document    string            `json:"document"`
		Fingerprint string            `json:"fingerprint"`
	}
	for _, c := range cases[call](t, "http_calls.jsonl") {
		t.Run(c.ID, func(t *testing.T) {
			for name, value := range c.Env {
				t.Setenv(name, value)
			}
			headers := []byte("[]")
			if c.Headers != nil {
				headers, _ = json.Marshal(c.Headers)
			}
			body := []byte(c.Body)
			if c.BodyHex != "" {
				body, _ = hex.DecodeString(c.BodyHex)
			}
			path := filepath.Join(t.TempDir(), "case.redb")

			cache := withOptions(t, path, Record, c.Options)
			concerns, err := cache.concerns(c.Method, c.URL, headers)
			if err != nil || concerns != (c.Expect != "pass") {
				t.Errorf("concerns: %v, %v", concerns, err)
			}
			decided, err := cache.intercept(c.Method, c.URL, headers, body)
			if err != nil {
				t.Fatal(err)
			}
			if sends := decided.exchange != nil; sends != (c.Expect == "inference") {
				t.Fatalf("in record it is sent and recorded: %v", sends)
			}
			if decided.exchange != nil {
				told(t, decided.exchange.head(200, []byte(`{"content-type":"application/json"}`)))
				told(t, decided.exchange.chunk([]byte(`{"an":"answer"}`)))
				told(t, decided.exchange.finish(endEOF))
				for entry, err := range cache.Entries() {
					told(t, err)
					if entry.Fingerprint != c.Fingerprint {
						t.Errorf("fingerprint %s, want %s", entry.Fingerprint, c.Fingerprint)
					}
				}
				if document, _, err := cache.Request(c.Fingerprint); err != nil || string(document) != c.Document {
					t.Errorf("document %s, %v, want %s", document, err, c.Document)
				}
			}

			cache = withOptions(t, path, Replay, c.Options)
			decided, err = cache.intercept(c.Method, c.URL, headers, body)
			switch c.Expect {
			case "inference":
				if err != nil || decided.replay == nil || string(decided.replay.body) != `{"an":"answer"}` {
					t.Errorf("replayed %+v, %v", decided.replay, err)
				}
			case "unrecorded":
				if !errors.Is(err, ErrMiss) {
					t.Errorf("in replay: %v", err)
				}
			default:
				if err != nil || decided != (decision{}) {
					t.Errorf("in replay: %+v, %v", decided, err)
				}
			}
		})
	}
}

func TestEveryHTTPResponseOfTheTableHolds(t *testing.T) {
	type response struct {
		ID      string          `json:"id"`
		Options json.RawMessage `json:"options"`
		URL     string          `json:"url"`
		Request string          `json:"request_body"`
		Status  int             `json:"status"`
		Headers [][2]string     `json:"headers"`
		Chunks  []string        `json:"chunks"`
		EOF     bool            `json:"eof"`
		Expect  string          `json:"expect"`
		Reason  string          `json:"reason"`
	}
	for _, c := range cases[response](t, "http_responses.jsonl") {
		t.Run(c.ID, func(t *testing.T) {
			cache := withOptions(t, filepath.Join(t.TempDir(), "case.redb"), Record, c.Options)
			decided, err := cache.intercept(http.MethodPost, c.URL, nil, []byte(c.Request))
			if err != nil || decided.exchange == nil {
				t.Fatalf("%+v, %v", decided, err)
			}
			headers, _ := json.Marshal(c.Headers)
			told(t, decided.exchange.head(c.Status, headers))
			for _, chunk := range c.Chunks {
				told(t, decided.exchange.chunk([]byte(chunk)))
			}
			how := endLeft
			if c.EOF {
				how = endEOF
			}
			told(t, decided.exchange.finish(how))
			summary, err := cache.Summary()
			if err != nil {
				t.Fatal(err)
			}
			if recorded := summary.Recorded == 1; recorded != (c.Expect == "record") {
				t.Errorf("recorded: %v; %s", recorded, summary.Text)
			}
			if c.Reason != "" && (len(summary.Refusals) != 1 || summary.Refusals[0].Why != c.Reason) {
				t.Errorf("refused: %+v, want %q", summary.Refusals, c.Reason)
			}
		})
	}
}

func told(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
