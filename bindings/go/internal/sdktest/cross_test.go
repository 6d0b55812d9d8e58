package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3/option"

	f3dxcache "github.com/f3dx/f3dx-cache/bindings/go"
)

// inPython makes the calls of inGo, and prints what they gave.
const inPython = `
import json, sys
import anthropic, f3dx_cache, openai

path, mode, url = sys.argv[1:]
with f3dx_cache.use(path=path, mode=mode, hosts=["127.0.0.1:*"]):
    gpt = openai.OpenAI(base_url=url + "/v1", api_key="test", max_retries=0)
    claude = anthropic.Anthropic(base_url=url, api_key="test", max_retries=0)
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi [[words:20]]"}]}
    message = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    streamed = list(gpt.chat.completions.create(**chat, stream=True))
    print(json.dumps([
        gpt.chat.completions.create(**chat).id,
        streamed[0].id,
        "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices),
        gpt.responses.create(model="gpt-4o", input="hi").id,
        claude.messages.create(**message).id,
    ]))
`

func inGo(url string, cache *f3dxcache.Cache) (gave []string, err error) {
	ctx := context.Background()
	gpt := newOpenAI(url, option.WithHTTPClient(client(cache)))
	claude := newAnthropic(url, anthropicoption.WithHTTPClient(client(cache)))
	completion, err := gpt.Chat.Completions.New(ctx, chat("hi [[words:20]]"))
	if err != nil {
		return nil, err
	}
	stream := gpt.Chat.Completions.NewStreaming(ctx, chat("hi [[words:20]]"))
	defer stream.Close()
	var id, content string
	for stream.Next() {
		chunk := stream.Current()
		id = chunk.ID
		for _, choice := range chunk.Choices {
			content += choice.Delta.Content
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	response, err := gpt.Responses.New(ctx, responseTo("hi"))
	if err != nil {
		return nil, err
	}
	message, err := claude.Messages.New(ctx, message("hi"))
	if err != nil {
		return nil, err
	}
	return []string{completion.ID, id, content, response.ID, message.ID}, nil
}

// interpreter returns the Python that has the package; it skips the test where there is none.
func interpreter(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "..", ".venv", "bin", "python"))
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Skip("the Python package is not built: make python")
	}
	return path
}

// python runs the calls in Python.
func python(t *testing.T, path string, mode f3dxcache.Mode, url string) []string {
	t.Helper()
	command := exec.Command(interpreter(t), "-c", inPython, path, string(mode), url)
	var said, failed bytes.Buffer
	command.Stdout, command.Stderr = &said, &failed
	if err := command.Run(); err != nil {
		t.Fatalf("python: %v: %s", err, failed.String())
	}
	var gave []string
	must(t, json.Unmarshal(said.Bytes(), &gave))
	return gave
}

func TestWhatPythonRecordedGoReplays(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	recorded := python(t, c.path, f3dxcache.Record, p.URL)
	p.stop()
	before := c.bytes()
	replaying := c.open(f3dxcache.Replay)
	replayed, err := inGo(p.URL, replaying)
	must(t, err)
	if strings.Join(recorded, "|") != strings.Join(replayed, "|") {
		t.Errorf("recorded %q, replayed %q", recorded, replayed)
	}
	must(t, replaying.Close())
	if !bytes.Equal(before, c.bytes()) {
		t.Error("the file changed")
	}
}

func TestWhatGoRecordedPythonReplays(t *testing.T) {
	p, c := newProvider(t), newCache(t)
	recording := c.open(f3dxcache.Record)
	recorded, err := inGo(p.URL, recording)
	must(t, err)
	must(t, recording.Close())
	p.stop()
	before := c.bytes()
	replayed := python(t, c.path, f3dxcache.Replay, p.URL)
	if strings.Join(recorded, "|") != strings.Join(replayed, "|") {
		t.Errorf("recorded %q, replayed %q", recorded, replayed)
	}
	if !bytes.Equal(before, c.bytes()) {
		t.Error("the file changed")
	}
}

func TestPythonAndGoThatRecordAtOnceCallOnceForEachPrompt(t *testing.T) {
	// A skip must not leave the goroutine behind.
	interpreter(t)
	p, c := newProvider(t), newCache(t)
	recording := c.open(f3dxcache.Record)
	type outcome struct {
		gave []string
		err  error
	}
	ofGo := make(chan outcome, 1)
	go func() {
		gave, err := inGo(p.URL, recording)
		ofGo <- outcome{gave, err}
	}()
	ofPython := python(t, c.path, f3dxcache.Record, p.URL)
	got := <-ofGo
	must(t, got.err)
	must(t, recording.Close())
	if strings.Join(got.gave, "|") != strings.Join(ofPython, "|") {
		t.Errorf("Go got %q, Python %q", got.gave, ofPython)
	}
	if calls := p.calls(); calls != 4 {
		t.Errorf("%d calls for 4 prompts", calls)
	}
	state, err := f3dxcache.Verify(c.path)
	if err != nil || state.Intact != 4 || len(state.Flaws) != 0 {
		t.Errorf("%+v, %v", state, err)
	}
}
