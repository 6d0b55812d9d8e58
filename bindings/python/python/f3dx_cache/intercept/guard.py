"""Stops connections to providers during a replay, before a socket opens.

Behind the patches of the HTTP libraries: what gets here was made by a client that is
not intercepted (requests, aiohttp, http.client, a socket), or is no HTTP call. Names are
stopped when they are resolved, addresses when they are connected to; connections to
anything but a provider are not touched.

Not seen are connections that are made outside Python's `socket`: by uvloop, by gRPC,
by curl; and those that go through a proxy.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import CacheMiss

if TYPE_CHECKING:
    from . import Active

_users = 0
_restore: list[Callable[[], None]] = []


def install(active: Callable[[], Active | None]) -> None:
    """Guards connections until `remove` was called as often."""
    global _users
    _users += 1
    if _users > 1:
        return

    def check(host: Any, port: Any) -> None:
        __tracebackhide__ = True
        guarding = active()
        if guarding is None or guarding.cache.mode != "replay" or not host:
            return
        if isinstance(host, (bytes, bytearray)):
            host = host.decode("ascii", "replace")
        try:
            guarding.cache.check_connection(str(host), _number(port))
        except CacheMiss as miss:
            raised = guarding.miss(miss)
            raise raised from None

    def check_address(sock: socket.socket, address: Any) -> None:
        __tracebackhide__ = True
        if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            check(*address[:2])

    getaddrinfo = socket.getaddrinfo
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        check(host, port)
        return getaddrinfo(host, port, *args, **kwargs)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        __tracebackhide__ = True
        check_address(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        __tracebackhide__ = True
        check_address(self, address)
        return connect_ex(self, address)

    _put(socket, "getaddrinfo", guarded_getaddrinfo)
    _put(socket.socket, "connect", guarded_connect)
    _put(socket.socket, "connect_ex", guarded_connect_ex)


def remove() -> None:
    """Ends what one `install` began."""
    global _users
    _users -= 1
    if _users == 0:
        for restore in _restore:
            restore()
        _restore.clear()


def _put(owner: Any, name: str, replacement: Any) -> None:
    own = vars(owner).get(name)
    setattr(owner, name, replacement)

    def restore() -> None:
        # What somebody else has patched over this stays; it passes everything by then.
        if vars(owner).get(name) is not replacement:
            return
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)

    _restore.append(restore)


def _number(port: Any) -> int:
    """Returns a port as a number; a resolver may know its name only, or none."""
    if isinstance(port, (bytes, bytearray)):
        port = port.decode("ascii", "replace")
    if isinstance(port, str) and not port.isdecimal():
        return 80 if port == "http" else 443
    number = int(port or 443)
    return number if 0 < number < 65536 else 443
