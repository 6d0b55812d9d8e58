"""Gemini's part of the mock provider, over plain HTTP."""

import http.client
import json
import math

import pytest

from .launch import MockProvider
from .plain import post

UNARY = "/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
EVENTS = STREAM + "?alt=sse"
EMBED = "/v1beta/models/gemini-embedding-001:embedContent"
BATCH = "/v1beta/models/gemini-embedding-001:batchEmbedContents"
KEY = {"x-goog-api-key": "test"}
WEATHER = {
    "type": "OBJECT",
    "properties": {
        "city": {"type": "STRING"},
        "days": {"type": "INTEGER", "minimum": 1, "maximum": 7},
    },
}
TOOLS = [{"functionDeclarations": [{"name": "get_weather", "parameters": WEATHER}]}]


def asking(text: str, **options) -> dict:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **options}


def generate(provider: MockProvider, body: dict, path: str = UNARY) -> dict:
    status, _, answer = post(provider, path, body, KEY)
    assert status == 200, answer
    return json.loads(answer)


def events(provider: MockProvider, body: dict) -> list[dict]:
    status, headers, answer = post(provider, EVENTS, body, KEY)
    assert status == 200 and headers["content-type"].startswith("text/event-stream")
    return [
        json.loads(each.removeprefix("data: ")) for each in answer.decode().split("\r\n\r\n")[:-1]
    ]


def parts(chunks: list[dict]) -> list[dict]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


def text(chunks: list[dict]) -> str:
    return "".join(part["text"] for part in parts(chunks))


def error(answer: bytes) -> dict:
    return json.loads(answer)["error"]


def test_a_stream_says_what_the_unary_answer_says(provider):
    whole = generate(provider, asking("hello"))
    chunks = events(provider, asking("hello"))
    assert text(chunks) == text([whole]) != ""
    assert len(chunks) > 3
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks[-2:]] == [None, "STOP"]
    assert chunks[-1]["usageMetadata"] == whole["usageMetadata"]
    assert whole["modelVersion"] == "gemini-2.5-flash"
    assert len({chunk["responseId"] for chunk in chunks}) == 1


def test_an_answer_is_a_function_of_content_and_model(provider):
    first, again = generate(provider, asking("one")), generate(provider, asking("one"))
    assert first["candidates"] == again["candidates"]
    assert first["responseId"] != again["responseId"]
    assert first["candidates"] != generate(provider, asking("two"))["candidates"]
    other = generate(provider, asking("one"), UNARY.replace("flash", "pro"))
    assert first["candidates"] != other["candidates"]
    stable = generate(provider, asking("one"), UNARY.replace("v1beta", "v1"))
    assert first["candidates"] == stable["candidates"]


def test_without_alt_a_stream_is_an_array(provider):
    status, headers, answer = post(provider, STREAM, asking("hello"), KEY)
    assert status == 200 and headers["content-type"].startswith("application/json")
    assert text(json.loads(answer)) == text(events(provider, asking("hello")))
    _, _, cut = post(provider, STREAM, asking("hello [[eof:99999]]"), KEY)
    assert b"finishReason" in cut and not cut.endswith(b"]")


def test_a_function_is_called_and_its_result_answered(provider):
    body = asking("weather? [[tools:2]]", tools=TOOLS)
    whole = generate(provider, body)
    called = parts([whole])
    assert [part["functionCall"]["name"] for part in called] == ["get_weather"] * 2
    assert 1 <= called[0]["functionCall"]["args"]["days"] <= 7
    assert whole["candidates"][0]["finishReason"] == "STOP"
    assert parts(events(provider, body))[:2] == called
    result = {"functionResponse": {"name": "get_weather", "response": {"output": "rain"}}}
    body["contents"] += [whole["candidates"][0]["content"], {"role": "user", "parts": [result]}]
    assert text([generate(provider, body)])


def test_functions_can_be_forbidden(provider):
    calling = {"functionCallingConfig": {"mode": "NONE"}}
    body = asking("weather?", tools=TOOLS, toolConfig=calling)
    assert text([generate(provider, body)])


def test_a_json_answer_fits_its_schema(provider):
    wanted = {"responseMimeType": "application/json", "responseSchema": WEATHER}
    answer = text([generate(provider, asking("weather", generationConfig=wanted))])
    assert json.loads(answer).keys() == WEATHER["properties"].keys()


def test_the_length_and_the_number_of_answers_are_kept(provider):
    limits = {"maxOutputTokens": 2, "candidateCount": 2}
    candidates = generate(provider, asking("hello", generationConfig=limits))["candidates"]
    assert [each["finishReason"] for each in candidates] == ["MAX_TOKENS"] * 2
    assert [each["index"] for each in candidates] == [0, 1]


