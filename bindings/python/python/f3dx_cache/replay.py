"""`replay`: recorded traces run again, and what changed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sized
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _native
from ._native import Row, Traces
from .calls import Calls, checked, checked_cache
from .diff import check_names
from .models import embedder, with_api
from .report import Report

if TYPE_CHECKING:
    import asyncio

    from typing_extensions import Unpack

    from ._native import Cache
    from .diff import DiffOptions, Verdict
    from .models import Embed, ModelCall

    Rows = str | os.PathLike[str] | Traces | Iterable[Row]
    Target = Callable[[Row], str | Awaitable[str]]


class Progress(NamedTuple):
    """How far a replay is."""

    #: The rows that are done.
    done: int
    #: The rows that could not be read.
    bad: int
    #: How many rows there are, where that is known.
    total: int | None
    #: What the row came to that was done just now; None if there is no news.
    verdict: Verdict | None


def replay(
    traces: Rows,
    replay_against: Target,
    *,
    concurrency: int | None = None,
    limit: int | None = None,
    target: str | None = None,
    cache: Cache | None = None,
    call: ModelCall | None = None,
    embed: Embed | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
    **options: Unpack[DiffOptions],
) -> Report:
    """Asks for a new output of each row, compares it with the recorded one, and reports.

        report = replay("traces.jsonl", lambda row: answer(row.prompt), mode="structured")

    `traces` is a file, what `read_traces` returns, or any rows of it. `replay_against` gives a
    row's new output; it may be `async def`. It is called for `concurrency` rows (4) at once,
    in threads or on an event loop in the background, and under the `use()` that is in force
    here. What it raises is that row's error; KeyboardInterrupt ends all.

    `limit` is how many rows are replayed at most. With a `target`, a name for what is replayed
    against, `cache` keeps the outputs, too, so that a second replay calls nothing. `cache`,
    `call`, `embed` and the options are otherwise those of `diff`. `progress` is told how far it
    is; by default there is a line on stderr if that is a terminal.
    """
    calls = Calls()
    run = _Run(traces, replay_against, concurrency, limit, target, call, embed, progress, options)
    try:
        return run(calls, cache)
    finally:
        calls.stop()


async def areplay(
    traces: Rows,
    replay_against: Target,
    *,
    concurrency: int | None = None,
    limit: int | None = None,
    target: str | None = None,
    cache: Cache | None = None,
    call: ModelCall | None = None,
    embed: Embed | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
    **options: Unpack[DiffOptions],
) -> Report:
    """Does what `replay` does, with coroutines on the event loop that is running.

    So async clients that are in use there can be used. `progress` and an iterator of rows are
    called in another thread.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    calls = Calls(loop)
    run = _Run(traces, replay_against, concurrency, limit, target, call, embed, progress, options)
    done: asyncio.Future[Report] = loop.create_future()

    def work() -> None:
        outcome: Report | BaseException
        try:
            outcome = run(calls, cache)
        except BaseException as error:
            outcome = error
        # Nobody waits for it where the loop was closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, done, outcome)

    threading.Thread(target=work, name="f3dx-cache replay", daemon=True).start()
    try:
        return await asyncio.shield(done)
    finally:
        run.cancelled = True
        calls.stop()
        # It ends at once, and then nothing uses the cache any more.
        await asyncio.wait([done])
        done.exception()


def _settle(future: asyncio.Future[Report], outcome: Report | BaseException) -> None:
    if future.done():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


class _Run:
    """One replay, ready to begin."""

    def __init__(
        self,
        traces: Any,
        replay_against: Any,
        concurrency: int | None,
        limit: int | None,
        target: str | None,
        call: ModelCall | None,
        embed: Embed | None,
        progress: Any,
        options: Any,
    ) -> None:
        check_names(options, "concurrency", "limit", "target", "cache", "call", "embed", "progress")
        if replay_against is None:
            raise TypeError("replay_against: a function of a row is needed, not None")
        if isinstance(traces, (str, os.PathLike)):
            traces = Traces(traces)
        self.traces = traces if isinstance(traces, Traces) else iter(traces)
        self.total = len(traces) if isinstance(traces, Sized) else None
        self.replay_against = checked("replay_against", replay_against)
        self.options = {
            "diff": {k: v for k, v in with_api(options, call).items() if v is not None},
            "concurrency": concurrency,
            "limit": limit,
            "target": target,
        }
        self.call, self.embed = checked("call", call), embedder(embed)
        if progress is None:
            progress = sys.stderr is not None and sys.stderr.isatty()
        self.progress = _Line() if progress is True else checked("progress", progress or None)
        #: Whether nobody waits for it any more.
        self.cancelled = False

    def __call__(self, calls: Calls, cache: Cache | None) -> Report:
        try:
            return Report(
                _native.replay(
                    self.traces,
                    self.replay_against,
                    self.options,
                    calls,
                    total=self.total,
                    cache=checked_cache(cache),
                    call=self.call,
                    embed=self.embed,
                    progress=self._tell,
                )
            )
        finally:
            if isinstance(self.progress, _Line):
                self.progress.end()

    def _tell(self, news: dict[str, Any]) -> None:
        if self.cancelled:
            raise InterruptedError("nobody waits for the replay any more")
        if self.progress is not None:
            self.progress(Progress(**news))


class _Line:
    """A line on stderr that says how far it is."""

    def __init__(self) -> None:
        self.look = 0
        self.shown = 0.0
        self.last = ""

    def __call__(self, news: Progress) -> None:
        self.look += news.verdict in ("different", "inconclusive", "error")
        count = f"{news.done}" if news.total is None else f"{news.done} of {news.total}"
        parts = [f"{count} rows replayed", f"{self.look} need a look"]
        if news.bad:
            parts.append(f"{news.bad} could not be read")
        self.last = ", ".join(parts)
        if time.monotonic() - self.shown >= 0.1:
            self.show()

    def show(self) -> None:
        """Writes the line over the one before."""
        self.shown = time.monotonic()
        sys.stderr.write(f"\r\x1b[K{self.last}")
        sys.stderr.flush()

    def end(self) -> None:
        """Shows the last word, and leaves the line."""
        if self.last:
            self.show()
            sys.stderr.write("\n")
            sys.stderr.flush()
