"""The mock provider, seen through the real SDKs and over plain HTTP."""

import asyncio
import base64
import gzip
import http.client
import json
import math
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import openai
import pytest

from .launch import MockProvider, mock_provider
from .plain import KEY, post

CHAT = "/v1/chat/completions"
WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit", "days"],
}


@pytest.fixture
def gpt(provider: MockProvider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=provider.openai_url, api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(provider: MockProvider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=provider.url, api_key="sk-ant", max_retries=0) as client:
        yield client


def user(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]


def chat(client: openai.OpenAI, text: str, **options):
    return client.chat.completions.create(model="gpt-4o", messages=user(text), **options)


def message(client: anthropic.Anthropic, text: str, **options):
    return client.messages.create(
        model="claude-haiku-4-5", max_tokens=200, messages=user(text), **options
    )


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def chat_body(text: str, **options) -> dict:
    return {"model": "gpt-4o", "messages": user(text), **options}


# Answers


def test_an_answer_is_a_function_of_the_content(gpt):
    first, again, other = chat(gpt, "one"), chat(gpt, "one"), chat(gpt, "two")
    assert first.choices[0].message.content == again.choices[0].message.content
    assert first.choices[0].message.content != other.choices[0].message.content
    assert first.usage == again.usage


def test_an_id_tells_a_second_call_from_a_replay(gpt):
    first, again = chat(gpt, "one"), chat(gpt, "one")
    assert first.id != again.id
    assert first._request_id != again._request_id
    assert int(again.id[-6:]) == int(first.id[-6:]) + 1


def test_a_streamed_chat_says_what_the_unary_one_says(gpt):
    whole = chat(gpt, "hello")
    chunks = list(chat(gpt, "hello", stream=True, stream_options={"include_usage": True}))
    texts = [each.choices[0].delta.content for each in chunks if each.choices]
    assert "".join(text or "" for text in texts) == whole.choices[0].message.content
    assert len([text for text in texts if text]) > 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    assert len({each.id for each in chunks}) == 1


def test_a_chat_stream_ends_with_done(provider):
    _, headers, body = post(provider, CHAT, chat_body("hello", stream=True))
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["transfer-encoding"] == "chunked"
    assert body.endswith(b"data: [DONE]\n\n")


def test_chat_gives_as_many_choices_as_asked_for(gpt):
    texts = [choice.message.content for choice in chat(gpt, "hello", n=3).choices]
    assert len(set(texts)) == 3


def test_max_tokens_shortens_the_answer(gpt, claude):
    assert chat(gpt, "hello", max_tokens=2).choices[0].finish_reason == "length"
    short = claude.messages.create(model="claude", max_tokens=2, messages=user("hello"))
    assert short.stop_reason == "max_tokens"
    assert gpt.responses.create(model="gpt-4o", input="hi", max_output_tokens=2).status == (
        "incomplete"
    )


def test_chat_calls_a_tool_and_then_answers_with_its_result(gpt):
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
    asked = chat(gpt, "weather?", tools=tools).choices[0]
    call = asked.message.tool_calls[0]
    assert asked.finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    arguments = json.loads(call.function.arguments)
    assert arguments["unit"] in ("celsius", "fahrenheit") and 1 <= arguments["days"] <= 7
    told = gpt.chat.completions.create(
        model="gpt-4o",
        tools=tools,
        messages=[
            *user("weather?"),
            asked.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "rain"},
        ],
    ).choices[0]
    assert told.finish_reason == "stop" and told.message.content


def test_a_streamed_tool_call_comes_in_fragments(gpt):
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
    whole = chat(gpt, "weather? [[tools:2]]", tools=tools).choices[0].message.tool_calls
    joined: dict[int, str] = {}
    for chunk in chat(gpt, "weather? [[tools:2]]", tools=tools, stream=True):
        for part in chunk.choices[0].delta.tool_calls or []:
            joined[part.index] = joined.get(part.index, "") + part.function.arguments
    assert [joined[0], joined[1]] == [call.function.arguments for call in whole]
    assert chunk.choices[0].finish_reason == "tool_calls"


