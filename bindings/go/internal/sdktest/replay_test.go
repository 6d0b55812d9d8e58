package sdktest

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

const (
	before = "The cat sat on the mat."
	after  = "The cat was sitting on the mat."
	judged = `{"answers": [{"text": "{\"differences\": [], \"verdict\": \"equivalent\"}"}],
		"vectors": {"The cat sat on the mat.": [1, 0], "The cat was sitting on the mat.": [0.8, 0.6]}}`
)

func (p *provider) script(text string) {
	p.t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{}}).Post(p.URL+"/_script", "application/json", strings.NewReader(text))
	must(p.t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		p.t.Fatal(response.Status)
	}
}

// The two lines that the documentation of ModelFunc has.

func byOpenAI(client *openai.Client) f3dxcache.ModelFunc {
	return func(ctx context.Context, endpoint f3dxcache.Endpoint, request []byte) (response []byte, err error) {
		err = client.Post(ctx, endpoint.Path(), json.RawMessage(request), &response)
		return response, err
	}
}

func byAnthropic(client *anthropic.Client) f3dxcache.ModelFunc {
	return func(ctx context.Context, endpoint f3dxcache.Endpoint, request []byte) (response []byte, err error) {
		err = client.Post(ctx, endpoint.Path(), json.RawMessage(request), &response)
		return response, err
	}
}

func byEither(openAI *openai.Client, anthropic *anthropic.Client) f3dxcache.ModelFunc {
	return func(ctx context.Context, endpoint f3dxcache.Endpoint, request []byte) ([]byte, error) {
		if endpoint == f3dxcache.Messages {
			return byAnthropic(anthropic)(ctx, endpoint, request)
		}
		return byOpenAI(openAI)(ctx, endpoint, request)
	}
}

func TestSDKsAreTheModelsOfAReplayThatIsFreeTheSecondTime(t *testing.T) {
	for api, model := range map[string]string{"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"} {
		t.Run(api, func(t *testing.T) {
			p, c := newProvider(t), newCache(t)
			p.script(judged)
			path := filepath.Join(t.TempDir(), "runs.jsonl")
			must(t, os.WriteFile(path, []byte(`{"prompt": "Where was the cat?", "output": "`+before+`"}`), 0o644))
			cache := c.open(f3dxcache.Record)
			options := f3dxcache.ReplayOptions{Target: "v2", Diff: f3dxcache.DiffOptions{
				EmbeddingModel: "text-embedding-3-small", JudgeModel: model, JudgeAPI: api,
				Cache: cache, Call: byEither(newOpenAI(p.URL), newAnthropic(p.URL)),
			}}
			var texts [2]string
			for i := range texts {
				report, err := f3dxcache.ReplayTraces(t.Context(), path, func(context.Context, *f3dxcache.Row) (string, error) {
					return after, nil
				}, options)
				must(t, err)
				if row := report.Rows[0]; row.Verdict != f3dxcache.Equivalent || row.Mode != f3dxcache.Judge {
					t.Fatalf("%+v", row)
				}
				json, err := report.JSON()
				must(t, err)
				texts[i] = strings.Replace(string(json), text(report.CreatedAt), "", 1)
				if calls := p.calls(); calls != 3 {
					t.Errorf("%d calls after replay %d", calls, i+1)
				}
			}
			if texts[0] != texts[1] {
				t.Errorf("first %s, then %s", texts[0], texts[1])
			}
		})
	}
}

func TestTheCallsOfATargetAreRecordedByItsTransport(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	p.script(`{"answers": [{"text": "` + after + `"}]}`)
	path := filepath.Join(t.TempDir(), "runs.jsonl")
	must(t, os.WriteFile(path, []byte(`{"prompt": "Where was the cat?", "output": "`+after+`"}`), 0o644))
	cache := c.open(f3dxcache.Record)
	sdk := newOpenAI(p.URL, option.WithHTTPClient(client(cache)))
	for range 2 {
		report, err := f3dxcache.ReplayTraces(t.Context(), path, func(ctx context.Context, row *f3dxcache.Row) (string, error) {
			completion, err := sdk.Chat.Completions.New(ctx, chat(row.Prompt()))
			if err != nil {
				return "", err
			}
			return completion.Choices[0].Message.Content, nil
		}, f3dxcache.ReplayOptions{Diff: f3dxcache.DiffOptions{Cache: cache}})
		must(t, err)
		if calls := p.calls(); !report.OK() || calls != 1 {
			t.Errorf("%d calls, %+v", calls, report.Rows)
		}
	}
}
