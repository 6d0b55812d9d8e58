"""What an exchange is told of a response as it passes.

`finish` writes the file (a few milliseconds, and the wait for another writer) and is
called directly, in async code too. A thread would not do: the await could be
cancelled, which would lose the recording or, worse, leave the claim taken; the pool
may be full of those that wait for this claim; and the entry must be in the file
before the caller sees the end of the stream. Whoever has the writer's turn needs
nothing of this loop to go on, so blocking it cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from ..errors import Error

if TYPE_CHECKING:
    from .._native import Exchange


class Recording:
    """What an exchange is told of a response."""

    def __init__(
        self, module: ModuleType, response: Any, exchange: Exchange, errors: list[Exception]
    ) -> None:
        self.exchange = exchange
        self.errors = errors
        self.over = False
        self.forget: Callable[[], object] = lambda: None
        exchange.head(response.status_code, response.headers.multi_items())
        self._decoder: Any = None
        encoding = response.headers.get("content-encoding", "identity")
        if encoding.strip().lower() not in ("", "identity"):
            twin = module.Response(200, headers={"content-encoding": encoding})
            self._decoder = twin._get_content_decoder()
            if type(self._decoder).__name__ == "IdentityDecoder":
                # The library does not know this encoding and hands it on as it is.
                self.end("failed")

    def piece(self, raw: bytes) -> None:
        """Takes a piece; at the terminal event the entry is recorded, not at the end of file."""
        if not self.over and self._decoded("decode", raw):
            self.end("eof")

    def eof(self) -> None:
        """Takes the end of the body."""
        if not self.over:
            self._decoded("flush")
            self.end("eof")

    def whole(self, content: bytes) -> None:
        """Takes a body that an event hook or an auth flow has read already."""
        if not self.over:
            self.exchange.chunk(content)
            self.end("eof")

    def end(self, end: Literal["eof", "left", "failed"]) -> None:
        """Finishes the exchange; the first end counts."""
        if not self.over:
            self.over = True
            self.forget()
            try:
                self.exchange.finish(end)
            except Error as error:
                self.errors.append(error)

    def _decoded(self, step: str, *data: bytes) -> bool:
        if self._decoder is None:
            return any(self.exchange.chunk(piece) for piece in data)
        try:
            pieces = getattr(self._decoder, step)(*data)
            # httpx decodes to bytes, httpx2 to an iterator of bytes.
            whole = pieces if isinstance(pieces, bytes) else b"".join(pieces)
        except Exception:
            # The caller's decoder fails on the same bytes, and says so.
            self.end("failed")
            return False
        return bool(whole) and self.exchange.chunk(whole)
