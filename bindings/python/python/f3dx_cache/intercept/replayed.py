"""Recorded bodies as the streams that httpx and httpx2 read."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._native import Replay


@functools.cache
def replayed_streams(module: ModuleType) -> tuple[Any, Any]:
    """Returns the classes of sync and async streams for a library."""

    class ReplayedStream(module.SyncByteStream):  # type: ignore[misc, name-defined]
        """The recorded chunks, after the recorded delays where these are replayed."""

        def __init__(self, replay: Replay) -> None:
            self._chunks = replay.chunks
            self._delays = replay.delays

        def __iter__(self) -> Iterator[bytes]:
            if not self._delays:
                return iter(self._chunks)
            return self._delayed()

        def _delayed(self) -> Iterator[bytes]:
            for delay, chunk in zip(self._delays, self._chunks, strict=True):
                time.sleep(delay)
                yield chunk

    class AsyncReplayedStream(module.AsyncByteStream):  # type: ignore[misc, name-defined]
        """The recorded chunks, after the recorded delays where these are replayed.

        One iterator, which goes on where it was: openai reads the rest of a stream it
        leaves through a second one.
        """

        def __init__(self, replay: Replay) -> None:
            self._chunks = iter(replay.chunks)
            self._delays = iter(replay.delays)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self._chunks:
                delay = next(self._delays, 0)
                if delay:
                    import anyio

                    await anyio.sleep(delay)
                yield chunk

    return ReplayedStream, AsyncReplayedStream
