package f3dxcache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Endpoint is which of a provider's endpoints a request is for.
type Endpoint string

// The endpoints.
const (
	// Embeddings is /v1/embeddings of OpenAI.
	Embeddings Endpoint = "embeddings"
	// ChatCompletions is /v1/chat/completions of OpenAI, which many providers speak.
	ChatCompletions Endpoint = "chat_completions"
	// Messages is /v1/messages of Anthropic.
	Messages Endpoint = "messages"
)

// Path returns where the endpoint is, relative to the base URL that SDKs have:
// "chat/completions" below OpenAI's ".../v1", "v1/messages" below Anthropic's.
func (e Endpoint) Path() string {
	switch e {
	case ChatCompletions:
		return "chat/completions"
	case Messages:
		return "v1/messages"
	default:
		return string(e)
	}
}

// ModelFunc calls a model: it sends a JSON request and returns the JSON response. The
// library builds the request, caches the pair and reads the response. It is called from
// several goroutines at once.
//
// openai-go, and with the same lines anthropic-sdk-go for a judge of JudgeAPI "anthropic":
//
//	func(ctx context.Context, endpoint f3dxcache.Endpoint, request []byte) (response []byte, err error) {
//		err = client.Post(ctx, endpoint.Path(), json.RawMessage(request), &response)
//		return response, err
//	}
type ModelFunc func(ctx context.Context, endpoint Endpoint, request []byte) ([]byte, error)

// EmbedFunc makes a vector of each text. It is called from several goroutines at once.
type EmbedFunc func(ctx context.Context, texts []string) ([][]float64, error)

// response answers a request for embeddings.
func (f EmbedFunc) response(ctx context.Context, request []byte) ([]byte, error) {
	var asked struct {
		Input []string `json:"input"`
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return nil, err
	}
	vectors, err := f(ctx, asked.Input)
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(asked.Input) {
		return nil, fmt.Errorf("%d vectors came for %d texts", len(vectors), len(asked.Input))
	}
	type embedding struct {
		Index     int       `json:"index"`
		Embedding []float64 `json:"embedding"`
	}
	data := make([]embedding, len(vectors))
	for i, vector := range vectors {
		data[i] = embedding{i, vector}
	}
	return json.Marshal(map[string]any{"data": data})
}

// OpenAIModel calls models through the API of OpenAI, which many providers speak, without an
// SDK. baseURL is that of SDKs, "" for "https://api.openai.com/v1"; apiKey may be "" where
// none is needed; client may be nil, for http.DefaultClient.
func OpenAIModel(baseURL, apiKey string, client *http.Client) ModelFunc {
	if baseURL == "" {
		baseURL = "https://api.openai.com/v1"
	}
	header := http.Header{}
	if apiKey != "" {
		header.Set("Authorization", "Bearer "+apiKey)
	}
	return func(ctx context.Context, endpoint Endpoint, request []byte) ([]byte, error) {
		if endpoint == Messages {
			return nil, errors.New("OpenAIModel does not speak Anthropic's API: use AnthropicModel, or JudgeAPI \"openai\"")
		}
		return post(ctx, client, baseURL, endpoint, header, request)
	}
}

// AnthropicModel calls models through the API of Anthropic, for a judge of JudgeAPI
// "anthropic", without an SDK. baseURL is that of SDKs, "" for "https://api.anthropic.com";
// client may be nil, for http.DefaultClient.
func AnthropicModel(baseURL, apiKey string, client *http.Client) ModelFunc {
	if baseURL == "" {
		baseURL = "https://api.anthropic.com"
	}
	header := http.Header{"Anthropic-Version": {"2023-06-01"}}
	if apiKey != "" {
		header.Set("X-Api-Key", apiKey)
	}
	return func(ctx context.Context, endpoint Endpoint, request []byte) ([]byte, error) {
		switch endpoint {
		case Embeddings:
			return nil, errors.New("there are no embeddings of Anthropic: set Embed, or leave EmbeddingModel out")
		case ChatCompletions:
			return nil, errors.New("AnthropicModel does not speak OpenAI's API: set JudgeAPI to \"anthropic\"")
		default:
			return post(ctx, client, baseURL, endpoint, header, request)
		}
	}
}

// longestResponse bounds what is read: vectors of some thousand numbers are 100 KB.
const longestResponse = 64 << 20

func post(ctx context.Context, client *http.Client, baseURL string, endpoint Endpoint, header http.Header,
	request []byte) ([]byte, error) {
	url := strings.TrimSuffix(baseURL, "/") + "/" + endpoint.Path()
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	call.Header = header.Clone()
	call.Header.Set("Content-Type", "application/json")
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(call)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestResponse))
	if err != nil {
		return nil, fmt.Errorf("POST %s: %w", url, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("POST %s: %s: %s", url, response.Status, providerMessage(body))
	}
	return body, nil
}

// providerMessage is what a provider says went wrong.
func providerMessage(body []byte) string {
	var said struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	var inner struct {
		Message string `json:"message"`
	}
	var text string
	json.Unmarshal(body, &said)
	json.Unmarshal(said.Error, &inner)
	json.Unmarshal(said.Error, &text)
	for _, message := range []string{inner.Message, text, said.Message} {
		if message != "" {
			return message
		}
	}
	const most = 300
	if len(body) > most {
		return strings.ToValidUTF8(string(body[:most]), "") + "..."
	}
	return string(body)
}
