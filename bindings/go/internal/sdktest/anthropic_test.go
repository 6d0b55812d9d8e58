package sdktest

import (
	"context"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

func newAnthropic(url string, opts ...option.RequestOption) *anthropic.Client {
	client := anthropic.NewClient(append([]option.RequestOption{option.WithBaseURL(url), option.WithAPIKey("test")}, opts...)...)
	return &client
}

func message(prompt string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model:     "claude-sonnet-4-5",
		MaxTokens: 100,
		Messages:  []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
	}
}

func messageEvents(c *anthropic.Client, prompt string) (all []string, err error) {
	stream := c.Messages.NewStreaming(context.Background(), message(prompt))
	defer stream.Close()
	for stream.Next() {
		all = append(all, stream.Current().RawJSON())
	}
	return all, stream.Err()
}

func TestAnthropic(t *testing.T) {
	calls := map[string]func(*anthropic.Client) ([]string, error){
		"message": func(c *anthropic.Client) ([]string, error) {
			message, err := c.Messages.New(context.Background(), message("hi"))
			if err != nil {
				return nil, err
			}
			return []string{message.RawJSON()}, nil
		},
		"message stream": func(c *anthropic.Client) ([]string, error) {
			return messageEvents(c, "hi [[words:20]]")
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isRecordedAndReplayed(t, func(url string, cache *f3dxcache.Cache) ([]string, error) {
				return call(newAnthropic(url, option.WithHTTPClient(client(cache))))
			})
		})
		t.Run(name+" by middleware", func(t *testing.T) {
			t.Parallel()
			isRecordedAndReplayed(t, func(url string, cache *f3dxcache.Cache) ([]string, error) {
				return call(newAnthropic(url, option.WithMiddleware(cache.Middleware)))
			})
		})
	}
}

func TestAnthropicTellsAMissAtOnce(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	must(t, c.open(f3dxcache.Record).Close())
	replaying := c.open(f3dxcache.Replay)
	sdk := newAnthropic(p.URL, option.WithHTTPClient(client(replaying)), option.WithMaxRetries(10))
	_, err := sdk.Messages.New(t.Context(), message("ho"))
	isMiss(t, err, "not recorded")
	_, err = messageEvents(sdk, "ho")
	isMiss(t, err, "not recorded")
	summary, err := replaying.Summary()
	must(t, err)
	if summary.Misses != 2 || p.calls() != 0 {
		t.Errorf("%d calls, %s", p.calls(), summary.Text)
	}
}
