"""`Client.send` and `AsyncClient.send` of httpx and httpx2, which differ in little.

The whole of `send` is one call: redirects, auth flows and event hooks run inside the
original when a call is recorded, and the response they end with is what the request
is recorded with. A replay answers before any of them: an auth flow may have to fetch
a token, a redirect is already resolved. The event hooks of the client are called with
the request and the replayed response as they are with real ones.
"""

from __future__ import annotations

import datetime
import functools
import inspect
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._native import Replay
from ..errors import CacheMiss, Error
from .claim import turn, turn_async
from .network import touches_network
from .recorded import recorded_streams
from .replayed import replayed_streams

if TYPE_CHECKING:
    from types import ModuleType

    from . import Active

#: Set on a request that is on its way, for a second patch further in: see `in_place`.
SENDING = "f3dx_cache_sending"


class Patch:
    """A `send` that was put in the place of a client class's own."""

    def __init__(self, client: type[Any], replacement: Any) -> None:
        self.client = client
        self.original = client.__dict__["send"]
        self.replacement = functools.wraps(self.original)(replacement)
        client.send = self.replacement

    def in_place(self) -> bool:
        """Returns whether calls still come here, be it through a patch of somebody else."""
        send: Any = self.client.__dict__.get("send")
        while send is not None and send is not self.replacement:
            send = getattr(send, "__wrapped__", None)
        return send is not None

    def take_off(self) -> bool:
        """Puts the original back, unless somebody else has patched over this."""
        if self.client.__dict__.get("send") is not self.replacement:
            return False
        self.client.send = self.original
        return True


def patch_client(
    module: ModuleType, client: type[Any], active: Callable[[], Active | None]
) -> Patch:
    """Patches `module.Client` or `module.AsyncClient`."""
    make = _async_send if inspect.iscoroutinefunction(client.send) else _sync_send
    return Patch(client, make(module, client.__dict__["send"], active))


def _sync_send(module: ModuleType, original: Any, active: Callable[[], Active | None]) -> Any:
    answer = _answerer(module, replayed_streams(module)[0])
    recorded = recorded_streams(module)[0]
    is_ours = _judge(module)

    def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
        __tracebackhide__ = True
        cache = active()
        if cache is None or not is_ours(client, request):
            return original(client, request, stream=stream, **options)
        begun = time.perf_counter()
        try:
            body = request.content
        except module.RequestNotRead:
            if not _may_read(cache, request, module.SyncByteStream):
                return original(client, request, stream=stream, **options)
            body = request.read()
        found = _intercept(cache, request, body)
        if found is None:
            return original(client, request, stream=stream, **options)
        if type(found) is Replay:
            return _hooked(client, answer(client, request, found, stream, begun))
        if not found.records:
            return original(client, request, stream=stream, **options)
        try:
            meanwhile = turn(found, cache.read_ahead)
            if meanwhile is not None:
                return _hooked(client, answer(client, request, meanwhile, stream, begun))
            request.extensions[SENDING] = True
            response = original(client, request, stream=True, **options)
        except BaseException:
            found.finish("failed")
            raise
        finally:
            request.extensions.pop(SENDING, None)
        recorded(response, found, cache)
        if not stream:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response

    return send


def _async_send(module: ModuleType, original: Any, active: Callable[[], Active | None]) -> Any:
    answer = _answerer(module, replayed_streams(module)[1])
    recorded = recorded_streams(module)[1]
    is_ours = _judge(module)

    async def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
        __tracebackhide__ = True
        cache = active()
        if cache is None or not is_ours(client, request):
            return await original(client, request, stream=stream, **options)
        begun = time.perf_counter()
        try:
            body = request.content
        except module.RequestNotRead:
            if not _may_read(cache, request, module.AsyncByteStream):
                return await original(client, request, stream=stream, **options)
            body = await request.aread()
        found = _intercept(cache, request, body)
        if found is None:
            return await original(client, request, stream=stream, **options)
        if type(found) is Replay:
            return await _hooked_async(client, answer(client, request, found, stream, begun))
        if not found.records:
            return await original(client, request, stream=stream, **options)
        try:
            meanwhile = await turn_async(found)
            if meanwhile is not None:
                replayed = answer(client, request, meanwhile, stream, begun)
                return await _hooked_async(client, replayed)
            request.extensions[SENDING] = True
            response = await original(client, request, stream=True, **options)
        except BaseException:
            found.finish("failed")
            raise
        finally:
            request.extensions.pop(SENDING, None)
        recorded(response, found, cache)
        if not stream:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response

    return send


def _judge(module: ModuleType) -> Callable[[Any, Any], bool]:
    """Returns what tells whether a call of a client may go over a network at all."""

    def is_ours(client: Any, request: Any) -> bool:
        return (
            not client.is_closed
            and SENDING not in request.extensions
            and touches_network(module, client._transport_for_url(request.url))
        )

    return is_ours


def _may_read(cache: Active, request: Any, kind: type[Any]) -> bool:
    """Leaves uploads that are generated while they are sent alone, unless they are ours."""
    return isinstance(request.stream, kind) and cache.cache.concerns(
        request.method, str(request.url), request.headers.multi_items()
    )


def _intercept(cache: Active, request: Any, body: bytes) -> Any:
    __tracebackhide__ = True
    try:
        return cache.intercept(
            request.method, str(request.url), request.headers.multi_items(), body
        )
    except CacheMiss as miss:
        raised = cache.miss(miss)
        raise raised from None
    except Error as error:
        cache.errors.append(error)
        raise


def _answerer(module: ModuleType, replayed: Any) -> Callable[..., Any]:
    """Returns what makes a response of the library from a recorded one."""
    reason = module.codes.get_reason_phrase

    def answer(client: Any, request: Any, replay: Replay, stream: bool, begun: float) -> Any:
        status = replay.status
        response = module.Response(
            status,
            headers=replay.headers,
            # Given as content the body has been read, as `send` leaves it unless it streams.
            **({"stream": replayed(replay)} if stream else {"content": replay.body}),
            request=request,
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": reason(status).encode()},
            default_encoding=client._default_encoding,
        )
        response.elapsed = datetime.timedelta(seconds=time.perf_counter() - begun)
        return response

    return answer


def _hooked(client: Any, response: Any) -> Any:
    hooks = client.event_hooks
    if hooks["request"] or hooks["response"]:
        try:
            for hook in hooks["request"]:
                hook(response.request)
            for hook in hooks["response"]:
                hook(response)
        except BaseException:
            response.close()
            raise
    return response


async def _hooked_async(client: Any, response: Any) -> Any:
    hooks = client.event_hooks
    if hooks["request"] or hooks["response"]:
        try:
            for hook in hooks["request"]:
                await hook(response.request)
            for hook in hooks["response"]:
                await hook(response)
        except BaseException:
            await response.aclose()
            raise
    return response
