package f3dxcache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

func Example() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	cache, err := f3dxcache.Open(filepath.Join(folder, "llm.redb"), f3dxcache.Options{Mode: f3dxcache.Record})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()

	request := []byte(`{"model": "gpt-4o", "messages": []}`)
	answer, ok, err := cache.Get(request)
	if err != nil {
		log.Fatal(err)
	}
	if !ok {
		answer = []byte(`{"the model's": "answer"}`) // call the model
		if err := cache.Put(request, answer); err != nil {
			log.Fatal(err)
		}
	}
	// Another spelling of the same request.
	_, ok, _ = cache.Get([]byte(`{"messages":[],"model":"gpt-4o"}`))
	fmt.Println(string(answer), ok)
	// Output: {"the model's": "answer"} true
}

func ExampleTransport() {
	cache, err := f3dxcache.OpenForTests("", f3dxcache.Options{Mode: f3dxcache.Replay})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	client := &http.Client{Transport: &f3dxcache.Transport{Cache: cache}}
	_, err = client.Post("https://api.openai.com/v1/chat/completions", "application/json", nil)
	fmt.Println(errors.Is(err, f3dxcache.ErrMiss))
	// Output: true
}

func ExampleReplayTraces() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "runs.jsonl")
	recorded := `{"prompt": "2+2?", "output": "{\"sum\": 4}"}
{"prompt": "3+3?", "output": "{\"sum\": 6}"}`
	if err := os.WriteFile(path, []byte(recorded), 0o644); err != nil {
		log.Fatal(err)
	}

	ask := func(ctx context.Context, row *f3dxcache.Row) (string, error) {
		// Call the model that may take the old one's place.
		return `{"sum": 4.0}`, nil
	}
	report, err := f3dxcache.ReplayTraces(context.Background(), path, ask, f3dxcache.ReplayOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range report.Rows {
		fmt.Println(row.Prompt, row.Verdict, row.Note)
	}
	if err := report.Save(filepath.Join(folder, "report.html")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.OK())
	// Output:
	// 2+2? same equal as JSON
	// 3+3? different 1 difference: /sum changed from 6 to 4
	// false
}

func ExampleDiff() {
	compared, err := f3dxcache.Diff([]byte(`{"id": "a1", "n": 1}`), []byte(`{"id": "b2", "n": 1.0}`),
		f3dxcache.DiffOptions{Ignore: []string{"/id"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(compared.Verdict, compared.Mode)
	// Output: same structured
}
