package f3dxcache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mock is the mock provider, which counts its calls.
type mock struct {
	URL string
	t   *testing.T
}

func newMock(t *testing.T, script string) *mock {
	t.Helper()
	command := exec.Command("python3", filepath.Join("..", "..", "tests", "mock_provider"), "--exit-with-stdin")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	told(t, err)
	stdout, err := command.StdoutPipe()
	told(t, err)
	told(t, command.Start())
	t.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	m := &mock{t: t}
	told(t, json.NewDecoder(stdout).Decode(m))
	response, err := http.Post(m.URL+"/_script", "application/json", strings.NewReader(script))
	told(t, err)
	defer response.Body.Close()
	if said, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", response.Status, said)
	}
	return m
}

func (m *mock) calls() (total int, byEndpoint map[string]int) {
	m.t.Helper()
	response, err := http.Get(m.URL + "/_calls")
	told(m.t, err)
	defer response.Body.Close()
	var counted struct {
		Total      int            `json:"total"`
		ByEndpoint map[string]int `json:"by_endpoint"`
	}
	told(m.t, json.NewDecoder(response.Body).Decode(&counted))
	return counted.Total, counted.ByEndpoint
}

const (
	equivalent = `{"differences": [], "verdict": "equivalent"}`
	recorded   = "The cat sat on the mat."
	reworded   = "The cat was sitting on the mat."
)

func script(t *testing.T, endpoint, judged string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"answers": []map[string]any{{"endpoint": endpoint, "text": judged}},
		"vectors": map[string]any{recorded: []float64{1, 0}, reworded: []float64{0.8, 0.6}},
	})
	told(t, err)
	return string(text)
}

func reword(context.Context, *Row) (string, error) { return reworded, nil }

// isFreeTheSecondTime replays twice with one cache, and returns the report.
func isFreeTheSecondTime(t *testing.T, m *mock, options ReplayOptions) *Report {
	t.Helper()
	line, err := json.Marshal(map[string]string{"prompt": "Where was the cat?", "output": recorded})
	told(t, err)
	path := written(t, string(line))
	options.Diff.Cache = opened(t, in(t), Options{Mode: Record})
	first := replayed(t, path, reword, options)
	made, _ := m.calls()
	second := replayed(t, path, reword, options)
	if again, _ := m.calls(); made == 0 || again != made {
		t.Errorf("%d calls, then %d", made, again-made)
	}
	if timeless(t, first) != timeless(t, second) {
		t.Errorf("first %s, then %s", timeless(t, first), timeless(t, second))
	}
	return first
}

func TestAJudgeAndEmbeddingsOfOpenAIAreFreeTheSecondTime(t *testing.T) {
	m := newMock(t, script(t, "POST /v1/chat/completions", equivalent))
	report := isFreeTheSecondTime(t, m, ReplayOptions{Diff: DiffOptions{
		EmbeddingModel: "text-embedding-3-small", JudgeModel: "gpt-4o", Call: OpenAIModel(m.URL+"/v1/", "key", nil),
	}})
	if row := report.Rows[0]; row.Verdict != Equivalent || row.Mode != Judge {
		t.Errorf("%+v", row)
	}
	if _, by := m.calls(); by["POST /v1/embeddings"] != 1 || by["POST /v1/chat/completions"] != 2 {
		t.Error(by)
	}
}

func TestAJudgeOfAnthropicIsFreeTheSecondTime(t *testing.T) {
	m := newMock(t, script(t, "POST /v1/messages", equivalent))
	report := isFreeTheSecondTime(t, m, ReplayOptions{Diff: DiffOptions{
		JudgeModel: "claude-sonnet-4-5", JudgeAPI: "anthropic", Call: AnthropicModel(m.URL, "key", &http.Client{}),
	}})
	if row := report.Rows[0]; row.Verdict != Equivalent || row.Mode != Judge {
		t.Errorf("%+v", row)
	}
}