def test_json_answers_fit_the_schema(gpt, claude):
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER}}
    answer = chat(gpt, "weather", response_format=wanted).choices[0].message.content
    assert json.loads(answer).keys() == WEATHER["properties"].keys()
    answer = gpt.responses.create(
        model="gpt-4o",
        input="weather",
        text={"format": {"type": "json_schema", "name": "weather", "schema": WEATHER}},
    ).output_text
    assert json.loads(answer).keys() == WEATHER["properties"].keys()
    config = {"format": {"type": "json_schema", "schema": WEATHER}}
    answer = message(claude, "weather", output_config=config).content[0].text
    assert json.loads(answer).keys() == WEATHER["properties"].keys()
    plain = chat(gpt, "weather", response_format={"type": "json_object"})
    assert isinstance(json.loads(plain.choices[0].message.content), dict)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {name: {"$ref": "#"} for name in "abcdefghij"}},
        {"anyOf": [{"$ref": "#"}]},
        {"allOf": [{"$ref": "#"}]},
        {"type": "array", "minItems": 100, "items": {"$ref": "#"}},
    ],
)
def test_a_schema_without_an_end_gets_an_answer(gpt, schema):
    wanted = {"type": "json_schema", "json_schema": {"name": "endless", "schema": schema}}
    json.loads(chat(gpt, "hello", response_format=wanted).choices[0].message.content)


def test_a_streamed_response_has_the_documented_events(gpt):
    whole = gpt.responses.create(model="gpt-4o", input="hello")
    events = list(gpt.responses.create(model="gpt-4o", input="hello", stream=True))
    deltas = [event for event in events if event.type == "response.output_text.delta"]
    others = [event.type for event in events if event not in deltas]
    assert others == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event.delta for event in deltas) == whole.output_text != ""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.usage == whole.usage


def test_a_response_calls_a_function_and_then_answers_with_its_result(gpt):
    tools = [{"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}]
    options = {"model": "gpt-4o", "tools": tools}
    call = gpt.responses.create(input="weather?", **options).output[0]
    assert call.type == "function_call" and call.name == "get_weather"
    with gpt.responses.stream(input="weather?", **options) as stream:
        assert stream.get_final_response().output[0].arguments == call.arguments
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    asked = [{"role": "user", "content": "weather?"}, call.model_dump(exclude_none=True), result]
    assert gpt.responses.create(input=asked, **options).output_text


def test_embeddings_are_unit_vectors_of_the_text(gpt):
    def embed(text, **options):
        options = {"model": "text-embedding-3-small"} | options
        return gpt.embeddings.create(input=text, **options).data[0].embedding

    first = embed("a red apple on a table")
    assert first == embed("a red apple on a table")
    assert len(first) == 1536
    assert math.isclose(math.hypot(*first), 1, abs_tol=1e-5)
    assert first == embed("a red apple on a table", encoding_format="float")
    assert len(embed("one", dimensions=64)) == 64
    assert len(embed("one", model="text-embedding-3-large")) == 3072
    near, far = embed("a green apple on a table"), embed("stock prices fell sharply")
    assert likeness(first, near) > 0.6 > likeness(first, far)


def test_embeddings_of_a_batch_come_in_order_and_in_base64(provider, gpt):
    both = gpt.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    one = gpt.embeddings.create(model="text-embedding-3-small", input="one")
    assert [each.index for each in both.data] == [0, 1]
    assert both.data[0].embedding == one.data[0].embedding != both.data[1].embedding
    body = {"model": "text-embedding-3-small", "input": "one", "encoding_format": "base64"}
    raw = base64.b64decode(
        json.loads(post(provider, "/v1/embeddings", body)[2])["data"][0]["embedding"]
    )
    assert list(struct.unpack("<1536f", raw)) == one.data[0].embedding


def test_messages_say_the_same_streamed_or_not(claude):
    whole = message(claude, "hello")
    kinds = [event.type for event in message(claude, "hello", stream=True)]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    with claude.messages.stream(
        model="claude-haiku-4-5", max_tokens=200, messages=user("hello")
    ) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == whole.content[0].text
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.stop_reason == whole.stop_reason == "end_turn"
    assert whole._request_id.startswith("req_")


def test_a_message_stream_has_a_ping(provider):
    body = {"model": "claude", "max_tokens": 9, "messages": user("hello"), "stream": True}
    assert b'event: ping\ndata: {"type":"ping"}\n\n' in post(provider, "/v1/messages", body)[2]


def test_messages_use_a_tool_and_then_answer_with_its_result(claude):
    tools = [{"name": "get_weather", "input_schema": WEATHER}]
    asked = message(claude, "weather?", tools=tools)
    used = asked.content[0]
    assert asked.stop_reason == "tool_use" and used.name == "get_weather"
    with claude.messages.stream(
        model="claude-haiku-4-5", max_tokens=200, messages=user("weather?"), tools=tools
    ) as stream:
        assert stream.get_final_message().content[0].input == used.input
    result = {"type": "tool_result", "tool_use_id": used.id, "content": "rain"}
    told = claude.messages.create(
        model="claude-haiku-4-5",
        max_tokens=200,
        tools=tools,
        messages=[
            *user("weather?"),
            {"role": "assistant", "content": [used.model_dump(exclude_none=True)]},
            {"role": "user", "content": [result]},
        ],
    )
    assert told.content[0].text


def test_models_are_listed_in_both_shapes(gpt, claude):
    assert "gpt-4o" in [model.id for model in gpt.models.list()]
    assert "claude-haiku-4-5" in [model.id for model in claude.models.list()]
    assert gpt.models.retrieve("gpt-4o").id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("gpt-none")


def test_async_clients_are_answered_too(provider):
    async def ask() -> tuple[str, str]:
        gpt = openai.AsyncOpenAI(base_url=provider.openai_url, api_key="sk-test")
        claude = anthropic.AsyncAnthropic(base_url=provider.url, api_key="sk-ant")
        async with gpt, claude:
            stream = await chat(gpt, "hello", stream=True)
            texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return "".join(texts), (await message(claude, "hello")).content[0].text

    assert all(asyncio.run(ask()))


# Errors and faults


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
    ],
)
def test_a_status_is_raised_by_both_sdks(gpt, claude, status, error):
    with pytest.raises(getattr(openai, error)) as from_gpt:
        chat(gpt, f"[[status:{status} retry-after=0]]")
    assert from_gpt.value.response.headers["retry-after"] == "0"
    assert {"message", "type", "param", "code"} == from_gpt.value.body.keys()
    with pytest.raises(getattr(anthropic, error)) as from_claude:
        message(claude, f"[[status:{status}]]")
    assert from_claude.value.body["type"] == "error"
    assert from_claude.value.body["error"]["type"].endswith("_error")


