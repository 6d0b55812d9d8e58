"""Gemini: `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`."""

import json

from mock_provider import sse
from mock_provider.checks import allow, objects, require, whole, wrong_type, wrong_value
from mock_provider.content import Content, Tool, Wish, compose, pieces, tokens
from mock_provider.exchange import Call, Rejected, Reply, stream, unary
from mock_provider.providers import GOOGLE, Endpoint, google_error


def check(request: dict) -> None:
    require(request, "contents", list)
    if not request["contents"]:
        raise wrong_value("contents", "contents is not specified")
    for index, content in enumerate(objects(request["contents"], "contents")):
        if content.get("role", "user") not in ("user", "model", "function"):
            raise wrong_value(f"contents[{index}].role", "please use a valid role: user, model")
        check_parts(content, f"contents[{index}]")
    allow(request, "systemInstruction", dict)
    allow(request, "toolConfig", dict)
    allow(request, "generationConfig", dict)
    config = request.get("generationConfig") or {}
    whole(config, "maxOutputTokens", 1, 1_000_000)
    whole(config, "candidateCount", 1, 8)
    for index, tool in enumerate(objects(request.get("tools") or [], "tools")):
        where = f"tools[{index}].functionDeclarations"
        for function in objects(tool.get("functionDeclarations") or [], where):
            if not isinstance(function.get("name"), str):
                raise wrong_type(f"{where}.name", "a string")


def check_parts(content: dict, where: str) -> None:
    """Rejects content without parts, or with text that is no text."""
    parts = objects(content.get("parts"), f"{where}.parts")
    if not parts:
        raise wrong_value(f"{where}.parts", "must hold at least one part")
    for part in parts:
        if not isinstance(part.get("text", ""), str):
            raise wrong_type(f"{where}.parts.text", "a string")


def text_of(content: dict) -> str:
    return "\n".join(part["text"] for part in content["parts"] if "text" in part)


def prompt(request: dict) -> str:
    for content in reversed(request["contents"]):
        if content.get("role", "user") == "user" and (text := text_of(content)):
            return text
    return ""


def answer(call: Call) -> Reply:
    count = config(call).get("candidateCount") or 1
    contents = [compose(call, wish(call), index) for index in range(count)]
    if call.streams:
        return streamed(call, contents)
    candidates = [
        candidate(parts(content), index, finish_reason(content))
        for index, content in enumerate(contents)
    ]
    return unary(response(call, candidates, usage(call, contents)), indent=2)


def config(call: Call) -> dict:
    return call.request.get("generationConfig") or {}


def wish(call: Call) -> Wish:
    request = call.request
    found = Wish(json_schema=json_schema(config(call)))
    found.max_tokens = config(call).get("maxOutputTokens")
    match request.get("toolConfig"):
        case {"functionCallingConfig": dict() as calling}:
            pass
        case _:
            calling = {}
    if asks(request["contents"][-1]) and calling.get("mode") != "NONE":
        found.tools = [
            Tool(each["name"], each.get("parametersJsonSchema") or each.get("parameters"))
            for tool in request.get("tools") or []
            for each in tool.get("functionDeclarations") or []
        ]
    match calling.get("allowedFunctionNames"):
        case [str() as name, *_]:
            found.forced = name
    return found


def json_schema(wanted: dict) -> object:
    if wanted.get("responseMimeType") != "application/json":
        return None
    anything = {"type": "object", "properties": {"answer": {"type": "string"}}}
    return wanted.get("responseJsonSchema") or wanted.get("responseSchema") or anything


def asks(content: dict) -> bool:
    """Whether content is a user's question, not the result of a function."""
    results = any("functionResponse" in part for part in content["parts"])
    return content.get("role", "user") == "user" and bool(text_of(content)) and not results


def parts(content: Content) -> list[dict]:
    if not content.tools:
        return [{"text": content.text}]
    return [{"functionCall": {"name": use.name, "args": use.arguments}} for use in content.tools]


def candidate(parts: list[dict], index: int, reason: str | None = None) -> dict:
    made: dict = {"content": {"parts": parts, "role": "model"}}
    if reason:
        made["finishReason"] = reason
    return made | {"index": index}


def finish_reason(content: Content) -> str:
    return "MAX_TOKENS" if content.truncated else "STOP"


def response(call: Call, candidates: list[dict], counted: dict) -> dict:
    return {
        "candidates": candidates,
        "usageMetadata": counted,
        "modelVersion": call.model,
        "responseId": call.id("mock-"),
    }


def usage(call: Call, contents: list[Content]) -> dict:
    request = call.request
    sent = tokens([request["contents"], request.get("systemInstruction"), request.get("tools")])
    counted = {"promptTokenCount": sent}
    made = sum(content.tokens for content in contents)
    if made:
        counted["candidatesTokenCount"] = made
    details = [{"modality": "TEXT", "tokenCount": sent}]
    return counted | {"totalTokenCount": sent + made, "promptTokensDetails": details}


def streamed(call: Call, contents: list[Content]) -> Reply:
    chunks = []
    for index, content in enumerate(contents):
        sent = parts(content) if content.tools else [{"text": t} for t in pieces(content.text)]
        chunks += [candidate([part], index) for part in sent]
    last = [
        candidate([{"text": ""}], index, finish_reason(content))
        for index, content in enumerate(contents)
    ]
    values = [response(call, [chunk], usage(call, [])) for chunk in chunks]
    values.append(response(call, last, usage(call, contents)))
    if as_events(call):
        return stream([sse.crlf(value) for value in values])
    reply = stream([*(item(value, at) for at, value in enumerate(values)), b"]"])
    reply.headers["content-type"] = "application/json; charset=UTF-8"
    return reply


def as_events(call: Call) -> bool:
    return call.query.get("alt") == ["sse"]


def item(value: dict, position: int) -> bytes:
    """Spells a chunk of the array that a stream is without `alt=sse`."""
    return (",\r\n" if position else "[").encode() + sse.compact(value).encode()


def error_event(call: Call, position: int) -> bytes:
    value = google_error(call, Rejected(500, "the mock model failed while answering"))
    if not as_events(call):
        return item(value, position) + b"]"
    # Google breaks the framing here: the error is no event (vercel/ai#5217).
    return json.dumps(value, indent=2).encode()


ENDPOINT = Endpoint(GOOGLE, check, prompt, answer, error_event)
STREAM = Endpoint(GOOGLE, check, prompt, answer, error_event, streams=True)
