"""Waits until a call may be sent, or somebody else has recorded its answer.

Nothing is held while waiting: no lock, no pool thread, no event loop. The one that
has the claim may need any of them to finish.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._native import Exchange, Replay

#: Seconds between two questions.
LONGEST = 0.025


def turn(exchange: Exchange, read_ahead: Callable[[], None]) -> Replay | None:
    """Returns `None` when it is this thread's turn to send, else what to replay.

    The claim may belong to a stream that its caller has left open and reads no more, so
    a wait that gets long has such streams read.
    """
    has_read_ahead = False
    holder = threading.get_ident()
    for pause in _pauses():
        claimed = exchange.claim(holder)
        if claimed is True:
            return None
        if claimed is not False:
            return claimed
        if pause == LONGEST and not has_read_ahead:
            has_read_ahead = True
            read_ahead()
        time.sleep(pause)
    raise AssertionError("pauses do not end")


async def turn_async(exchange: Exchange) -> Replay | None:
    """Returns `None` when it is this task's turn to send, else what to replay."""
    import anyio  # httpx and httpx2 need it anyway, to run on asyncio and on trio

    # A sync call on this thread keeps the task from going on, and must not wait for it.
    holder, thread = anyio.get_current_task().id, threading.get_ident()
    for pause in _pauses():
        claimed = exchange.claim(holder, thread)
        if claimed is True:
            return None
        if claimed is not False:
            return claimed
        await anyio.sleep(pause)
    raise AssertionError("pauses do not end")


def _pauses() -> Iterator[float]:
    pause = 0.001
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST)
