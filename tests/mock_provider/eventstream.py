"""Frames of `application/vnd.amazon.eventstream`, the binary streams of AWS."""

import struct
import zlib

from mock_provider import sse

CONTENT_TYPE = "application/vnd.amazon.eventstream"
TEXT = 7


def event(name: str, value: dict) -> bytes:
    """Spells an event."""
    return frame({":event-type": name, ":message-type": "event"}, value)


def exception(name: str, value: dict) -> bytes:
    """Spells an error that ends the stream."""
    return frame({":exception-type": name, ":message-type": "exception"}, value)


def frame(headers: dict[str, str], value: dict) -> bytes:
    """Spells lengths, their checksum, headers, payload and the checksum of it all."""
    named = {":content-type": "application/json"} | headers
    spelt = b"".join(header(name, text) for name, text in named.items())
    payload = sse.compact(value).encode()
    lengths = struct.pack(">II", 16 + len(spelt) + len(payload), len(spelt))
    message = lengths + checksum(lengths) + spelt + payload
    return message + checksum(message)


def header(name: str, text: str) -> bytes:
    return (
        struct.pack(f">B{len(name)}sBH", len(name), name.encode(), TEXT, len(text)) + text.encode()
    )


def checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))
