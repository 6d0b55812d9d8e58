package sdktest

import (
	"context"
	"testing"

	"google.golang.org/genai"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

func newGenAI(t *testing.T, url string, cache *f3dxcache.Cache) *genai.Client {
	t.Helper()
	made, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: "test", Backend: genai.BackendGeminiAPI, HTTPClient: client(cache),
		HTTPOptions: genai.HTTPOptions{BaseURL: url},
	})
	must(t, err)
	return made
}

// answer is what was generated, without the head of its response.
func answer(response *genai.GenerateContentResponse) string {
	response.SDKHTTPResponse = nil
	return text(response)
}

func TestGenAI(t *testing.T) {
	const model = "gemini-2.5-flash"
	ctx := context.Background()
	calls := map[string]func(*genai.Client) ([]string, error){
		"content": func(c *genai.Client) ([]string, error) {
			response, err := c.Models.GenerateContent(ctx, model, genai.Text("hi"), nil)
			if err != nil {
				return nil, err
			}
			return []string{answer(response)}, nil
		},
		"content stream": func(c *genai.Client) (all []string, err error) {
			for response, err := range c.Models.GenerateContentStream(ctx, model, genai.Text("hi [[words:20]]"), nil) {
				if err != nil {
					return nil, err
				}
				all = append(all, answer(response))
			}
			return all, nil
		},
		"embedding": func(c *genai.Client) ([]string, error) {
			response, err := c.Models.EmbedContent(ctx, "gemini-embedding-001", genai.Text("hi"), nil)
			if err != nil {
				return nil, err
			}
			response.SDKHTTPResponse = nil
			return []string{text(response)}, nil
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isRecordedAndReplayed(t, func(url string, cache *f3dxcache.Cache) ([]string, error) {
				return call(newGenAI(t, url, cache))
			})
		})
	}
}

func TestGenAITellsAMiss(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	must(t, c.open(f3dxcache.Record).Close())
	_, err := newGenAI(t, p.URL, c.open(f3dxcache.Replay)).Models.GenerateContent(t.Context(), "gemini-2.5-flash", genai.Text("ho"), nil)
	isMiss(t, err, "not recorded")
}
