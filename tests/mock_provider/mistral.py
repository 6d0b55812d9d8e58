"""Mistral: `POST /v1/chat/completions` and `/v1/embeddings` where a model of Mistral is named."""

import time

from mock_provider import openai_chat, openai_embeddings, sse
from mock_provider.content import Content, compose, pieces
from mock_provider.exchange import Call, Rejected, Reply, stream, unary
from mock_provider.providers import MISTRAL, Endpoint, mistral_error

FAMILIES = (
    "codestral",
    "devstral",
    "magistral",
    "ministral",
    "mistral",
    "open-mistral",
    "open-mixtral",
    "pixtral",
    "voxtral",
)


def is_named(call: Call) -> bool:
    """Whether the call is for a model of Mistral, whoever its client is."""
    return call.model is not None and call.model.startswith(FAMILIES)


def answer(call: Call) -> Reply:
    count = call.request.get("n") or 1
    contents = [compose(call, openai_chat.wish(call), index) for index in range(count)]
    if call.streams:
        return stream(chunks(call, contents))
    choices = [
        {
            "index": index,
            "finish_reason": openai_chat.finish_reason(content),
            "message": {
                "role": "assistant",
                "tool_calls": tool_calls(call, content) or None,
                "content": content.text,
            },
        }
        for index, content in enumerate(contents)
    ]
    counted = {"usage": usage(call, contents)}
    return unary(common(call, "chat.completion") | counted | {"choices": choices})


def common(call: Call, kind: str) -> dict:
    made = {"id": call.id("cmpl-"), "object": kind, "created": int(time.time())}
    return made | {"model": call.model}


def tool_calls(call: Call, content: Content) -> list[dict]:
    return [
        {
            "id": tool_call_id(call, turn),
            "type": "function",
            "function": {"name": use.name, "arguments": use.text},
            "index": turn,
        }
        for turn, use in enumerate(content.tools)
    ]


def tool_call_id(call: Call, turn: int) -> str:
    """Makes an id of nine letters and digits, the only ones that Mistral takes back."""
    made = call.id("", str(turn))
    return f"{turn:x}{made[:2]}{made[-6:]}"


def usage(call: Call, contents: list[Content]) -> dict:
    counted = openai_chat.usage(call, contents)
    return {name: counted[name] for name in ("prompt_tokens", "total_tokens", "completion_tokens")}


def chunks(call: Call, contents: list[Content]) -> list[bytes]:
    head = common(call, "chat.completion.chunk")
    values = [
        head | {"choices": [choice]}
        for index, content in enumerate(contents)
        for choice in streamed(call, content, index)
    ]
    values[-1]["usage"] = usage(call, contents)
    return [*map(sse.data, values), sse.DONE]


def streamed(call: Call, content: Content, index: int) -> list[dict]:
    deltas: list[dict] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in pieces(content.text)]
    last: dict = {"content": ""}
    if content.tools:
        # Unlike OpenAI's they come in one piece.
        last["tool_calls"] = tool_calls(call, content)
    choices = [{"index": index, "delta": delta, "finish_reason": None} for delta in deltas]
    reason = openai_chat.finish_reason(content)
    return [*choices, {"index": index, "delta": last, "finish_reason": reason}]


def error_event(call: Call, position: int) -> bytes:
    return sse.data(mistral_error(call, Rejected(500, "the mock model failed while answering")))


def embeddings(call: Call) -> Reply:
    made = openai_embeddings.document(call, call.request.get("output_dimension"))
    made["usage"]["completion_tokens"] = 0
    return unary({"id": call.id("embd-")} | made)


CHAT = Endpoint(MISTRAL, openai_chat.check, openai_chat.prompt, answer, error_event)
EMBEDDINGS = Endpoint(MISTRAL, openai_embeddings.check, openai_embeddings.prompt, embeddings)
