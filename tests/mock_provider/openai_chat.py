"""OpenAI chat completions: `POST /v1/chat/completions`."""

import hashlib
import time

from mock_provider import sse
from mock_provider.checks import (
    allow,
    last_user_text,
    objects,
    require,
    text_or_parts,
    whole,
    wrong_type,
    wrong_value,
)
from mock_provider.content import Content, Tool, Wish, compose, fragments, pieces, tokens
from mock_provider.exchange import Call, Rejected, Reply, stream, unary
from mock_provider.providers import OPENAI, Endpoint, openai_error

ROLES = ("assistant", "developer", "function", "system", "tool", "user")


def check(request: dict) -> None:
    if request.get("model") is None:
        raise Rejected(400, "you must provide a model parameter")
    require(request, "model", str)
    require(request, "messages", list)
    if not request["messages"]:
        raise wrong_value("messages", "must hold at least one message")
    for index, message in enumerate(objects(request["messages"], "messages")):
        if message.get("role") not in ROLES:
            raise wrong_value(f"messages[{index}].role", f"must be one of {', '.join(ROLES)}")
        text_or_parts(message, f"messages[{index}]")
    allow(request, "stream", bool)
    allow(request, "stream_options", dict)
    allow(request, "response_format", dict)
    allow(request, "tool_choice", str, dict)
    whole(request, "n", 1, 16)
    whole(request, "max_tokens", 1, 1_000_000)
    whole(request, "max_completion_tokens", 1, 1_000_000)
    for index, tool in enumerate(objects(request.get("tools") or [], "tools")):
        function = tool.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise wrong_type(f"tools[{index}].function", "an object with a name")


def prompt(request: dict) -> str:
    return last_user_text(request["messages"])


def answer(call: Call) -> Reply:
    contents = [compose(call, wish(call), index) for index in range(call.request.get("n") or 1)]
    if call.streams:
        return stream(chunks(call, contents))
    choices = [
        {
            "index": index,
            "message": message(call, content, index),
            "logprobs": None,
            "finish_reason": finish_reason(content),
        }
        for index, content in enumerate(contents)
    ]
    head = common(call, "chat.completion")
    return unary(head | {"choices": choices, "usage": usage(call, contents)}, indent=2)


def wish(call: Call) -> Wish:
    request = call.request
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    found = Wish(json_schema=json_schema(request.get("response_format")), max_tokens=limit)
    choice = request.get("tool_choice")
    if request["messages"][-1]["role"] == "user" and choice != "none":
        functions = [tool["function"] for tool in request.get("tools") or []]
        found.tools = [Tool(each["name"], each.get("parameters")) for each in functions]
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        found.forced = choice["function"].get("name")
    return found


def json_schema(wanted: dict | None) -> object:
    match wanted:
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return schema
        case {"type": "json_object"}:
            return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return None


def common(call: Call, kind: str) -> dict:
    return {
        "id": call.id("chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": call.request["model"],
        "service_tier": "default",
        "system_fingerprint": fingerprint(call.request["model"]),
    }


def fingerprint(model: str) -> str:
    return "fp_" + hashlib.sha256(model.encode()).hexdigest()[:10]


def message(call: Call, content: Content, index: int) -> dict:
    made: dict = {"role": "assistant", "content": content.text, "refusal": None, "annotations": []}
    if content.tools:
        made["content"] = None
        made["tool_calls"] = [
            {
                "id": call.id("call_", f"{index}/{turn}"),
                "type": "function",
                "function": {"name": use.name, "arguments": use.text},
            }
            for turn, use in enumerate(content.tools)
        ]
    return made


def finish_reason(content: Content) -> str:
    if content.tools:
        return "tool_calls"
    return "length" if content.truncated else "stop"


def usage(call: Call, contents: list[Content]) -> dict:
    sent = tokens([call.request["messages"], call.request.get("tools")])
    made = sum(content.tokens for content in contents)
    return {
        "prompt_tokens": sent,
        "completion_tokens": made,
        "total_tokens": sent + made,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chunks(call: Call, contents: list[Content]) -> list[bytes]:
    head = common(call, "chat.completion.chunk")
    with_usage = (call.request.get("stream_options") or {}).get("include_usage") is True
    tail = {"usage": None} if with_usage else {}
    events = [
        sse.data(head | {"choices": [choice]} | tail)
        for index, content in enumerate(contents)
        for choice in streamed(call, content, index)
    ]
    if with_usage:
        events.append(sse.data(head | {"choices": [], "usage": usage(call, contents)}))
    return [*events, sse.DONE]


def streamed(call: Call, content: Content, index: int) -> list[dict]:
    whole_message = message(call, content, index)
    opening = {"role": "assistant", "content": None if content.tools else "", "refusal": None}
    deltas: list[dict] = [opening]
    for turn, use in enumerate(whole_message.get("tool_calls", [])):
        function = {"name": use["function"]["name"], "arguments": ""}
        start = {"index": turn, "id": use["id"], "type": "function", "function": function}
        deltas.append({"tool_calls": [start]})
        deltas += [
            {"tool_calls": [{"index": turn, "function": {"arguments": fragment}}]}
            for fragment in fragments(use["function"]["arguments"])
        ]
    deltas += [{"content": piece} for piece in pieces(content.text)]
    choices = [
        {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        for delta in deltas
    ]
    last = {"index": index, "delta": {}, "logprobs": None, "finish_reason": finish_reason(content)}
    return [*choices, last]


def error_event(call: Call, position: int) -> bytes:
    return sse.data(openai_error(call, Rejected(500, "the mock model failed while answering")))


ENDPOINT = Endpoint(OPENAI, check, prompt, answer, error_event)
