"""Bedrock's part of the mock provider, over plain HTTP."""

import http.client
import json
import struct
import zlib

import pytest

from .launch import MockProvider
from .plain import KEY, post

MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
UNARY = "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
STREAM = UNARY + "-stream"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
SPEC = {"name": "get_weather", "inputSchema": {"json": WEATHER}}
TOOLS = {"tools": [{"toolSpec": SPEC}]}


def asking(text: str, **options) -> dict:
    return {"messages": [{"role": "user", "content": [{"text": text}]}], **options}


def converse(provider: MockProvider, body: dict) -> dict:
    status, _, answer = post(provider, UNARY, body)
    assert status == 200, answer
    return json.loads(answer)


def frames(stream: bytes) -> list[tuple[dict, dict]]:
    """Reads a stream as the SDKs do, checksums and all."""
    found = []
    while stream:
        total, size, sum_of_lengths = struct.unpack(">III", stream[:12])
        message, stream = stream[:total], stream[total:]
        assert len(message) == total
        assert zlib.crc32(message[:8]) == sum_of_lengths
        assert zlib.crc32(message[:-4]) == int.from_bytes(message[-4:])
        headers, rest = {}, message[12 : 12 + size]
        while rest:
            name, rest = rest[1 : 1 + rest[0]].decode(), rest[1 + rest[0] :]
            kind, length = struct.unpack(">BH", rest[:3])
            assert kind == 7
            headers[name], rest = rest[3 : 3 + length].decode(), rest[3 + length :]
        found.append((headers, json.loads(message[12 + size : -4])))
    return found


def events(provider: MockProvider, body: dict) -> list[tuple[str, dict]]:
    status, headers, answer = post(provider, STREAM, body)
    assert status == 200, answer
    assert headers["content-type"] == "application/vnd.amazon.eventstream"
    found = frames(answer)
    assert {each[":message-type"] for each, _ in found} == {"event"}
    return [(each[":event-type"], value) for each, value in found]


def names(found: list[tuple[str, dict]]) -> list[str]:
    """The names of events, each run of one name once."""
    return [name for at, (name, _) in enumerate(found) if at == 0 or found[at - 1][0] != name]


def test_a_stream_says_what_the_unary_answer_says(provider):
    whole = converse(provider, asking("hello"))
    found = events(provider, asking("hello"))
    assert names(found) == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    text = "".join(value["delta"]["text"] for name, value in found if name == "contentBlockDelta")
    assert text == whole["output"]["message"]["content"][0]["text"] != ""
    assert found[-2][1]["stopReason"] == whole["stopReason"] == "end_turn"
    assert found[-1][1]["usage"] == whole["usage"]
    log = provider.calls()["log"]
    assert [(entry["model"], entry["stream"]) for entry in log] == [(MODEL, False), (MODEL, True)]


def test_an_answer_is_a_function_of_content_and_model(provider):
    first = converse(provider, asking("one"))
    assert first == converse(provider, asking("one"))
    assert first["output"] != converse(provider, asking("two"))["output"]
    _, _, other = post(provider, UNARY.replace("haiku", "sonnet"), asking("one"))
    assert first["output"] != json.loads(other)["output"]


def test_a_tool_is_used_and_its_result_answered(provider):
    body = asking("weather? [[tools:2]]", toolConfig=TOOLS)
    whole = converse(provider, body)
    used = [block["toolUse"] for block in whole["output"]["message"]["content"]]
    assert whole["stopReason"] == "tool_use" and len(used) == 2
    joined = ["", ""]
    for name, value in events(provider, body):
        if name == "contentBlockDelta":
            joined[value["contentBlockIndex"]] += value["delta"]["toolUse"]["input"]
    assert [json.loads(each) for each in joined] == [use["input"] for use in used]
    result = {"toolUseId": used[0]["toolUseId"], "content": [{"text": "rain"}]}
    told = {"role": "user", "content": [{"toolResult": result}]}
    body["messages"] += [whole["output"]["message"], told]
    assert converse(provider, body)["output"]["message"]["content"][0]["text"]


def test_max_tokens_shortens_the_answer(provider):
    short = converse(provider, asking("hello", inferenceConfig={"maxTokens": 2}))
    assert short["stopReason"] == "max_tokens"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_an_error_is_named_in_a_header(provider, status, name):
    found, headers, answer = post(provider, STREAM, asking(f"[[status:{status}]]"))
    assert found == status and json.loads(answer)["message"]
    assert headers["x-amzn-errortype"].split(":")[0] == name


def test_an_authorization_is_needed(provider):
    status, headers, _ = post(provider, UNARY, asking("hello"), {})
    assert status == 403 and headers["x-amzn-errortype"].startswith("AccessDeniedException")
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=test"}
    assert post(provider, UNARY, asking("hello"), signed)[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {},
        {"messages": []},
        {"messages": "hi"},
        {"messages": [{"role": "user", "content": "hi"}]},
        {"messages": [{"role": "user", "content": [{"text": 4}]}]},
        {"messages": [{"role": "system", "content": [{"text": "hi"}]}]},
        asking("hi", system="hi"),
        asking("hi", inferenceConfig={"maxTokens": 0}),
        asking("hi", toolConfig={"tools": [{"toolSpec": {}}]}),
        asking("hi", toolConfig={"tools": [{"toolSpec": {"name": "x", "inputSchema": 4}}]}),
        asking("[[stauts:400]]"),
    ],
    ids=str,
)
def test_a_bad_body_is_a_validation_exception(provider, body):
    status, headers, answer = post(provider, UNARY, body)
    assert status == 400 and json.loads(answer)["message"]
    assert headers["x-amzn-errortype"].startswith("ValidationException")


def test_an_error_in_a_stream_is_an_exception(provider):
    _, _, answer = post(provider, STREAM, asking("[[error-event:2]]"))
    *before, (headers, value) = frames(answer)
    assert len(before) == 2 and value["message"]
    assert headers[":message-type"] == "exception"
    assert headers[":exception-type"] == "internalServerException"


def test_a_stream_can_be_cut_or_end_early(provider):
    assert names(events(provider, asking("[[eof:99999]]")))[-1] == "messageStop"
    with pytest.raises(http.client.IncompleteRead):
        post(provider, STREAM, asking("[[cut:2]]"), KEY)


def test_a_stream_in_small_pieces_is_the_same_stream(provider):
    assert names(events(provider, asking("[[chunk:5]]")))[-1] == "metadata"
