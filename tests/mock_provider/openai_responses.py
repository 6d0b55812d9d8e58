"""OpenAI responses: `POST /v1/responses`."""

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
from mock_provider.content import Content, Tool, ToolUse, Wish, compose, fragments, pieces, tokens
from mock_provider.exchange import Call, Reply, stream, unary
from mock_provider.providers import OPENAI, Endpoint

FAILURE = {"code": "server_error", "message": "the mock model failed while answering"}


def check(request: dict) -> None:
    require(request, "model", str)
    require(request, "input", str, list)
    if isinstance(request["input"], list):
        if not request["input"]:
            raise wrong_value("input", "must hold at least one item")
        for index, item in enumerate(objects(request["input"], "input")):
            text_or_parts(item, f"input[{index}]")
    allow(request, "stream", bool)
    allow(request, "instructions", str)
    allow(request, "text", dict)
    allow(request, "tool_choice", str, dict)
    whole(request, "max_output_tokens", 1, 1_000_000)
    for index, tool in enumerate(objects(request.get("tools") or [], "tools")):
        if tool.get("type") == "function" and not isinstance(tool.get("name"), str):
            raise wrong_type(f"tools[{index}].name", "a string")


def prompt(request: dict) -> str:
    asked = request["input"]
    return asked if isinstance(asked, str) else last_user_text(asked)


def answer(call: Call) -> Reply:
    content = compose(call, wish(call))
    items = output(call, content)
    if call.streams:
        return stream(events(call, content, items))
    return unary(finished(call, content, items), indent=2)


def failed(call: Call) -> Reply:
    """A response that is complete as a document and says that it failed."""
    value = response(call, "failed", []) | {"error": FAILURE}
    if not call.streams:
        return unary(value, indent=2)
    numbered = Numbered()
    numbered.add("response.created", response=response(call, "in_progress", []))
    numbered.add("response.failed", response=value)
    return stream(numbered.events)


def wish(call: Call) -> Wish:
    request = call.request
    found = Wish(max_tokens=request.get("max_output_tokens"))
    match request.get("text"):
        case {"format": {"type": "json_schema", "schema": schema}}:
            found.json_schema = schema
        case {"format": {"type": "json_object"}}:
            found.json_schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    choice = request.get("tool_choice")
    asked = request["input"]
    from_user = isinstance(asked, str) or asked[-1].get("role") == "user"
    if from_user and choice != "none":
        functions = [tool for tool in request.get("tools") or [] if tool.get("type") == "function"]
        found.tools = [Tool(each["name"], each.get("parameters")) for each in functions]
    if isinstance(choice, dict):
        found.forced = choice.get("name")
    return found


def output(call: Call, content: Content) -> list[dict]:
    if content.tools:
        return [called(call, use, turn) for turn, use in enumerate(content.tools)]
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": content.text}
    return [
        {
            "id": call.id("msg_"),
            "type": "message",
            "status": "incomplete" if content.truncated else "completed",
            "content": [part],
            "role": "assistant",
        }
    ]


def called(call: Call, use: ToolUse, turn: int) -> dict:
    return {
        "id": call.id("fc_", str(turn)),
        "type": "function_call",
        "status": "completed",
        "arguments": use.text,
        "call_id": call.id("call_", str(turn)),
        "name": use.name,
    }


def response(call: Call, status: str, items: list[dict]) -> dict:
    request = call.request
    return {
        "id": call.id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "model": request["model"],
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": request.get("store") is not False,
        "temperature": request.get("temperature", 1.0),
        "text": request.get("text") or {"format": {"type": "text"}},
        "tool_choice": request.get("tool_choice") or "auto",
        "tools": request.get("tools") or [],
        "top_p": request.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": request.get("metadata") or {},
    }


def finished(call: Call, content: Content, items: list[dict]) -> dict:
    value = response(call, "incomplete" if content.truncated else "completed", items)
    if content.truncated:
        value["incomplete_details"] = {"reason": "max_output_tokens"}
    request = call.request
    sent = tokens([request["input"], request.get("instructions"), request.get("tools")])
    value["usage"] = {
        "input_tokens": sent,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": content.tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + content.tokens,
    }
    return value


class Numbered:
    """Collects events and numbers them."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    def add(self, kind: str, **members: object) -> None:
        self.events.append(
            sse.named({"type": kind, "sequence_number": len(self.events), **members})
        )


def events(call: Call, content: Content, items: list[dict]) -> list[bytes]:
    numbered = Numbered()
    numbered.add("response.created", response=response(call, "in_progress", []))
    numbered.add("response.in_progress", response=response(call, "in_progress", []))
    for index, item in enumerate(items):
        empty = {"content": []} if item["type"] == "message" else {"arguments": ""}
        started = item | {"status": "in_progress"} | empty
        numbered.add("response.output_item.added", output_index=index, item=started)
        if item["type"] == "message":
            add_text(numbered, item, index)
        else:
            add_arguments(numbered, item, index)
        numbered.add("response.output_item.done", output_index=index, item=item)
    last = finished(call, content, items)
    numbered.add(f"response.{last['status']}", response=last)
    return numbered.events


def add_text(numbered: Numbered, item: dict, index: int) -> None:
    at = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = item["content"][0]
    numbered.add("response.content_part.added", **at, part=part | {"text": ""})
    for piece in pieces(part["text"]):
        numbered.add("response.output_text.delta", **at, delta=piece, logprobs=[])
    numbered.add("response.output_text.done", **at, text=part["text"], logprobs=[])
    numbered.add("response.content_part.done", **at, part=part)


def add_arguments(numbered: Numbered, item: dict, index: int) -> None:
    at = {"item_id": item["id"], "output_index": index}
    for fragment in fragments(item["arguments"]):
        numbered.add("response.function_call_arguments.delta", **at, delta=fragment)
    done = {"name": item["name"], "arguments": item["arguments"]}
    numbered.add("response.function_call_arguments.done", **at, **done)


def error_event(call: Call, position: int) -> bytes:
    failure = {"type": "error", "sequence_number": position, "param": None}
    return sse.named(failure | FAILURE)


ENDPOINT = Endpoint(OPENAI, check, prompt, answer, error_event, failed)
