// Package demo is the suite of ../suite/test_invoices.py once more, as its Go team would have it.
//
// Without embeddings, which the SDK for Go asks for in another encoding, and without Anthropic,
// whose SDK for Go sends a text as a list of blocks: both are other requests.
package demo

import (
	"fmt"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"

	"github.com/f3dx/f3dx-cache/bindings/go/cachetest"
)

const invoice = "Invoice 2024-0317, total 42.00 CHF, due on the 1st of May. What is the total?"

func TestMain(m *testing.M) { cachetest.Main(m) }

func ask(content string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    "gpt-4o",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(content)},
	}
}

func answer(t *testing.T, params openai.ChatCompletionNewParams) openai.ChatCompletionMessage {
	t.Helper()
	client := openai.NewClient()
	completion, err := client.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	return completion.Choices[0].Message
}

func TestAChatCompletionAnswers(t *testing.T) {
	for _, currency := range []string{"CHF", "EUR", "USD"} {
		params := ask(fmt.Sprintf("%s In %s, please.", invoice, currency))
		params.Temperature = openai.Float(0)
		if answer(t, params).Content == "" {
			t.Error(currency, "got no answer")
		}
	}
}

func TestAStreamedCompletionComesInPieces(t *testing.T) {
	client := openai.NewClient()
	stream := client.Chat.Completions.NewStreaming(t.Context(), ask(invoice))
	defer stream.Close()
	pieces := 0
	for stream.Next() {
		pieces++
	}
	if stream.Err() != nil || pieces < 2 {
		t.Errorf("%d pieces, %v", pieces, stream.Err())
	}
}

func TestAToolIsCalled(t *testing.T) {
	params := ask("Convert 42 CHF to EUR")
	params.Tools = []openai.ChatCompletionToolUnionParam{
		openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name:        "convert",
			Description: openai.String("Converts an amount of money"),
			Parameters: openai.FunctionParameters{
				"type": "object",
				"properties": map[string]any{
					"amount": map[string]any{"type": "number"},
					"to":     map[string]any{"type": "string"},
				},
				"required": []string{"amount", "to"},
			},
		}),
	}
	if name := answer(t, params).ToolCalls[0].Function.Name; name != "convert" {
		t.Error("called", name)
	}
}

func TestAResponseAnswers(t *testing.T) {
	client := openai.NewClient()
	response, err := client.Responses.New(t.Context(), responses.ResponseNewParams{
		Model: "gpt-4o",
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(invoice)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if response.OutputText() == "" {
		t.Error("got no answer")
	}
}

func TestTheSameQuestionIsPaidForOnce(t *testing.T) {
	for range 3 {
		if answer(t, ask("Is this invoice paid?")).Content == "" {
			t.Error("got no answer")
		}
	}
}
