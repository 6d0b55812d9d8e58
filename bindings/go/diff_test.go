package f3dxcache

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// diffCase is a line of the table of comparisons that every language runs.
type diffCase struct {
	Name      string          `json:"name"`
	Options   json.RawMessage `json:"options"`
	Before    string          `json:"before"`
	After     string          `json:"after"`
	BeforeHex *string         `json:"before_hex"`
	AfterHex  *string         `json:"after_hex"`
	Models    *scripted       `json:"models"`
	Question  struct {
		System string `json:"system"`
		Prompt string `json:"prompt"`
	} `json:"question"`
	Expect struct {
		Verdict      Verdict   `json:"verdict"`
		Mode         DiffMode  `json:"mode"`
		NoteContains []string  `json:"note_contains"`
		Differences  *[]Change `json:"differences"`
		More         *int      `json:"more"`
		Score        rawScore  `json:"score"`
		Calls        *int      `json:"calls"`
	} `json:"expect"`
}

// rawScore tells null from absent.
type rawScore struct {
	given bool
	value *float64
}

func (s *rawScore) UnmarshalJSON(text []byte) error {
	s.given = true
	return json.Unmarshal(text, &s.value)
}

// scripted are models that say what a case scripts.
type scripted struct {
	Vectors map[string][]float64 `json:"vectors"`
	Replies []json.RawMessage    `json:"replies"`

	lock          sync.Mutex
	calls, judged int
}

func (m *scripted) call(_ context.Context, endpoint Endpoint, request []byte) ([]byte, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.calls++
	if endpoint == Embeddings {
		return EmbedFunc(m.embed).response(context.Background(), request)
	}
	if m.judged >= len(m.Replies) {
		return nil, errors.New("the case scripts no further reply")
	}
	reply := m.Replies[m.judged]
	m.judged++
	var fails struct{ Error *string }
	if json.Unmarshal(reply, &fails); fails.Error != nil {
		return nil, errors.New(*fails.Error)
	}
	if endpoint == Messages {
		return []byte(`{"content": [{"type": "text", "text": ` + string(reply) + `}]}`), nil
	}
	return []byte(`{"choices": [{"message": {"role": "assistant", "content": ` + string(reply) + `}}]}`), nil
}

func (m *scripted) embed(_ context.Context, texts []string) ([][]float64, error) {
	var vectors [][]float64
	for _, text := range texts {
		vector, ok := m.Vectors[text]
		if !ok {
			return nil, errors.New("no vector is scripted for " + text)
		}
		vectors = append(vectors, vector)
	}
	return vectors, nil
}

func readDiffOptions(t *testing.T, named json.RawMessage) DiffOptions {
	t.Helper()
	var read struct {
		Mode                DiffMode `json:"mode"`
		Ignore              []string `json:"ignore"`
		Epsilon             float64  `json:"epsilon"`
		Unordered           []string `json:"unordered"`
		FencedJSON          bool     `json:"fenced_json"`
		NestedJSON          bool     `json:"nested_json"`
		SameAbove           float64  `json:"same_above"`
		DifferentBelow      float64  `json:"different_below"`
		EmbeddingModel      string   `json:"embedding_model"`
		EmbeddingDimensions int      `json:"embedding_dimensions"`
		JudgeModel          string   `json:"judge_model"`
		JudgeAPI            string   `json:"judge_api"`
		JudgePrompt         string   `json:"judge_prompt"`
		Votes               int      `json:"votes"`
		MaxJudgeCalls       int      `json:"max_judge_calls"`
	}
	decoder := json.NewDecoder(strings.NewReader(string(named)))
	decoder.DisallowUnknownFields()
	told(t, decoder.Decode(&read))
	return DiffOptions{
		Mode: read.Mode, Ignore: read.Ignore, Epsilon: read.Epsilon, Unordered: read.Unordered,
		FencedJSON: read.FencedJSON, NestedJSON: read.NestedJSON, SameAbove: read.SameAbove,
		DifferentBelow: read.DifferentBelow, EmbeddingModel: read.EmbeddingModel,
		EmbeddingDimensions: read.EmbeddingDimensions, JudgeModel: read.JudgeModel, JudgeAPI: read.JudgeAPI,
		JudgePrompt: read.JudgePrompt, Votes: read.Votes, MaxJudgeCalls: read.MaxJudgeCalls,
	}
}

func output(t *testing.T, text string, digits *string) []byte {
	t.Helper()
	if digits == nil {
		return []byte(text)
	}
	bytes, err := hex.DecodeString(*digits)
	told(t, err)
	return bytes
}

