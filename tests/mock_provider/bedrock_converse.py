"""Bedrock: `POST /model/{modelId}/converse` and `/model/{modelId}/converse-stream`."""

from mock_provider import eventstream, sse
from mock_provider.checks import (
    allow,
    last_user_text,
    objects,
    require,
    text_of,
    whole,
    wrong_type,
    wrong_value,
)
from mock_provider.content import Content, Tool, Wish, compose, fragments, pieces, tokens
from mock_provider.exchange import Call, Rejected, Reply, stream, unary
from mock_provider.providers import AWS, Endpoint


def check(request: dict) -> None:
    require(request, "messages", list)
    if not request["messages"]:
        raise wrong_value("messages", "must hold at least one message")
    for index, message in enumerate(objects(request["messages"], "messages")):
        if message.get("role") not in ("assistant", "user"):
            raise wrong_value(f"messages.{index}.role", "must be one of user, assistant")
        check_text(message.get("content"), f"messages.{index}.content")
    check_text(request.get("system") or [], "system")
    allow(request, "inferenceConfig", dict)
    whole(request.get("inferenceConfig") or {}, "maxTokens", 1, 1_000_000)
    allow(request, "toolConfig", dict)
    config = request.get("toolConfig") or {}
    allow(config, "toolChoice", dict)
    for index, tool in enumerate(objects(config.get("tools") or [], "toolConfig.tools")):
        where = f"toolConfig.tools.{index}.toolSpec"
        spec = tool.get("toolSpec", {"name": ""})
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            raise wrong_type(where, "an object with a name")
        allow(spec, "inputSchema", dict)


def check_text(blocks: object, where: str) -> None:
    """Rejects anything but a list of blocks with text as text."""
    for block in objects(blocks, where):
        if not isinstance(block.get("text", ""), str):
            raise wrong_type(f"{where}.text", "a string")


def prompt(request: dict) -> str:
    return last_user_text(request["messages"])


def answer(call: Call) -> Reply:
    content = compose(call, wish(call))
    blocks = content_blocks(call, content)
    counted = {"metrics": {"latencyMs": 7}, "usage": usage(call, content.tokens)}
    if call.streams:
        reply = stream(events(content, blocks, counted))
        reply.headers = {"content-type": eventstream.CONTENT_TYPE}
        return reply
    output = {"message": {"role": "assistant", "content": blocks}}
    return unary({"output": output, "stopReason": stop_reason(content)} | counted)


def wish(call: Call) -> Wish:
    request = call.request
    found = Wish(max_tokens=(request.get("inferenceConfig") or {}).get("maxTokens"))
    config = request.get("toolConfig") or {}
    if asks(request["messages"][-1]):
        specs = [tool["toolSpec"] for tool in config.get("tools") or [] if "toolSpec" in tool]
        found.tools = [
            Tool(each["name"], (each.get("inputSchema") or {}).get("json")) for each in specs
        ]
    match config.get("toolChoice"):
        case {"tool": {"name": str() as name}}:
            found.forced = name
    return found


def asks(message: dict) -> bool:
    """Whether a message is a user's question, not the result of a tool."""
    results = any("toolResult" in block for block in message["content"])
    return message["role"] == "user" and bool(text_of(message["content"])) and not results


def content_blocks(call: Call, content: Content) -> list[dict]:
    if not content.tools:
        return [{"text": content.text}]
    return [
        {
            "toolUse": {
                "toolUseId": call.id("tooluse_", str(turn)),
                "name": use.name,
                "input": use.arguments,
            }
        }
        for turn, use in enumerate(content.tools)
    ]


def stop_reason(content: Content) -> str:
    if content.tools:
        return "tool_use"
    return "max_tokens" if content.truncated else "end_turn"


def usage(call: Call, made: int) -> dict:
    request = call.request
    sent = tokens([request["messages"], request.get("system"), request.get("toolConfig")])
    return {"inputTokens": sent, "outputTokens": made, "totalTokens": sent + made}


def events(content: Content, blocks: list[dict], counted: dict) -> list[bytes]:
    values: list[tuple[str, dict]] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(blocks):
        place = {"contentBlockIndex": index}
        if "toolUse" in block:
            use = {name: block["toolUse"][name] for name in ("toolUseId", "name")}
            values.append(("contentBlockStart", place | {"start": {"toolUse": use}}))
        values += [("contentBlockDelta", place | {"delta": delta}) for delta in deltas(block)]
        values.append(("contentBlockStop", place))
    values.append(("messageStop", {"stopReason": stop_reason(content)}))
    values.append(("metadata", counted))
    return [eventstream.event(name, value) for name, value in values]


def deltas(block: dict) -> list[dict]:
    if "text" in block:
        return [{"text": piece} for piece in pieces(block["text"])]
    spelt = fragments(sse.compact(block["toolUse"]["input"]))
    return [{"toolUse": {"input": part}} for part in spelt]


def error_event(call: Call, position: int) -> bytes:
    rejected = Rejected(500, "the mock model failed while answering")
    return eventstream.exception("internalServerException", AWS.error_body(call, rejected))


ENDPOINT = Endpoint(AWS, check, prompt, answer, error_event)
STREAM = Endpoint(AWS, check, prompt, answer, error_event, streams=True)
