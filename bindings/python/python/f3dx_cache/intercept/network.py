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
    for kind, method in (
        (module.HTTPTransport, "handle_request"),
        (module.AsyncHTTPTransport, "handle_async_request"),
    ):
        if isinstance(transport, kind):
            # respx puts its mock into the connection pool beneath the transport.
            pool = getattr(transport, "_pool", None)
            own = vars(transport).get(method, getattr(kind, method))
            return (
                _is_of(getattr(kind, method), (f"{module.__name__}.",))
                and _is_of(own, (f"{module.__name__}.",))
                and (
                    pool is None
                    or _is_of(getattr(type(pool), method, None), ("httpcore.", "httpcore2."))
                )
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


def _is_of(function: Any, packages: tuple[str, ...]) -> bool:
    # A mock with `autospec` has no module.
    return (getattr(function, "__module__", None) or "").startswith(packages)
