package sdktest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

func newOpenAI(url string, opts ...option.RequestOption) *openai.Client {
	client := openai.NewClient(append([]option.RequestOption{option.WithBaseURL(url + "/v1/"), option.WithAPIKey("test")}, opts...)...)
	return &client
}

func chat(prompt string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    "gpt-4o",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
	}
}

func responseTo(prompt string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: "gpt-4o", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(prompt)},
	}
}

// raws reads a stream to its end.
func raws[T interface{ RawJSON() string }](stream *ssestream.Stream[T]) (all []string, err error) {
	defer stream.Close()
	for stream.Next() {
		all = append(all, stream.Current().RawJSON())
	}
	return all, stream.Err()
}

func TestOpenAI(t *testing.T) {
	ctx := context.Background()
	calls := map[string]func(*openai.Client) ([]string, error){
		"chat": func(c *openai.Client) ([]string, error) {
			completion, err := c.Chat.Completions.New(ctx, chat("hi [[words:20]]"))
			if err != nil {
				return nil, err
			}
			return []string{completion.RawJSON()}, nil
		},
		"chat stream": func(c *openai.Client) ([]string, error) {
			return raws(c.Chat.Completions.NewStreaming(ctx, chat("hi [[words:20]]")))
		},
		"chat stream in small pieces": func(c *openai.Client) ([]string, error) {
			return raws(c.Chat.Completions.NewStreaming(ctx, chat("hi [[chunk:7]]")))
		},
		"chat gzip": func(c *openai.Client) ([]string, error) {
			completion, err := c.Chat.Completions.New(ctx, chat("hi [[gzip]]"))
			if err != nil {
				return nil, err
			}
			return []string{completion.RawJSON()}, nil
		},
		"responses": func(c *openai.Client) ([]string, error) {
			response, err := c.Responses.New(ctx, responseTo("hi"))
			if err != nil {
				return nil, err
			}
			return []string{response.RawJSON()}, nil
		},
		"responses stream": func(c *openai.Client) ([]string, error) {
			return raws(c.Responses.NewStreaming(ctx, responseTo("hi")))
		},
		"embeddings": func(c *openai.Client) ([]string, error) {
			embedding, err := c.Embeddings.New(ctx, openai.EmbeddingNewParams{
				Model: openai.EmbeddingModelTextEmbedding3Small,
				Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("hi")},
			})
			if err != nil {
				return nil, err
			}
			return []string{embedding.RawJSON()}, nil
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isRecordedAndReplayed(t, func(url string, cache *f3dxcache.Cache) ([]string, error) {
				return call(newOpenAI(url, option.WithHTTPClient(client(cache))))
			})
		})
		t.Run(name+" by middleware", func(t *testing.T) {
			t.Parallel()
			isRecordedAndReplayed(t, func(url string, cache *f3dxcache.Cache) ([]string, error) {
				return call(newOpenAI(url, option.WithMiddleware(cache.Middleware)))
			})
		})
	}
}

func TestOpenAITellsAMissAtOnce(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	recording := c.open(f3dxcache.Record)
	_, err := newOpenAI(p.URL, option.WithHTTPClient(client(recording))).Chat.Completions.New(t.Context(), chat("hi"))
	must(t, err)
	for _, how := range []string{"transport", "middleware"} {
		t.Run(how, func(t *testing.T) {
			replaying := c.open(f3dxcache.Replay)
			with := option.WithHTTPClient(client(replaying))
			if how == "middleware" {
				with = option.WithMiddleware(replaying.Middleware)
			}
			// Ten retries would take a minute.
			sdk := newOpenAI(p.URL, with, option.WithMaxRetries(10))
			_, err := sdk.Chat.Completions.New(t.Context(), chat("ho"))
			isMiss(t, err, "/body/messages/0/content")
			stream := sdk.Chat.Completions.NewStreaming(t.Context(), chat("ho"))
			if stream.Next() {
				t.Error("a miss gave an event")
			}
			isMiss(t, stream.Err(), "/body/")
			summary, err := replaying.Summary()
			must(t, err)
			if summary.Misses != 2 {
				t.Errorf("a miss was tried again: %s", summary.Text)
			}
		})
	}
	if calls := p.calls(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func isMiss(t *testing.T, err error, says string) {
	t.Helper()
	var miss *f3dxcache.MissError
	if !errors.As(err, &miss) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v is no miss that says %s", err, says)
	}
}

func TestOpenAIRetriesWithItsBody(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	recording := c.open(f3dxcache.Record)
	prompt := "hi [[status:500 retry-after-ms=1 times=1]]"
	completion, err := newOpenAI(p.URL, option.WithHTTPClient(client(recording))).Chat.Completions.New(t.Context(), chat(prompt))
	must(t, err)
	if calls := p.calls(); calls != 2 {
		t.Errorf("%d calls", calls)
	}
	again, err := newOpenAI(p.URL, option.WithHTTPClient(client(c.open(f3dxcache.Replay)))).Chat.Completions.New(t.Context(), chat(prompt))
	must(t, err)
	if again.RawJSON() != completion.RawJSON() {
		t.Error(again.RawJSON())
	}
}

func TestAStreamThatOpenAILeavesIsRecorded(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	recording := c.open(f3dxcache.Record)
	prompt := chat("hi [[hold:2]] [[words:20]]")
	stream := newOpenAI(p.URL, option.WithHTTPClient(client(recording))).Chat.Completions.NewStreaming(t.Context(), prompt)
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	must(t, stream.Close())
	p.release()
	must(t, recording.Close())
	all, err := raws(newOpenAI(p.URL, option.WithHTTPClient(client(c.open(f3dxcache.Replay)))).Chat.Completions.NewStreaming(t.Context(), prompt))
	if err != nil || len(all) < 10 {
		t.Errorf("%d events, %v", len(all), err)
	}
	if calls := p.calls(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestOfManyOpenAICallsOneIsSent(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	sdk := newOpenAI(p.URL, option.WithHTTPClient(client(c.open(f3dxcache.Record))))
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			events, err := raws(sdk.Chat.Completions.NewStreaming(context.Background(), chat("hi [[slow:ms=50]]")))
			if err != nil || len(events) == 0 {
				t.Errorf("%d events, %v", len(events), err)
			}
		})
	}
	all.Wait()
	if calls := p.calls(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}