def test_embeddings_come_one_by_one_or_in_a_batch(provider):
    content = {"parts": [{"text": "one"}]}
    one = generate(provider, {"content": content}, EMBED)["embedding"]["values"]
    assert len(one) == 3072 and math.isclose(math.hypot(*one), 1, abs_tol=1e-5)
    request = {"model": "models/gemini-embedding-001", "content": content}
    both = {"requests": [request, request | {"outputDimensionality": 8}]}
    made = [each["values"] for each in generate(provider, both, BATCH)["embeddings"]]
    assert made[0] == one and len(made[1]) == 8


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (403, "PERMISSION_DENIED"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
    ],
)
def test_an_error_has_the_shape_of_google(provider, status, name):
    body = asking(f"[[status:{status} retry-after=0]]")
    found, headers, answer = post(provider, EVENTS, body, KEY)
    assert (found, headers["retry-after"]) == (status, "0")
    assert error(answer)["code"] == status and error(answer)["status"] == name


def test_a_key_is_needed_in_the_header_or_the_query(provider):
    status, _, answer = post(provider, UNARY, asking("hello"), {})
    assert status == 403 and error(answer)["status"] == "PERMISSION_DENIED"
    assert post(provider, UNARY + "?key=test", asking("hello"), {})[0] == 200
    assert post(provider, EVENTS + "&key=test", asking("hello"), {})[0] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (UNARY, b"{"),
        (UNARY, {}),
        (UNARY, {"contents": []}),
        (UNARY, {"contents": "hi"}),
        (UNARY, {"contents": [{"role": "user"}]}),
        (UNARY, {"contents": [{"role": "user", "parts": []}]}),
        (UNARY, {"contents": [{"role": "user", "parts": [{"text": 4}]}]}),
        (UNARY, {"contents": [{"role": "king", "parts": [{"text": "hi"}]}]}),
        (UNARY, asking("hi", tools="all")),
        (UNARY, asking("hi", tools=[{"functionDeclarations": [{}]}])),
        (UNARY, asking("hi", generationConfig={"maxOutputTokens": "9"})),
        (UNARY, asking("[[stauts:400]]")),
        (EMBED, {}),
        (EMBED, {"content": {"parts": [{"text": "hi"}]}, "outputDimensionality": 9999}),
        (BATCH, {"requests": []}),
        (BATCH, {"requests": [{}]}),
    ],
    ids=str,
)
def test_a_bad_body_is_400_in_the_shape_of_google(provider, path, body):
    status, _, answer = post(provider, path, body, KEY)
    assert status == 400 and error(answer)["status"] == "INVALID_ARGUMENT"


def test_an_unknown_path_is_404_in_the_shape_of_google(provider):
    status, _, answer = post(provider, "/v1beta/models/gemini:dream", {}, KEY)
    assert status == 404 and error(answer)["status"] == "NOT_FOUND"


def test_an_error_in_a_stream_breaks_its_framing(provider):
    _, _, answer = post(provider, EVENTS, asking("[[error-event:2]]"), KEY)
    *chunks, last = answer.split(b"\r\n\r\n")
    assert len(chunks) == 2 and error(last)["status"] == "INTERNAL"
    _, _, answer = post(provider, EVENTS, asking("[[error-event:2 done=1]]"), KEY)
    *chunks, last = answer.split(b"\r\n\r\n")
    assert b"finishReason" in chunks[-1] and error(last)["status"] == "INTERNAL"
    _, _, answer = post(provider, STREAM, asking("[[error-event:2]]"), KEY)
    assert json.loads(answer)[2]["error"]["status"] == "INTERNAL"
    _, _, answer = post(provider, UNARY, asking("[[error-object]]"), KEY)
    assert error(answer)["status"] == "INTERNAL"


def test_a_stream_can_be_cut_or_end_early(provider):
    assert len(events(provider, asking("[[eof:2]]"))) == 2
    last = events(provider, asking("[[eof:99999]]"))[-1]
    assert "finishReason" not in last["candidates"][0]
    with pytest.raises(http.client.IncompleteRead):
        events(provider, asking("[[cut:2]]"))


def test_a_redirect_keeps_the_query(provider):
    status, headers, _ = post(provider, EVENTS, asking("[[redirect]]"), KEY)
    assert status == 307
    status, headers, _ = post(provider, headers["location"], asking("[[redirect]]"), KEY)
    assert status == 200 and headers["content-type"].startswith("text/event-stream")


def test_the_log_names_model_and_stream(provider):
    generate(provider, asking("hello"))
    events(provider, asking("hello"))
    calls = provider.calls()
    assert [(entry["model"], entry["stream"]) for entry in calls["log"]] == [
        ("gemini-2.5-flash", False),
        ("gemini-2.5-flash", True),
    ]
    assert calls["by_endpoint"] == {f"POST {UNARY}": 1, f"POST {STREAM}": 1}
    assert len({entry["digest"] for entry in calls["log"]}) == 1
