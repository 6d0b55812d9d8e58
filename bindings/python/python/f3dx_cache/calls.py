"""Running the caller's functions for core: in threads, or on an event loop."""

from __future__ import annotations

import contextvars
import inspect
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ._native import Cache
from .errors import CacheMiss

if TYPE_CHECKING:
    import asyncio

    from ._native import Reply


class Calls:
    """Runs functions for core, each in the context in which this was made.

    So what is in force there, such as `use()`, is in force in them. A function runs in a
    thread of its own; what it returns, if that can be awaited, on the event loop: `loop`, or
    else one in the background, which all share and keep, as clients keep their connections.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._context = contextvars.copy_context()
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def start(self, reply: Reply, function: Callable[..., Any], arguments: list[Any]) -> None:
        """Begins a call; `reply` gets what it comes to. After `stop` none begins."""
        if self._stopped:
            raise KeyboardInterrupt
        # A daemon: the interpreter does not wait for calls that nobody waits for.
        context = self._context.copy()
        work = (self._run, reply, function, arguments)
        name = "f3dx-cache call"
        threading.Thread(target=context.run, args=work, name=name, daemon=True).start()

    def stop(self) -> None:
        """Cancels what is still under way on the event loop, and begins nothing more."""
        self._stopped = True
        if self._loop is not None and not self._loop.is_closed():
            for task in list(self._tasks):
                self._loop.call_soon_threadsafe(task.cancel)

    def _run(self, reply: Reply, function: Callable[..., Any], arguments: list[Any]) -> None:
        try:
            result = function(*arguments)
            if inspect.isawaitable(result):
                self._await(reply, result)
            else:
                reply.answer(result)
        except BaseException as error:
            _fail(reply, error)

    def _await(self, reply: Reply, result: Awaitable[Any]) -> None:
        loop = self._loop = self._loop or _background_loop()

        def begin() -> None:
            if self._stopped:
                if inspect.iscoroutine(result):
                    result.close()
                return
            task = loop.create_task(_finish(reply, result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        loop.call_soon_threadsafe(begin, context=contextvars.copy_context())


def checked(name: str, function: Any) -> Any:
    """Returns a function that a caller passed; TypeError if it is something else."""
    if function is not None and not callable(function):
        raise TypeError(f"{name}: a function is needed, not {type(function).__qualname__}")
    return function


def checked_cache(cache: Any) -> Any:
    """Returns a cache that a caller passed; TypeError if it is something else."""
    if cache is not None and not isinstance(cache, Cache):
        given = type(cache).__qualname__
        raise TypeError(f"cache: a Cache is needed, not {given}; Cache(path) opens one")
    return cache


async def _finish(reply: Reply, result: Awaitable[Any]) -> None:
    try:
        reply.answer(await result)
    except BaseException as error:
        _fail(reply, error)


def _fail(reply: Reply, error: BaseException) -> None:
    # A miss is an answer like any other failure; `use` and the plugin fail the test besides.
    if isinstance(error, (Exception, CacheMiss)) or _is_cancelled(error):
        said = str(error)
        name = type(error).__name__
        reply.fail(f"{name}: {said}" if said else name)
    else:
        reply.end(error)


def _is_cancelled(error: BaseException) -> bool:
    # It takes longer to import than all of this package, and is there if it raised.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


_lock = threading.Lock()
_shared: tuple[int, asyncio.AbstractEventLoop] | None = None


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    # A thread of the parent may have held the lock that a child inherits.
    os.register_at_fork(after_in_child=_renew_lock)


def _background_loop() -> asyncio.AbstractEventLoop:
    """Returns the event loop of the process that runs in a thread of its own."""
    import asyncio

    global _shared
    with _lock:
        # A forked child has the loop, but not the thread.
        if _shared is None or _shared[0] != os.getpid():
            loop = asyncio.new_event_loop()
            name = "f3dx-cache event loop"
            threading.Thread(target=loop.run_forever, name=name, daemon=True).start()
            _shared = (os.getpid(), loop)
        return _shared[1]
