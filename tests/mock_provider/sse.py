"""Server-sent events as the providers spell them."""

import json

DONE = b"data: [DONE]\n\n"


def data(value: object) -> bytes:
    """Spells an event without a name, as chat completions do."""
    return f"data: {compact(value)}\n\n".encode()


def crlf(value: object) -> bytes:
    """Spells an event without a name the way Google ends its lines."""
    return f"data: {compact(value)}\r\n\r\n".encode()


def named(value: dict) -> bytes:
    """Spells an event that is named after its `type`, as responses and messages do."""
    return f"event: {value['type']}\ndata: {compact(value)}\n\n".encode()


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