def test_a_rejected_parameter_is_named(provider, gpt, claude):
    with pytest.raises(openai.BadRequestError, match="temperature is not supported") as from_gpt:
        chat(gpt, "[[status:400 param=temperature]]")
    assert from_gpt.value.param == "temperature"
    with pytest.raises(anthropic.BadRequestError, match="temperature is not supported"):
        message(claude, "[[status:400 param=temperature]]")


def test_a_fault_with_times_goes_away(provider, gpt):
    patient = gpt.with_options(max_retries=3)
    assert chat(patient, "hi [[status:429 retry-after-ms=1 times=2]]").choices
    assert [entry["status"] for entry in provider.calls()["log"]] == [429, 429, 200]
    with pytest.raises(openai.RateLimitError):
        chat(gpt, "other content [[status:429 retry-after-ms=1 times=2]]")


def test_a_script_makes_the_next_calls_of_an_endpoint_fail(provider, gpt, claude):
    provider.script({"endpoint": "POST /v1/messages", "status": 529, "times": 2})
    assert chat(gpt, "hello").choices
    for _ in range(2):
        with pytest.raises(anthropic.APIStatusError):
            message(claude, "hello")
    assert message(claude, "hello").content
    provider.script({"directives": "[[eof:2]]"})
    assert len(list(chat(gpt, "hello", stream=True))) == 2


def test_a_scripted_answer_is_what_the_model_says(provider, gpt, claude):
    provider.answer(
        {"contains": "first", "text": '{"verdict": "minor"}', "times": 1},
        {"endpoint": "POST /v1/chat/completions", "text": "any other"},
    )
    tool = {"name": "judge", "input_schema": {"type": "object"}}
    forced = {"tools": [tool], "tool_choice": {"type": "tool", "name": "judge"}}
    assert message(claude, "the first", **forced).content[0].input == {"verdict": "minor"}
    assert chat(gpt, "the first").choices[0].message.content == "any other"
    provider.reset()
    assert chat(gpt, "the first").choices[0].message.content != "any other"