func TestEveryCaseOfComparisonsHolds(t *testing.T) {
	for _, c := range cases[diffCase](t, "diff_cases.jsonl") {
		t.Run(c.Name, func(t *testing.T) {
			options := readDiffOptions(t, c.Options)
			options.System, options.Prompt = c.Question.System, c.Question.Prompt
			if c.Models != nil {
				options.Cache = opened(t, in(t), Options{Mode: Record})
				options.Call = c.Models.call
			}
			before, after := output(t, c.Before, c.BeforeHex), output(t, c.After, c.AfterHex)
			compared, err := Diff(before, after, options)
			told(t, err)
			c.check(t, compared)
			if c.Models == nil || c.Expect.Calls == nil {
				return
			}
			if c.Models.calls != *c.Expect.Calls {
				t.Errorf("%d calls, want %d", c.Models.calls, *c.Expect.Calls)
			}
			if compared.Verdict == Skipped || compared.Verdict == Failed {
				return
			}
			made := c.Models.calls
			again, err := Diff(before, after, options)
			told(t, err)
			again.Timings = compared.Timings
			if !reflect.DeepEqual(again, compared) || c.Models.calls != made {
				t.Errorf("the second time, with %d calls: %+v", c.Models.calls-made, again)
			}
		})
	}
}

func (c *diffCase) check(t *testing.T, compared *Comparison) {
	t.Helper()
	want := c.Expect
	if compared.Verdict != want.Verdict || want.Mode != "" && compared.Mode != want.Mode {
		t.Errorf("%s by %s, want %s by %s: %s", compared.Verdict, compared.Mode, want.Verdict, want.Mode, compared.Note)
	}
	if compared.OK() != (want.Verdict == "same" || want.Verdict == "equivalent") {
		t.Errorf("OK is %v", compared.OK())
	}
	for _, part := range want.NoteContains {
		if !strings.Contains(compared.Note, part) {
			t.Errorf("the note %q does not say %q", compared.Note, part)
		}
	}
	if want.Differences != nil && spelled(t, *want.Differences) != spelled(t, compared.Differences) {
		t.Errorf("differences %s, want %s", spelled(t, compared.Differences), spelled(t, *want.Differences))
	}
	if want.More != nil && compared.More != *want.More {
		t.Errorf("%d more, want %d", compared.More, *want.More)
	}
	if want.Score.given && !near(compared.Score, want.Score.value) {
		t.Errorf("score %v, want %v", compared.Score, want.Score.value)
	}
	if len(compared.Timings) == 0 {
		t.Error("no timings")
	}
}

func near(one, other *float64) bool {
	if one == nil || other == nil {
		return one == other
	}
	return math.Abs(*one-*other) < 1e-6
}

// spelled is a value's canonical JSON.
func spelled(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	told(t, err)
	text, err = Canonicalize(text)
	told(t, err)
	return string(text)
}

func TestWrongDiffOptionsAreErrorsThatNameThem(t *testing.T) {
	for says, options := range map[string]DiffOptions{
		"unknown variant `fuzzy`":         {Mode: "fuzzy"},
		"votes = 100":                     {Votes: 100},
		"invalid value: integer `-1`":     {Votes: -1},
		"same_above = 2":                  {SameAbove: 2},
		"different_below = 0.99 is above": {DifferentBelow: 0.99},
		"epsilon = -1":                    {Epsilon: -1},
		"encoder":                         {Encoder: "none"},
		"ignore = \"\"":                   {Ignore: []string{""}},
		"unsupported value: NaN":          {Epsilon: math.NaN()},
		"embedding":                       {Mode: Embedding},
		"judge":                           {Mode: Judge, JudgeModel: "j"},
	} {
		_, err := Diff([]byte("a"), []byte("b"), options)
		if !errors.Is(err, ErrInvalidArgument) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestDiffInAClosedCacheIsErrClosed(t *testing.T) {
	cache := opened(t, in(t), Options{Mode: Record})
	told(t, cache.Close())
	if _, err := Diff([]byte("a"), []byte("b"), DiffOptions{Cache: cache}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestWhatAModelCallSaysIsTheVerdict(t *testing.T) {
	for says, call := range map[string]ModelFunc{
		"no money left":                 fails("no money left"),
		"the model call panicked: oops": func(context.Context, Endpoint, []byte) ([]byte, error) { panic("oops") },
		"ended its goroutine":           func(context.Context, Endpoint, []byte) ([]byte, error) { runtime.Goexit(); return nil, nil },
	} {
		compared, err := Diff([]byte("a b"), []byte("c d"), DiffOptions{Mode: Judge, JudgeModel: "j", Call: call})
		if err != nil || compared.Verdict != Failed || !strings.Contains(compared.Note, says) {
			t.Errorf("%v, %v, want %q", compared, err, says)
		}
	}
}

func fails(message string) ModelFunc {
	return func(context.Context, Endpoint, []byte) ([]byte, error) { return nil, errors.New(message) }
}
