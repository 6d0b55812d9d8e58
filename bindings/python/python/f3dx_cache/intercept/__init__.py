"""Which cache answers a call, and the patches that ask it.

While at least one [`use`][f3dx_cache.use] is active, `Client.send` and
`AsyncClient.send` of httpx and httpx2 are replaced, for the whole process and for
clients made before or after. A call asks the cache that is active where it is made:

- the innermost `use` of its own context (task or thread), if there is one: two
  tasks, or two threads, may each have their own;
- otherwise, as in a background thread of the code under test, the one of the
  process that was entered last.

While a `use` replays, connections to providers that no patch answers are refused.

A `use` that has ended is passed over in favour of the one around it, so a task that
outlives its `use` never writes into a closed cache.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from . import guard, late, placeholders
from .httpx import patch_client
from .recorded import finish, finish_async

if TYPE_CHECKING:
    from types import ModuleType

    from .._native import Cache
    from ..errors import CacheMiss
    from .httpx import Patch

LIBRARIES = ("httpx", "httpx2")

_lock = threading.RLock()
_entered: list[Active] = []
_patches: list[Patch] = []
_current: ContextVar[Active | None] = ContextVar("f3dx_cache_active", default=None)


def _renew_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # A thread of the parent may have held the lock that a child inherits.
    os.register_at_fork(after_in_child=_renew_lock)


class Active:
    """One cache that answers calls, from `enter` to `leave`."""

    def __init__(
        self, cache: Cache, miss: Callable[[CacheMiss], BaseException] = lambda miss: miss
    ) -> None:
        self.cache = cache
        self.intercept = cache.intercept
        #: What is raised for a miss; the pytest plugin has a kind that survives teardown.
        self.miss = miss
        #: What went wrong while looking up or recording, raised when the `use` ends:
        #: an SDK may have hidden it, and the answer of the model is not lost to it.
        self.errors: list[Exception] = []
        #: What gives the streams that are being recorded, by their identity.
        self.streams: dict[int, Callable[[], Any]] = {}
        self.open = False
        self.outer: Active | None = None
        self._token: Token[Active | None] | None = None

    def enter(self) -> None:
        """Makes this the innermost cache of the context and of the process."""
        with _lock:
            if self.cache.mode == "replay":
                placeholders.set_unset()
                guard.install(active)
            if not _entered:
                _install()
            _entered.append(self)
        self.open = True
        self.outer = _current.get()
        self._token = _current.set(self)

    def read_ahead(self) -> None:
        """Has sync streams read on, in threads, for callers that may have left them."""
        for stream in self._streams():
            if hasattr(stream, "start_reading_ahead"):
                stream.start_reading_ahead()

    async def read_streams(self) -> None:
        """Has async streams recorded that the caller left open; goes before `leave`."""
        await finish_async(self._streams())

    def leave(self) -> None:
        """Stops answering; the last one to leave takes the patches off.

        Streams that the caller left open are recorded first, as if it had closed them.
        """
        if not self.open:
            return
        try:
            finish(self._streams())
        finally:
            self._leave()

    def _streams(self) -> list[Any]:
        kept = list(self.streams.values())
        return [stream for of in kept if (stream := of()) is not None]

    def _leave(self) -> None:
        self.open = False
        if self._token is not None:
            # An async fixture may end in another context than it began in. The variable
            # there still names this one, and `active` passes it over.
            with contextlib.suppress(ValueError):
                _current.reset(self._token)
        with _lock:
            _entered.remove(self)
            if not _entered:
                _uninstall()
            if self.cache.mode == "replay":
                placeholders.remove()
                guard.remove()


def active() -> Active | None:
    """Returns what answers a call made here and now, if anything does."""
    found = _current.get()
    while found is not None:
        if found.open:
            return found
        found = found.outer
    try:
        return _entered[-1]
    except IndexError:
        return None


def _install() -> None:
    late.watch(LIBRARIES, _patch)
    for module in late.imported(LIBRARIES):
        _patch(module)


def _uninstall() -> None:
    late.unwatch()
    # A patch that somebody else has patched over stays: it passes everything while
    # nothing is active, and taking it off would take theirs off too.
    _patches[:] = [patch for patch in _patches if not patch.take_off()]


def _patch(module: ModuleType) -> None:
    with _lock:
        if not late.watching():
            return
        for client in (module.Client, module.AsyncClient):
            if _is_mock(client.__dict__["send"]):
                continue
            if not any(patch.client is client and patch.in_place() for patch in _patches):
                _patches.append(patch_client(module, client, active))


def _is_mock(function: Any) -> bool:
    """Returns whether `unittest.mock` answers in the place of the network."""
    mocks = sys.modules.get("unittest.mock")
    # With `autospec` it is a function that holds its mock.
    return mocks is not None and any(
        isinstance(one, mocks.NonCallableMock)
        for one in (function, getattr(function, "mock", None))
    )