def test_a_scripted_vector_is_the_embedding_of_its_text(provider, gpt):
    provider.embed({"a text": [0.5, -0.25]})
    asked = {"model": "text-embedding-3-small", "input": ["a text", "another"]}
    scripted, other = gpt.embeddings.create(**asked, encoding_format="float").data
    assert scripted.embedding == [0.5, -0.25]
    assert len(other.embedding) == 1536


def test_a_cut_stream_is_a_connection_error_after_its_events(gpt):
    stream = chat(gpt, "hello [[cut:3]]", stream=True)
    assert [next(stream).choices[0].index for _ in range(3)] == [0, 0, 0]
    with pytest.raises(openai.APIConnectionError):
        next(stream)


def test_an_early_end_is_clean_and_lacks_the_terminal_event(provider, gpt):
    assert len(list(chat(gpt, "hello [[eof:3]]", stream=True))) == 3
    _, _, body = post(provider, CHAT, chat_body("hello [[eof:99999]]", stream=True))
    assert b"finish_reason" in body and b"[DONE]" not in body
    assert provider.calls()["log"][-1]["complete"] is False


@pytest.mark.parametrize("fault", ["[[cut:0]]", "[[reset:0]]", "[[drop]]"])
def test_a_unary_answer_can_be_lost_on_the_way(provider, fault):
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        post(provider, CHAT, chat_body(f"hello {fault}"))


def test_a_unary_body_can_end_early(provider):
    status, _, body = post(provider, CHAT, chat_body("hello [[eof:0]]"))
    assert status == 200
    with pytest.raises(ValueError):
        json.loads(body)


def test_an_error_event_comes_under_status_200(provider, gpt, claude):
    with pytest.raises(openai.APIError):
        list(chat(gpt, "hello [[error-event]]", stream=True))
    events = gpt.responses.create(model="gpt-4o", input="[[error-event:3]]", stream=True)
    assert [event.type for event in events][-1] == "error"
    with pytest.raises(anthropic.APIStatusError):
        list(message(claude, "hello [[error-event:2]]", stream=True))
    assert {entry["status"] for entry in provider.calls()["log"]} == {200}
    _, _, body = post(provider, CHAT, chat_body("[[error-event:2 done=1]]", stream=True))
    assert b'data: {"error":' in body and body.endswith(b"data: [DONE]\n\n")


def test_an_error_object_comes_under_status_200(provider, gpt):
    for path, body in (
        (CHAT, chat_body("[[error-object]]")),
        (CHAT, chat_body("[[error-event]]")),
        ("/v1/responses", {"model": "gpt-4o", "input": "[[error-object]]"}),
        ("/v1/messages", chat_body("[[error-object]]", max_tokens=9)),
    ):
        status, _, answer = post(provider, path, body)
        assert status == 200 and json.loads(answer)["error"]["message"]
    assert gpt.responses.create(model="gpt-4o", input="[[failed]]").status == "failed"
    events = list(gpt.responses.create(model="gpt-4o", input="[[failed]]", stream=True))
    assert events[-1].type == "response.failed"


def test_a_redirect_leads_to_the_answer(provider, gpt):
    assert chat(gpt, "hello [[redirect]]").choices
    assert [entry["status"] for entry in provider.calls()["log"]] == [307, 200]


def test_a_held_call_waits_for_its_release(provider, gpt):
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(chat, gpt, "hello [[hold]]")
        assert provider.wait_for(1)["log"][0]["complete"] is False
        assert not asked.done()
        provider.release()
        assert asked.result(timeout=30).choices


def test_a_stream_can_be_held_in_the_middle(provider, gpt):
    stream = chat(gpt, "hello [[hold:3]]", stream=True)
    seen = [next(stream) for _ in range(3)]
    assert provider.calls()["log"][0]["events_sent"] == 3
    provider.release()
    assert len(seen + list(stream)) > 5


def test_an_answer_can_repeat_the_prompt_or_have_a_length(gpt):
    assert chat(gpt, "[[echo]] Grüße, 世界").choices[0].message.content == "Grüße, 世界"
    assert len(chat(gpt, "[[words:300]]").choices[0].message.content.split()) == 300
    text = " two  spaces\n\nand a-very-long-word-of-many-letters "
    stream = chat(gpt, f"[[echo]]{text}", stream=True)
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert joined == text.strip()


