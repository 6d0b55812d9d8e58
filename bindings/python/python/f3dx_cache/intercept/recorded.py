"""Responses on their way from the network to the caller, recorded as they pass.

What the caller gets is what the network sends: the same pieces, still encoded where
they were. The exchange gets each piece decoded, by a second decoder of the library.

`finish` writes the file (a few milliseconds, and the wait for another writer) and is
called directly, in async code too. A thread would not do: the await could be
cancelled, which would lose the recording or, worse, leave the claim taken; the pool
may be full of those that wait for this claim; and the entry must be in the file
before the caller sees the end of the stream. Whoever has the writer's turn needs
nothing of this loop to go on, so blocking it cannot deadlock.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from ..errors import Error

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._native import Exchange


class Recording:
    """What an exchange is told of a response."""

    def __init__(
        self, module: ModuleType, response: Any, exchange: Exchange, errors: list[Exception]
    ) -> None:
        self.exchange = exchange
        self.errors = errors
        self.over = False
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


@functools.cache
def recorded_streams(module: ModuleType) -> tuple[Callable[..., None], Callable[..., None]]:
    """Returns what has a sync and what has an async response of a library recorded."""

    class RecordedStream(module.SyncByteStream):  # type: ignore[misc, name-defined]
        """Passes the pieces of a response on and to its recording."""

        def __init__(self, response: Any, recording: Recording) -> None:
            self._stream = response.stream
            self._network = response.extensions.get("network_stream")
            self._recording = recording
            self._pieces: Iterator[bytes] | None = None

        def __iter__(self) -> Self:
            if self._pieces is None:
                self._pieces = iter(self._stream)
            return self

        def __next__(self) -> bytes:
            assert self._pieces is not None
            try:
                raw = next(self._pieces)
            except StopIteration:
                self._recording.eof()
                raise
            except BaseException:
                self._recording.end("failed")
                raise
            self._recording.piece(raw)
            return raw

        def close(self) -> None:
            try:
                if not self._recording.over and _may_drain():
                    self._drain()
            finally:
                self._recording.end("left")
                self._stream.close()

        @property
        def elapsed(self) -> Any:
            return getattr(self._stream, "elapsed", None)

        def _drain(self) -> None:
            """Reads the rest that the caller left, within the bounds of the exchange.

            In a thread, because a blocked read has no other deadline than the caller's
            read timeout; at the end of the time its connection is shut down.
            """
            thread = threading.Thread(target=self._read_rest, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter is shutting down
            thread.join(self._recording.exchange.drain_seconds)
            if thread.is_alive():
                self._recording.end("left")
                _shut_down(self._network)

        def _read_rest(self) -> None:
            left = self._recording.exchange.drain_bytes
            try:
                for raw in self:
                    left -= len(raw)
                    if self._recording.over or left < 0:
                        return
            except Exception:
                self._recording.end("failed")

    class AsyncRecordedStream(module.AsyncByteStream):  # type: ignore[misc, name-defined]
        """Passes the pieces of a response on and to its recording."""

        def __init__(self, response: Any, recording: Recording) -> None:
            self._stream = response.stream
            self._recording = recording
            self._pieces: AsyncIterator[bytes] | None = None

        def __aiter__(self) -> AsyncIterator[bytes]:
            if self._pieces is None:
                self._pieces = self._stream.__aiter__()
                return self._passed_on()
            return self._rest()

        async def _passed_on(self) -> AsyncIterator[bytes]:
            while (raw := await self._next()) is not None:
                yield raw

        async def _next(self) -> bytes | None:
            if self._pieces is None:
                self._pieces = self._stream.__aiter__()
            try:
                raw = await self._pieces.__anext__()
            except StopAsyncIteration:
                self._recording.eof()
                return None
            except BaseException:
                self._recording.end("failed")
                raise
            self._recording.piece(raw)
            return raw

        async def aclose(self) -> None:
            try:
                if not self._recording.over and _may_drain():
                    await self._drain()
            finally:
                self._recording.end("left")
                try:
                    if self._pieces is not None and hasattr(self._pieces, "aclose"):
                        await self._pieces.aclose()
                finally:
                    await self._stream.aclose()

        @property
        def elapsed(self) -> Any:
            return getattr(self._stream, "elapsed", None)

        async def _rest(self) -> AsyncIterator[bytes]:
            """openai reads what it leaves for 0.1 s; a recording has time of its own."""
            if not self._recording.over and _may_drain():
                await self._drain()
            return
            yield

        async def _drain(self) -> None:
            """Reads the rest that the caller left, within the bounds of the exchange."""
            import anyio

            left = self._recording.exchange.drain_bytes
            with anyio.move_on_after(self._recording.exchange.drain_seconds, shield=True):
                try:
                    while not self._recording.over and left >= 0:
                        left -= len(await self._next() or b"")
                except Exception:
                    self._recording.end("failed")

    def record(kind: Any, response: Any, exchange: Exchange, errors: list[Exception]) -> None:
        recording = Recording(module, response, exchange, errors)
        if not response.is_closed:
            response.stream = kind(response, recording)
            return
        try:
            recording.whole(response.content)
        except module.ResponseNotRead:
            recording.end("failed")

    return (
        functools.partial(record, RecordedStream),
        functools.partial(record, AsyncRecordedStream),
    )


def _may_drain() -> bool:
    """A caller that is being cancelled or interrupted is not kept waiting."""
    leaving = sys.exc_info()[1]
    return leaving is None or isinstance(leaving, (Exception, GeneratorExit))


def _shut_down(network: Any) -> None:
    """Wakes a read that another thread is blocked in."""
    connection = network.get_extra_info("socket") if network is not None else None
    if isinstance(connection, socket.socket):
        # Past ssl's own shutdown, which would take the session from the reader's hands.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
