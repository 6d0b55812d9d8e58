"""Tells transports that touch a network from applications under test and mocks."""

from __future__ import annotations

from types import ModuleType
from typing import Any

#: Packages with transports of their own that go over a network.
NETWORK_PACKAGES = frozenset({"httpx_aiohttp", "httpx_curl_cffi", "litellm"})


def touches_network(module: ModuleType, transport: Any) -> bool:
    """Returns whether a transport of httpx or httpx2 (`module`) touches a network.

    These do: the library's own HTTP transports and their subclasses, unless somebody
    (respx, pytest-httpx) has put a mock in the place of the methods that send; those of
    `NETWORK_PACKAGES`; and wrappers, such as one that retries, that hold transports all
    of which do. Everything else passes untouched: MockTransport, ASGI and WSGI
    applications, test clients, a class of the user's own.
    """
    if isinstance(transport, module.AsyncHTTPTransport):
        return _is_genuine(module.AsyncHTTPTransport.handle_async_request, module) and _sends(
            transport, "handle_async_request"
        )
    if isinstance(transport, module.HTTPTransport):
        return _is_genuine(module.HTTPTransport.handle_request, module) and _sends(
            transport, "handle_request"
        )
    if any(
        kind.__module__.partition(".")[0] in NETWORK_PACKAGES for kind in type(transport).__mro__
    ):
        return True
    bases = (module.BaseTransport, module.AsyncBaseTransport)
    held = [
        value for value in getattr(transport, "__dict__", {}).values() if isinstance(value, bases)
    ]
    return bool(held) and all(
        value is not transport and touches_network(module, value) for value in held
    )


def _is_genuine(function: Any, module: ModuleType) -> bool:
    return getattr(function, "__module__", "").partition(".")[0] == module.__name__


def _sends(transport: Any, method: str) -> bool:
    """respx mocks the connection pool beneath the transport."""
    pool = getattr(transport, "_pool", None)
    handle = getattr(type(pool), method, None)
    return handle is None or getattr(handle, "__module__", "").startswith("httpcore")