@pytest.mark.parametrize("options", [{}, {"stream": True}])
def test_gzip_is_used_when_asked_for_and_accepted(provider, options):
    body = chat_body("hello [[gzip]]", **options)
    _, headers, packed = post(provider, CHAT, body, KEY | {"accept-encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    _, headers, plain = post(provider, CHAT, body)
    assert "content-encoding" not in headers
    assert len(gzip.decompress(packed)) == len(plain)


def test_a_stream_in_small_pieces_is_the_same_stream(gpt):
    answer = chat(gpt, "hello [[chunk:5]]").choices[0].message.content
    stream = chat(gpt, "hello [[chunk:5]]", stream=True)
    assert "".join(each.choices[0].delta.content or "" for each in stream) == answer


@pytest.mark.parametrize(
    "wrong", ["[[stauts:400]]", "[[status:200]]", "[[status]]", "[[slow:ms=x]]", "[[echo:3]]"]
)
def test_a_misspelt_directive_is_refused(gpt, wrong):
    with pytest.raises(openai.BadRequestError) as error:
        chat(gpt, wrong)
    assert wrong in str(error.value)


# Wrong input


def test_no_key_is_401_in_the_provider_shape(provider):
    status, _, body = post(provider, CHAT, chat_body("hello"), {})
    error = json.loads(body)["error"]
    assert status == 401 and error.keys() == {"message", "type", "param", "code"}
    status, _, body = post(
        provider, "/v1/messages", chat_body("hello"), {"anthropic-version": "2023-06-01"}
    )
    assert status == 401 and json.loads(body)["error"]["type"] == "authentication_error"
    assert provider.calls()["log"][0]["authorization_present"] is False


def test_a_key_in_the_query_counts(provider):
    assert post(provider, CHAT + "?api_key=sk-test", chat_body("hello"), {})[0] == 200


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"nonsense",
    b"\xff\xfe",
    b'{"model": NaN}',
    b'{"model": "gpt-4o", "messages": "\\ud800"}',
    b"[" * 100_000,
    {},
    {"model": "gpt-4o"},
    {"model": 4, "messages": [], "input": []},
    {"model": "gpt-4o", "messages": [], "input": [], "max_tokens": 9},
    {"model": "gpt-4o", "messages": ["hi"], "input": [{}, 3], "max_tokens": 9},
    {"model": "gpt-4o", "messages": [{"role": "king"}], "input": {}, "max_tokens": 9},
    {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": 4}],
        "input": [{"role": "user", "content": 4}],
        "max_tokens": 9,
    },
    chat_body("hi", input="hi", max_tokens="9", max_output_tokens="9", dimensions="9"),
    chat_body("hi", input="hi", max_tokens=9, stream="yes", dimensions=0),
    chat_body("hi", input="hi", max_tokens=9, tools="all", encoding_format="hex"),
    chat_body("hi", input="hi", max_tokens=9, tools=[{"type": "function"}], dimensions=9999),
]


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings", "/v1/messages"])
@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: str(body)[:60])
def test_a_bad_body_is_400_in_the_provider_shape(provider, path, body):
    status, _, answer = post(provider, path, body)
    assert status == 400
    error = json.loads(answer)["error"]
    assert error["message"] and error["type"] == "invalid_request_error"


def test_a_missing_model_is_named(provider, gpt):
    with pytest.raises(openai.BadRequestError, match="model"):
        gpt.chat.completions.create(model=None, messages=user("hello"))
    _, _, answer = post(provider, "/v1/messages", {"max_tokens": 9, "messages": user("hello")})
    assert json.loads(answer)["error"]["message"].startswith("model:")


def test_an_unknown_path_is_404_and_a_wrong_method_405(provider):
    status, _, body = post(provider, "/v1/nothing", {})
    assert status == 404 and json.loads(body)["error"]["type"] == "invalid_request_error"
    connection = http.client.HTTPConnection("127.0.0.1", provider.port)
    connection.request("GET", CHAT, headers=KEY)
    assert connection.getresponse().status == 405
    connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: nine\r\n\r\n",
        b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_bad_framing_is_400_and_closes(provider, sent):
    with socket.create_connection(("127.0.0.1", provider.port), timeout=30) as connection:
        connection.sendall(sent)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 400")


