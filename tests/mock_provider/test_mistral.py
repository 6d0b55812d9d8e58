"""Mistral's part of the mock provider, over plain HTTP."""

import http.client
import json

import pytest

from .launch import MockProvider
from .plain import KEY, post

CHAT = "/v1/chat/completions"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]


def asking(text: str, **options) -> dict:
    messages = [{"role": "user", "content": text}]
    return {"model": "mistral-small-latest", "messages": messages, **options}


def chat(provider: MockProvider, body: dict) -> dict:
    status, _, answer = post(provider, CHAT, body)
    assert status == 200, answer
    return json.loads(answer)


def chunks(provider: MockProvider, body: dict) -> list[dict]:
    status, _, answer = post(provider, CHAT, body | {"stream": True})
    assert status == 200, answer
    *events, done, rest = answer.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_a_stream_says_what_the_unary_answer_says(provider):
    whole = chat(provider, asking("hello"))
    streamed = chunks(provider, asking("hello"))
    text = "".join(each["choices"][0]["delta"]["content"] for each in streamed)
    assert text == whole["choices"][0]["message"]["content"] != ""
    assert streamed[0]["choices"][0]["delta"]["role"] == "assistant"
    assert streamed[-1]["choices"][0]["finish_reason"] == "stop"
    assert streamed[-1]["usage"] == whole["usage"]
    assert not any("usage" in each for each in streamed[:-1])


def test_a_tool_call_comes_in_one_piece_and_is_answered(provider):
    body = asking("weather? [[tools:2]]", tools=TOOLS)
    choice = chat(provider, body)["choices"][0]
    called = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert all(len(each["id"]) == 9 and each["id"].isalnum() for each in called)
    assert called[0]["id"] != called[1]["id"]
    streamed = chunks(provider, body)[-1]["choices"][0]["delta"]["tool_calls"]
    assert [each["function"] for each in streamed] == [each["function"] for each in called]
    result = {"role": "tool", "tool_call_id": called[0]["id"], "content": "rain"}
    body["messages"] += [choice["message"], result]
    assert chat(provider, body)["choices"][0]["message"]["content"]


def test_embeddings_have_an_id_and_the_dimensions_of_the_model(provider):
    def embed(**options) -> dict:
        body = {"model": "mistral-embed", "input": ["one"], **options}
        return json.loads(post(provider, "/v1/embeddings", body)[2])

    assert embed()["id"]
    assert len(embed()["data"][0]["embedding"]) == 1024
    assert len(embed(output_dimension=8)["data"][0]["embedding"]) == 8


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "unauthorized"), (429, "rate_limited"), (400, "invalid_request_error")],
)
def test_an_error_has_the_shape_of_mistral(provider, status, kind):
    found, _, answer = post(provider, CHAT, asking(f"[[status:{status}]]"))
    error = json.loads(answer)
    assert found == status
    assert (error["object"], error["type"]) == ("error", kind) and error["message"]


@pytest.mark.parametrize("wrong", [{"messages": []}, {"tools": "all"}, {"n": 0}])
def test_a_bad_body_is_400_in_the_shape_of_mistral(provider, wrong):
    status, _, answer = post(provider, CHAT, asking("hello") | wrong)
    assert status == 400 and json.loads(answer)["object"] == "error"


def test_a_stream_can_be_cut_or_hold_an_error(provider):
    with pytest.raises(http.client.IncompleteRead):
        chunks(provider, asking("[[cut:2]]"))
    error = chunks(provider, asking("[[error-event:2 done=1]]"))[-1]
    assert error["object"] == "error"


def test_other_models_are_answered_as_by_openai(provider):
    answer = chat(provider, asking("hello") | {"model": "gpt-4o"})
    assert answer["id"].startswith("chatcmpl-")
    assert post(provider, CHAT, {"model": "mistral-small-latest"}, {})[0] == 401
    assert post(provider, CHAT, {"model": "mistral-small-latest"}, KEY)[0] == 400
