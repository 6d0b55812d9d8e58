"""Responses on their way from the network to the caller, recorded as they pass.

What the caller gets is what the network sends: the same pieces, still encoded where
they were. The exchange gets each piece decoded, by a second decoder of the library.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
import threading
import time
import types
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .recording import Recording

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._native import Exchange
    from . import Active


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
            #: One at a time: the caller, and the thread that reads ahead of it.
            self._reading = threading.Lock()
            self._ahead: deque[bytes | Exception] = deque()

        def __iter__(self) -> Self:
            return self

        def __next__(self) -> bytes:
            with self._reading:
                return _first(self._ahead) if self._ahead else self._next()

        def _next(self) -> bytes:
            if self._pieces is None:
                self._pieces = iter(self._stream)
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

        def kept(self) -> Callable[[], Self | None]:
            """Keeps what a caller forgot only until it is collected, which closes it."""
            return weakref.ref(self)

        def forget(self) -> None:
            pass

        def start_reading_ahead(self) -> threading.Thread | None:
            """Reads the rest for a caller that has not closed; it stays there to be read."""
            return None if self._recording.over else _started(self._read_ahead)

        def leave(self) -> None:
            """Ends the recording; the caller may go on."""
            self._recording.end("left")

        @property
        def elapsed(self) -> Any:
            return getattr(self._stream, "elapsed", None)

        def _drain(self) -> None:
            """Reads the rest that the caller left, within the bounds of the exchange.

            In a thread, because a blocked read has no other deadline than the caller's
            read timeout; at the end of the time its connection is shut down.
            """
            thread = _started(self._read_rest)
            if thread is None:
                return
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

        def _read_ahead(self) -> None:
            left = self._recording.exchange.drain_bytes
            while not self._recording.over and left >= 0:
                with self._reading:
                    try:
                        raw = self._next()
                    except StopIteration:
                        return
                    except Exception as error:
                        self._ahead.append(error)
                        return
                    self._ahead.append(raw)
                left -= len(raw)

    class AsyncRecordedStream(module.AsyncByteStream):  # type: ignore[misc, name-defined]
        """Passes the pieces of a response on and to its recording."""

        def __init__(self, response: Any, recording: Recording) -> None:
            import anyio

            self._stream = response.stream
            self._recording = recording
            self._pieces: AsyncIterator[bytes] | None = None
            self._iterated = False
            #: One at a time: the caller, and the task that reads ahead of it.
            self._reading = anyio.Lock()
            self._ahead: deque[bytes | Exception] = deque()
            self._loop_end = self._at_the_end_of_the_loop()
            with contextlib.suppress(StopIteration):
                self._loop_end.__anext__().send(None)

        def __aiter__(self) -> AsyncIterator[bytes]:
            if self._iterated:
                return self._rest()
            self._iterated = True
            return self._passed_on()

        async def _passed_on(self) -> AsyncIterator[bytes]:
            while True:
                async with self._reading:
                    raw = _first(self._ahead) if self._ahead else await self._next()
                if raw is None:
                    return
                yield raw

        async def _next(self) -> bytes | None:
            try:
                if self._pieces is None:
                    self._pieces = self._stream.__aiter__()
                    raw = await _first_of(self._pieces)
                else:
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
                    # While another task reads, closing the stream is what ends its wait.
                    if hasattr(self._pieces, "aclose") and not self._reading.locked():
                        await self._pieces.aclose()
                finally:
                    await self._stream.aclose()

        def kept(self) -> Callable[[], Self | None]:
            """Keeps what a caller forgot: no collection can wait for its close."""
            return lambda: self

        def forget(self) -> None:
            # It has nothing to wait for then; it may be what is running.
            with contextlib.suppress(StopIteration, RuntimeError):
                self._loop_end.aclose().send(None)

        async def _at_the_end_of_the_loop(self) -> AsyncGenerator[None, None]:
            """Is on the list of generators that the event loop closes at its end.

            The caller may have left the stream to be closed by a collection, for which
            the loop has no time any more.
            """
            try:
                yield
            finally:
                await finish_async([self])

        async def read_ahead(self) -> None:
            """Reads the rest for a caller that has not closed; it stays there to be read."""
            left = self._recording.exchange.drain_bytes
            while not self._recording.over and left >= 0:
                async with self._reading:
                    try:
                        raw = await self._next()
                    except Exception as error:
                        self._ahead.append(error)
                        return
                    if raw is None:
                        return
                    self._ahead.append(raw)
                left -= len(raw)

        def leave(self) -> None:
            """Ends the recording; the caller may go on."""
            self._recording.end("left")

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
                        async with self._reading:
                            left -= len(await self._next() or b"")
                except Exception:
                    self._recording.end("failed")

    def record(kind: Any, response: Any, exchange: Exchange, active: Active) -> None:
        recording = Recording(module, response, exchange, active.errors)
        if not response.is_closed:
            stream = response.stream = kind(response, recording)
            active.streams[id(stream)] = stream.kept()
            recording.forget = functools.partial(_forget, active.streams, id(stream), stream.kept())
            return
        try:
            recording.whole(response.content)
        except module.ResponseNotRead:
            recording.end("failed")

    return (
        functools.partial(record, RecordedStream),
        functools.partial(record, AsyncRecordedStream),
    )


def finish(streams: Iterable[Any]) -> None:
    """Ends the recordings of streams that are open at the end of a `use`.

    Sync ones are read to their end, all at once and within the bounds of an exchange; to
    read an async one takes its event loop: see `finish_async`. What is read ahead is kept
    for a caller that goes on with the stream.
    """
    threads = []
    for stream in streams if _may_drain() else ():
        if hasattr(stream, "start_reading_ahead"):
            seconds = stream._recording.exchange.drain_seconds
            threads.append((stream.start_reading_ahead(), time.monotonic() + seconds))
    for thread, deadline in threads:
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
    for stream in streams:
        stream.leave()


async def finish_async(streams: Iterable[Any]) -> None:
    """Reads async streams to their end that are open at the end of a `use`."""
    unread = [one for one in streams if hasattr(one, "read_ahead") and not one._recording.over]
    if not unread or not _may_drain():
        return
    import anyio

    with anyio.move_on_after(unread[0]._recording.exchange.drain_seconds):
        async with anyio.create_task_group() as tasks:
            for stream in unread:
                tasks.start_soon(stream.read_ahead)


def _forget(streams: dict[int, Callable[[], Any]], identity: int, kept: Callable[[], Any]) -> None:
    streams.pop(identity, None)
    stream = kept()
    if stream is not None:
        stream.forget()


def _first(ahead: deque[bytes | Exception]) -> bytes:
    piece = ahead.popleft()
    if isinstance(piece, Exception):
        raise piece
    return piece


def _started(work: Callable[[], None]) -> threading.Thread | None:
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None  # the interpreter is shutting down
    return thread


@types.coroutine
def _first_of(pieces: AsyncIterator[bytes]) -> Generator[Any, Any, bytes]:
    """Awaits the first piece, and keeps the generators beneath off the event loop's list.

    At its end an event loop closes all generators on its list, in any order: those that
    read from the network before the one of the SDK, whose close drains through them.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=None)
    try:
        steps: Any = pieces.__anext__().__await__()
        yielded = next(steps)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        sys.set_asyncgen_hooks(*hooks)
    while True:
        try:
            sent = yield yielded
        except BaseException as thrown:
            step = functools.partial(steps.throw, thrown)
        else:
            step = functools.partial(steps.send, sent)
        try:
            yielded = step()
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


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