def test_a_body_sent_in_chunks_is_read(provider):
    body = json.dumps(chat_body("hello")).encode()
    parts = b"%x\r\n%s\r\n%x;x=y\r\n%s\r\n0\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:])
    status, _, _ = post(provider, CHAT, parts, KEY | {"transfer-encoding": "chunked"})
    assert status == 200


@pytest.mark.parametrize(
    "fault",
    [{}, {"status": 42}, {"status": 429, "times": 0}, {"directives": "[[no]]"}, {"stat": 4}, 3],
)
def test_a_script_that_makes_no_sense_is_refused(provider, fault):
    with pytest.raises(RuntimeError):
        provider.script(fault)


@pytest.mark.parametrize(
    "script",
    [
        [],
        {"answer": []},
        {"answers": {}},
        {"answers": [{"text": 3}]},
        {"answers": [{"text": "a", "times": 0}]},
        {"vectors": {"a": "b"}},
    ],
)
def test_a_script_of_answers_that_makes_no_sense_is_refused(provider, script):
    with pytest.raises(RuntimeError, match="_script"):
        provider.control("POST", "/_script", script)


# Counting and the process


def test_calls_are_counted_by_endpoint(provider, gpt, claude):
    chat(gpt, "one")
    list(chat(gpt, "two", stream=True))
    message(claude, "three")
    calls = provider.calls()
    assert calls["total"] == provider.total() == 3
    assert calls["by_endpoint"] == {f"POST {CHAT}": 2, "POST /v1/messages": 1}
    assert [(entry["model"], entry["stream"]) for entry in calls["log"]] == [
        ("gpt-4o", False),
        ("gpt-4o", True),
        ("claude-haiku-4-5", False),
    ]
    assert all(entry["authorization_present"] for entry in calls["log"])
    provider.reset()
    assert provider.calls() == {"total": 0, "by_endpoint": {}, "log": []}


def test_requests_are_kept_as_sent(provider, gpt):
    chat(gpt, "hello")
    kept = provider.requests()[0]
    assert kept["headers"]["authorization"] == "Bearer sk-test"
    assert json.loads(kept["body"])["messages"] == user("hello")
    assert base64.b64decode(kept["body_base64"]).decode() == kept["body"]


def test_replies_carry_ids_limits_and_a_cookie(gpt, claude):
    headers = gpt.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=user("hello")
    ).headers
    for name in ("x-request-id", "openai-processing-ms", "x-ratelimit-limit-requests"):
        assert headers[name]
    assert headers["set-cookie"].startswith("__cf_bm=")


def test_many_clients_at_once_are_all_counted(provider):
    def ask(number: int) -> int:
        return post(provider, CHAT, chat_body(f"prompt {number} [[slow:ms=20]]"))[0]

    with ThreadPoolExecutor(64) as pool:
        assert set(pool.map(ask, range(256))) == {200}
    calls = provider.calls()
    assert calls["total"] == 256
    assert sorted(entry["n"] for entry in calls["log"]) == list(
        range(calls["log"][0]["n"], calls["log"][0]["n"] + 256)
    )


def test_one_connection_serves_many_calls(provider):
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=30)
    for number in range(20):
        body = json.dumps(chat_body(f"prompt {number}", stream=number % 2 == 0))
        connection.request("POST", CHAT, body, KEY)
        used = connection.sock
        response = connection.getresponse()
        assert response.status == 200 and response.read()
        assert connection.sock is used
    connection.close()


def test_a_stopped_provider_refuses_connections():
    with mock_provider() as provider:
        assert provider.total() == 0
        provider.stop()
        with pytest.raises(ConnectionRefusedError):
            provider.total()


def test_it_exits_when_its_input_is_closed():
    folder = Path(__file__).resolve().parent
    process = subprocess.Popen(
        [sys.executable, str(folder), "--exit-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    started = json.loads(process.stdout.readline())
    assert started["pid"] == process.pid and started["url"].endswith(str(started["port"]))
    process.stdin.close()
    assert process.wait(30) == 0
    assert process.stdout.read() == b""
    process.stdout.close()
