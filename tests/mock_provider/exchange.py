"""What passes between the server and the endpoints: calls, replies and rejections."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property

from mock_provider.faults import Directives


class Rejected(Exception):
    """A request that the provider answers with an error."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


@dataclass
class Call:
    """One request, parsed as far as it could be, with its running number."""

    number: int
    run: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    request: dict = field(default_factory=dict)
    path_model: str | None = None
    path_streams: bool = False
    prompt: str = ""
    directives: Directives = field(default_factory=Directives)
    # What a test has scripted: the text of the answer, the vectors of texts.
    scripted: str | None = None
    vectors: dict[str, list[float]] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Identifies the content: equal for the same request, streamed or not."""
        content = {
            name: value
            for name, value in self.request.items()
            if name not in ("stream", "stream_options")
        }
        text = json.dumps([self.path_model or self.path, content], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def id(self, prefix: str, label: str = "") -> str:
        """Makes an id that no other call of any run has; its end is the running number."""
        mixed = hashlib.sha256(f"{self.digest}/{label}/{self.run}".encode()).hexdigest()
        return f"{prefix}{mixed[:18]}{self.number:06d}"

    @property
    def model(self) -> str | None:
        """The model that the path or the body names."""
        named = self.path_model or self.request.get("model")
        return named if isinstance(named, str) else None

    @property
    def streams(self) -> bool:
        return self.path_streams or self.request.get("stream") is True


@dataclass
class Reply:
    """An answer before it goes out: a body, or the events of a stream."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    events: list[bytes] | None = None
    dropped: bool = False


def unary(value: object, status: int = 200, indent: int | None = None) -> Reply:
    """Makes a reply of one JSON document."""
    separators = None if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    return Reply(status, {"content-type": "application/json"}, text.encode())


def stream(events: list[bytes]) -> Reply:
    """Makes a reply of server-sent events."""
    headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    return Reply(200, headers, events=events)
