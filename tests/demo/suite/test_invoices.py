"""A small suite as a team would have it: nothing in it knows of a cache."""

import anthropic
import openai
import pytest

INVOICE = "Invoice 2024-0317, total 42.00 CHF, due on the 1st of May. What is the total?"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "convert",
            "description": "Converts an amount of money",
            "parameters": {
                "type": "object",
                "properties": {"amount": {"type": "number"}, "to": {"type": "string"}},
                "required": ["amount", "to"],
            },
        },
    }
]


def ask(content: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize("currency", ["CHF", "EUR", "USD"])
def test_a_chat_completion_answers(currency):
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-4o", messages=ask(f"{INVOICE} In {currency}, please."), temperature=0
    )
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0


def test_a_streamed_completion_has_the_same_text_in_pieces():
    stream = openai.OpenAI().chat.completions.create(
        model="gpt-4o", messages=ask(INVOICE), stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert len(pieces) > 1
    assert "".join(pieces)


def test_a_tool_is_called():
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-4o", messages=ask("Convert 42 CHF to EUR"), tools=TOOLS
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "convert"


def test_texts_are_embedded():
    answer = openai.OpenAI().embeddings.create(
        model="text-embedding-3-small", input=["an invoice", "a bill"]
    )
    assert len(answer.data) == 2


async def test_a_response_answers_an_async_client():
    async with openai.AsyncOpenAI() as client:
        answer = await client.responses.create(model="gpt-4o", input=INVOICE)
    assert answer.output_text


def test_a_message_answers():
    answer = anthropic.Anthropic().messages.create(
        model="claude-haiku-5-5", max_tokens=200, messages=ask(INVOICE)
    )
    assert answer.content[0].text


def test_a_streamed_message_answers():
    with anthropic.Anthropic().messages.stream(
        model="claude-haiku-5-5", max_tokens=200, messages=ask(INVOICE)
    ) as stream:
        assert "".join(stream.text_stream)


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_question_is_paid_for_once(attempt):
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-4o", messages=ask("Is this invoice paid?")
    )
    assert answer.choices[0].message.content