func TestAJudgeMayGoThroughATransportOnTheSameCache(t *testing.T) {
	m := newMock(t, script(t, "POST /v1/chat/completions", equivalent))
	cache := opened(t, in(t), Options{Mode: Record, Hosts: []string{"127.0.0.1:*"}})
	client := &http.Client{Transport: &Transport{Cache: cache}}
	compared, err := Diff([]byte(recorded), []byte(reworded), DiffOptions{
		Mode: Judge, JudgeModel: "gpt-4o", Cache: cache, Call: OpenAIModel(m.URL+"/v1", "key", client),
	})
	told(t, err)
	if compared.Verdict != Equivalent {
		t.Error(compared)
	}
}

func TestWhatAProviderSaysIsInTheNote(t *testing.T) {
	m := newMock(t, `{"faults": [{"endpoint": "POST /v1/chat/completions", "times": 9, "status": 429}]}`)
	compared, err := Diff([]byte(recorded), []byte(reworded), DiffOptions{
		Mode: Judge, JudgeModel: "gpt-4o", Call: OpenAIModel(m.URL+"/v1", "key", nil),
	})
	told(t, err)
	if compared.Verdict != Failed ||
		!strings.Contains(compared.Note, "429 Too Many Requests: this request was asked to fail with status 429") {
		t.Error(compared)
	}
}

func TestTheMessageOfAProviderIsFoundInEveryShape(t *testing.T) {
	for body, want := range map[string]string{
		`{"error": {"message": "slow down"}}`: "slow down",
		`{"error": "slow down"}`:              "slow down",
		`{"message": "slow down"}`:            "slow down",
		`slow down`:                           "slow down",
		`{"error": {}}`:                       `{"error": {}}`,
		strings.Repeat("x", 1000):             strings.Repeat("x", 300) + "...",
	} {
		if said := providerMessage([]byte(body)); said != want {
			t.Errorf("%q, want %q", said, want)
		}
	}
}

func TestAModelOfAnotherAPIIsToldWithTheWayOut(t *testing.T) {
	for says, c := range map[string]struct {
		model    ModelFunc
		endpoint Endpoint
	}{
		"use AnthropicModel":        {OpenAIModel("", "", nil), Messages},
		"set Embed":                 {AnthropicModel("", "", nil), Embeddings},
		"set JudgeAPI to":           {AnthropicModel("", "", nil), ChatCompletions},
		"127.0.0.1:1/v1/embeddings": {OpenAIModel("http://127.0.0.1:1/v1", "", nil), Embeddings},
	} {
		if _, err := c.model(t.Context(), c.endpoint, []byte("{}")); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestEmbedMakesTheVectors(t *testing.T) {
	var texts []string
	options := DiffOptions{EmbeddingModel: "mine", Mode: Embedding,
		Embed: func(_ context.Context, asked []string) ([][]float64, error) {
			texts = append(texts, asked...)
			return [][]float64{{1, 0}, {1, 0.1}}, nil
		}}
	compared, err := Diff([]byte(recorded), []byte(reworded), options)
	told(t, err)
	if compared.Verdict != Same || len(texts) != 2 || texts[0] != recorded {
		t.Errorf("%v for %q", compared, texts)
	}
	options.Embed = func(context.Context, []string) ([][]float64, error) { return [][]float64{{1}}, nil }
	compared, err = Diff([]byte(recorded), []byte(reworded), options)
	told(t, err)
	if compared.Verdict != Failed || !strings.Contains(compared.Note, "1 vectors came for 2 texts") {
		t.Error(compared)
	}
}

func TestTheContextEndsAComparison(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	options := DiffOptions{Mode: Judge, JudgeModel: "j", Call: func(ctx context.Context, _ Endpoint, request []byte) ([]byte, error) {
		if !bytes.Contains(request, []byte(recorded)) {
			t.Errorf("%s", request)
		}
		cancel()
		return nil, ctx.Err()
	}}
	for range 2 {
		if _, err := DiffContext(ctx, []byte(recorded), []byte(reworded), options); !errors.Is(err, ErrStopped) ||
			!errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
