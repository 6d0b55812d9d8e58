// Command worker is the worker of tests/src/bin/worker.rs in Go: its commands, its answers.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

var (
	options f3dxcache.Options
	handles = map[int]*f3dxcache.Cache{}
	at      int
)

func main() {
	if len(os.Args) > 1 {
		if err := readOptions(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		command, rest, _ := strings.Cut(lines.Text(), " ")
		said, err := obey(command, rest)
		if err != nil {
			said = "error " + kind(err) + " " + err.Error()
		}
		fmt.Println(strings.ReplaceAll(said, "\n", " "))
	}
	for _, cache := range handles {
		cache.Close()
	}
}

func readOptions(text string) error {
	var named struct {
		Hosts        []string `json:"hosts"`
		LockTimeout  int      `json:"lock_timeout_ms"`
		ClaimTimeout int      `json:"claim_timeout_ms"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&named); err != nil {
		return err
	}
	options.Hosts = named.Hosts
	options.LockTimeout = time.Duration(named.LockTimeout) * time.Millisecond
	options.ClaimTimeout = time.Duration(named.ClaimTimeout) * time.Millisecond
	return nil
}

var (
	errUsage = errors.New("this makes no sense here")
	errHTTP  = errors.New("the provider did not answer")
)

func kind(err error) string {
	for kind, name := range map[error]string{
		errUsage: "usage", errHTTP: "http", f3dxcache.ErrMiss: "miss", f3dxcache.ErrIO: "io",
		f3dxcache.ErrLocked: "locked", f3dxcache.ErrReadOnly: "read_only", f3dxcache.ErrCorrupt: "corrupt",
		f3dxcache.ErrConfig: "config", f3dxcache.ErrFull: "full",
	} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return "other"
}

func obey(command, rest string) (string, error) {
	switch command {
	case "open", "hook":
		mode, path, _ := strings.Cut(rest, " ")
		with, open := options, f3dxcache.Open
		with.Mode = f3dxcache.Mode(mode)
		if command == "hook" {
			open = f3dxcache.OpenForTests
		}
		cache, err := open(path, with)
		if err != nil {
			return "", err
		}
		handles[at] = cache
		return "ok", nil
	case "handle":
		var err error
		at, err = strconv.Atoi(rest)
		return "ok", err
	}
	cache := handles[at]
	if cache == nil {
		return "", fmt.Errorf("nothing is open: %w", errUsage)
	}
	switch command {
	case "put", "get", "mix":
		return goThrough(cache, command, rest)
	case "entry", "explain":
		n, err := strconv.Atoi(rest)
		if err != nil {
			return "", fmt.Errorf("%s N: %w", command, errUsage)
		}
		if command == "explain" {
			why, err := cache.Explain(request(n))
			if err != nil {
				return "", err
			}
			return "explain " + why.String(), nil
		}
		return entry(cache, n)
	case "ask":
		port, prompt, _ := strings.Cut(rest, " ")
		return ask(cache, port, prompt)
	case "summary":
		did, err := cache.Summary()
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("summary %d %d %d %d %d", did.Hits, did.Misses, did.Recorded, did.Refused, did.WithoutClaim), nil
	case "close":
		delete(handles, at)
		return "ok", cache.Close()
	default:
		// The C API has no compact.
		return "", fmt.Errorf("no command %q: %w", command, errUsage)
	}
}

func goThrough(cache *f3dxcache.Cache, command, rest string) (string, error) {
	var first, end int
	if _, err := fmt.Sscanf(rest, "%d %d", &first, &end); err != nil {
		return "", fmt.Errorf("%s FIRST END: %w", command, errUsage)
	}
	var hits, misses, wrong int
	for n := first; n < end; n++ {
		if command != "get" {
			if err := cache.Put(request(n), response(n)); err != nil {
				return "", err
			}
			fmt.Println("put", n)
		}
		if command == "put" {
			continue
		}
		wanted := n
		if command == "mix" {
			wanted = first + n*7919%(n-first+1)
		}
		switch found, ok, err := cache.Get(request(wanted)); {
		case err != nil:
			return "", err
		case !ok:
			misses++
		case bytes.Equal(found, response(wanted)):
			hits++
		default:
			wrong++
		}
	}
	if command == "put" {
		return "ok", nil
	}
	return fmt.Sprintf("got %d %d %d", hits, misses, wrong), nil
}

func entry(cache *f3dxcache.Cache, n int) (string, error) {
	fingerprint, err := cache.Fingerprint(request(n))
	if err != nil {
		return "", err
	}
	meta, ok, err := cache.Meta(fingerprint)
	if err != nil {
		return "", err
	}
	if !ok {
		meta.JSON = []byte("null")
	}
	return fmt.Sprintf("entry %s %s", fingerprint, meta.JSON), nil
}

func request(n int) []byte {
	return fmt.Appendf(nil, `{"model":"m","n":%d,"prompt":"prompt %d"}`, n, n)
}

func response(n int) []byte {
	line := fmt.Appendf(nil, "answer %d\n", n)
	length := 200 + n*977%5000
	return bytes.Repeat(line, length/len(line)+1)[:length]
}

// ask asks the mock provider as an SDK does.
func ask(cache *f3dxcache.Cache, port, prompt string) (string, error) {
	body, err := json.Marshal(map[string]any{
		"model": "gpt-4o", "messages": []any{map[string]string{"role": "user", "content": prompt}},
	})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequest("POST", "http://127.0.0.1:"+port+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer sk-test")
	req.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: &f3dxcache.Transport{Cache: cache}}).Do(req)
	if err != nil {
		if errors.Is(err, f3dxcache.ErrMiss) {
			return "", err
		}
		return "", fmt.Errorf("%w: %w", errHTTP, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w: status %d, %v", errHTTP, answer.StatusCode, err)
	}
	var completion struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(text, &completion); err != nil {
		return "", fmt.Errorf("%w: %w", errHTTP, err)
	}
	return "answer " + completion.ID, nil
}
