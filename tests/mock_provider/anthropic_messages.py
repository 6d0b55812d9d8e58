"""Anthropic messages: `POST /v1/messages` and `POST /v1/messages/count_tokens`."""

from mock_provider import sse
from mock_provider.checks import (
    allow,
    last_user_text,
    objects,
    require,
    text_of,
    text_or_parts,
    whole,
    wrong_type,
    wrong_value,
)
from mock_provider.content import Content, Tool, Wish, compose, fragments, pieces, tokens
from mock_provider.exchange import Call, Rejected, Reply, stream, unary
from mock_provider.providers import ANTHROPIC, Endpoint, anthropic_error


def check(request: dict) -> None:
    check_input(request)
    require(request, "max_tokens", int)
    whole(request, "max_tokens", 1, 1_000_000)
    allow(request, "stream", bool)
    allow(request, "output_config", dict)
    allow(request, "tool_choice", dict)


def check_input(request: dict) -> None:
    require(request, "model", str)
    require(request, "messages", list)
    if not request["messages"]:
        raise wrong_value("messages", "must hold at least one message")
    for index, message in enumerate(objects(request["messages"], "messages")):
        if message.get("role") not in ("assistant", "system", "user"):
            raise wrong_value(f"messages.{index}.role", "must be user or assistant")
        text_or_parts(message, f"messages.{index}")
    allow(request, "system", str, list)
    for index, tool in enumerate(objects(request.get("tools") or [], "tools")):
        if not isinstance(tool.get("name"), str):
            raise wrong_type(f"tools.{index}.name", "a string")


def prompt(request: dict) -> str:
    return last_user_text(request["messages"])


def answer(call: Call) -> Reply:
    content = compose(call, wish(call))
    blocks = content_blocks(call, content)
    if call.streams:
        return stream(events(call, content, blocks))
    last = {"content": blocks, "stop_reason": stop_reason(content)}
    return unary(message(call) | last | {"usage": usage(call, content.tokens)})


def count_tokens(call: Call) -> Reply:
    return unary({"input_tokens": input_tokens(call.request)})


def wish(call: Call) -> Wish:
    request = call.request
    found = Wish(max_tokens=request["max_tokens"])
    match request.get("output_config"):
        case {"format": {"type": "json_schema", "schema": schema}}:
            found.json_schema = schema
    choice = request.get("tool_choice") or {}
    if asks(request["messages"][-1]) and choice.get("type") != "none":
        offered = request.get("tools") or []
        found.tools = [Tool(each["name"], each.get("input_schema")) for each in offered]
    if choice.get("type") == "tool":
        found.forced = choice.get("name")
    return found


def asks(message: dict) -> bool:
    """Whether a message is a user's question, not the result of a tool."""
    content = message.get("content")
    results = isinstance(content, list) and any(
        part.get("type") == "tool_result" for part in content
    )
    return message["role"] == "user" and bool(text_of(content)) and not results


def content_blocks(call: Call, content: Content) -> list[dict]:
    if not content.tools:
        return [{"type": "text", "text": content.text}]
    return [
        {
            "type": "tool_use",
            "id": call.id("toolu_", str(turn)),
            "name": use.name,
            "input": use.arguments,
        }
        for turn, use in enumerate(content.tools)
    ]


def message(call: Call) -> dict:
    return {
        "model": call.request["model"],
        "id": call.id("msg_"),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def stop_reason(content: Content) -> str:
    if content.tools:
        return "tool_use"
    return "max_tokens" if content.truncated else "end_turn"


def usage(call: Call, made: int) -> dict:
    return {
        "input_tokens": input_tokens(call.request),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": made,
        "service_tier": "standard",
    }


def input_tokens(request: dict) -> int:
    return tokens([request["messages"], request.get("system"), request.get("tools")])


def events(call: Call, content: Content, blocks: list[dict]) -> list[bytes]:
    values: list[dict] = [
        {"type": "message_start", "message": message(call) | {"usage": usage(call, 1)}}
    ]
    for index, block in enumerate(blocks):
        empty = {"text": ""} if block["type"] == "text" else {"input": {}}
        values.append(
            {"type": "content_block_start", "index": index, "content_block": block | empty}
        )
        if index == 0:
            values.append({"type": "ping"})
        values += [
            {"type": "content_block_delta", "index": index, "delta": delta}
            for delta in deltas(block)
        ]
        values.append({"type": "content_block_stop", "index": index})
    last = {"stop_reason": stop_reason(content), "stop_sequence": None}
    counted = {"output_tokens": content.tokens}
    values.append({"type": "message_delta", "delta": last, "usage": counted})
    values.append({"type": "message_stop"})
    return [sse.named(value) for value in values]


def deltas(block: dict) -> list[dict]:
    if block["type"] == "text":
        return [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    spelt = fragments(sse.compact(block["input"]))
    return [{"type": "input_json_delta", "partial_json": part} for part in ["", *spelt]]


def error_event(call: Call, position: int) -> bytes:
    return sse.named(anthropic_error(call, Rejected(529, "the mock model is overloaded")))


ENDPOINT = Endpoint(ANTHROPIC, check, prompt, answer, error_event)
COUNT_TOKENS = Endpoint(ANTHROPIC, check_input, prompt, count_tokens)
