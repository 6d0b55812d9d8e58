package f3dxcache_test

import (
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
