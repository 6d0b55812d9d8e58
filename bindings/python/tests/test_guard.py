"""A replay touches no provider, whichever way a test tries to reach one."""

import asyncio
import contextlib
import http.client
import socket
import threading
import urllib.request

import aiohttp
import httpx
import pytest
import requests
import urllib3

from f3dx_cache import CacheMiss, use

PATH = "/v1/chat/completions"
BODY = b'{"model": "m", "messages": []}'


class Listener:
    """A server that counts connections and closes each at once."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                connection.close()

    def others(self):
        """Returns how many connections there were, but for one that this makes to know it."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            assert own.recv(1) == b""
        return self.connections - 1

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)


@pytest.fixture
def listener():
    server = Listener()
    yield server
    server.close()


class OwnTransport(httpx.BaseTransport):
    """A transport of the user's own, which is not intercepted."""

    def handle_request(self, request):
        connection = http.client.HTTPConnection(request.url.host, request.url.port)
        connection.request("POST", PATH, BODY)
        return httpx.Response(connection.getresponse().status)


def by_httpx(host, port):
    httpx.post(f"http://{host}:{port}{PATH}", content=BODY)


def by_httpx_asyncio(host, port):
    async def call():
        async with httpx.AsyncClient() as client:
            await client.post(f"http://{host}:{port}{PATH}", content=BODY)

    asyncio.run(call())


def by_a_transport_of_its_own(host, port):
    httpx.Client(transport=OwnTransport()).post(f"http://{host}:{port}{PATH}", content=BODY)


def by_requests(host, port):
    requests.post(f"http://{host}:{port}{PATH}", data=BODY, timeout=5)


def by_urllib3(host, port):
    urllib3.PoolManager(retries=3).request("POST", f"http://{host}:{port}{PATH}", body=BODY)


def by_urllib(host, port):
    urllib.request.urlopen(f"http://{host}:{port}{PATH}", data=BODY, timeout=5)


def by_aiohttp(host, port):
    async def call():
        async with aiohttp.ClientSession() as session:
            await session.post(f"http://{host}:{port}{PATH}", data=BODY)

    asyncio.run(call())


def by_http_client(host, port):
    http.client.HTTPConnection(host, port, timeout=5).request("POST", PATH, BODY)


def by_asyncio_streams(host, port):
    asyncio.run(asyncio.open_connection(host, port))


def by_a_socket(host, port):
    with socket.socket() as plain:
        plain.connect((host, port))


def by_a_socket_that_returns_errors(host, port):
    with socket.socket() as plain:
        plain.connect_ex((host, port))


def in_a_thread(host, port):
    raised = []

    def call():
        try:
            by_requests(host, port)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    raise raised[0]


ROUTES = [
    by_httpx,
    by_httpx_asyncio,
    by_a_transport_of_its_own,
    by_requests,
    by_urllib3,
    by_urllib,
    by_aiohttp,
    by_http_client,
    by_asyncio_streams,
    by_a_socket,
    by_a_socket_that_returns_errors,
    in_a_thread,
]


@pytest.fixture
def recorded(tmp_path):
    """A cache file, so that a replay has one to open."""
    path = tmp_path / "cache.redb"
    with use(path, mode="record"):
        pass
    return path


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_a_replay_opens_no_connection_to_a_provider(route, listener, recorded, monkeypatch):
    # As a developer would run it: the variable decides.
    monkeypatch.setenv("F3DX_CACHE_MODE", "replay")
    hosts = [f"127.0.0.1:{listener.port}"]
    with pytest.raises(CacheMiss, match="f3dx-cache: not "), use(recorded, hosts=hosts):
        route("127.0.0.1", listener.port)
    assert listener.others() == 0


@pytest.mark.parametrize("route", ROUTES[3:], ids=lambda route: route.__name__)
def test_a_providers_name_is_not_even_resolved(route, recorded, monkeypatch):
    asked = []

    def resolve(host, *args, **kwargs):
        asked.append(host)
        raise OSError("there is no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(CacheMiss, match=r"a connection to api\.openai\.com:443"):  # noqa: SIM117
        with use(recorded, mode="replay"):
            route("api.openai.com", 443)
    assert asked == []


def test_a_base_url_names_a_provider(listener, recorded, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{listener.port}/v1")
    with pytest.raises(CacheMiss), use(recorded, mode="replay"):
        by_requests("127.0.0.1", listener.port)
    assert listener.others() == 0


def test_a_refusal_that_was_swallowed_fails_the_use(listener, recorded):
    hosts = [f"127.0.0.1:{listener.port}"]

    def careless():
        with contextlib.suppress(BaseException):
            by_requests("127.0.0.1", listener.port)

    with pytest.raises(CacheMiss), use(recorded, mode="replay", hosts=hosts):
        careless()


def test_other_servers_are_reached_during_a_replay(listener, recorded):
    # A test's own database is none of our business, and neither is what is ignored.
    with use(recorded, mode="replay", hosts=["127.0.0.1:*"]):
        by_a_socket("127.0.0.1", listener.port)
    named = [f"127.0.0.1:{listener.port}"]
    with use(recorded, mode="replay", hosts=named, ignore_hosts=named):
        by_a_socket("127.0.0.1", listener.port)
    with use(recorded, mode="replay"), socket.socket(socket.AF_UNIX) as local:
        assert local.connect_ex("nowhere.sock") != 0


@pytest.mark.parametrize("mode", ["record", "refresh", "read_only", "off"])
def test_no_other_mode_guards(mode, listener, recorded):
    with use(recorded, mode=mode, hosts=[f"127.0.0.1:{listener.port}"]):
        by_a_socket("127.0.0.1", listener.port)


def test_the_guard_ends_with_the_replay(listener, recorded):
    before = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex
    with use(recorded, mode="replay"), use(recorded, mode="replay"):
        assert socket.getaddrinfo is not before[0]
    assert (socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex) == before
    assert "connect" not in vars(socket.socket)
