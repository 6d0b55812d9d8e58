"""The application under test and its mocks are never touched."""

from unittest import mock

import fastapi
import fastapi.testclient
import httpx
import httpx2
import pytest
import respx
from conftest import NOWHERE

from f3dx_cache import use

URL = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "gpt-4o", "messages": []}
LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])


@pytest.fixture
def replaying(options):
    """Here any call that is touched is a miss."""
    with use(mode="replay", **options) as cache:
        yield cache
        assert cache.summary()["hits"] == cache.summary()["misses"] == 0


def app():
    application = fastapi.FastAPI()

    @application.post("/v1/chat/completions")
    def complete():
        return {"answer": "mine"}

    return application


@LIBRARIES
def test_a_mock_transport(library, replaying):
    transport = library.MockTransport(lambda request: library.Response(200, json={"mock": 1}))
    with library.Client(transport=transport) as client:
        assert client.post(URL, json=ASKED).json() == {"mock": 1}


@LIBRARIES
def test_a_mounted_mock_transport(library, replaying):
    transport = library.MockTransport(lambda request: library.Response(200, json={"mock": 1}))
    with library.Client(mounts={"https://api.openai.com": transport}) as client:
        assert client.post(URL, json=ASKED).json() == {"mock": 1}


@LIBRARIES
async def test_an_asgi_application(library, replaying):
    transport = library.ASGITransport(app=app())
    async with library.AsyncClient(transport=transport) as client:
        assert (await client.post(URL, json=ASKED)).json() == {"answer": "mine"}


@LIBRARIES
def test_a_wsgi_application(library, replaying):
    def application(environ, start_response):
        start_response("200 OK", [("content-type", "application/json")])
        return [b'{"answer": "mine"}']

    with library.Client(transport=library.WSGITransport(app=application)) as client:
        assert client.post(URL, json=ASKED).json() == {"answer": "mine"}


def test_a_test_client(replaying):
    client = fastapi.testclient.TestClient(app(), base_url="https://api.openai.com")
    assert client.post("/v1/chat/completions", json=ASKED).json() == {"answer": "mine"}


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_respx(using, replaying):
    with respx.mock(using=using) as router:
        route = router.post(URL).respond(json={"mock": 2})
        assert httpx.post(URL, json=ASKED).json() == {"mock": 2}
        assert route.called


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
async def test_respx_with_an_async_client(using, replaying):
    with respx.mock(using=using) as router:
        router.post(URL).respond(json={"mock": 2})
        async with httpx.AsyncClient() as client:
            assert (await client.post(URL, json=ASKED)).json() == {"mock": 2}


@LIBRARIES
def test_a_transport_whose_sending_is_mocked(library, replaying, monkeypatch):
    def mocked(transport, request):
        return library.Response(200, json={"mock": 3})

    monkeypatch.setattr(library.HTTPTransport, "handle_request", mocked)
    assert library.post(URL, json=ASKED).json() == {"mock": 3}


@LIBRARIES
def test_a_transport_of_the_users_own(library, replaying):
    class Canned(library.BaseTransport):
        def handle_request(self, request):
            return library.Response(200, json={"mock": 4})

    with library.Client(transport=Canned()) as client:
        assert client.post(URL, json=ASKED).json() == {"mock": 4}


@LIBRARIES
def test_a_host_that_is_no_provider(library, provider, options):
    del options["hosts"]
    with use(mode="replay", **options):
        assert library.get(provider.url + "/_calls").json()["total"] == 0
        answer = library.post(provider.url + "/v1/chat/completions", json=ASKED)
        assert answer.status_code == 401


@LIBRARIES
@pytest.mark.parametrize("kind", ["subclass", "wrapper"])
def test_a_transport_that_sends_in_the_end_is_recorded(kind, library, provider, options):
    class Subclass(library.HTTPTransport):
        def handle_request(self, request):
            return super().handle_request(request)

    class Wrapper(library.BaseTransport):
        def __init__(self):
            self.wrapped = library.HTTPTransport()

        def handle_request(self, request):
            return self.wrapped.handle_request(request)

    transport = {"subclass": Subclass, "wrapper": Wrapper}[kind]
    asked = {"model": "m", "messages": [{"role": "user", "content": kind}]}
    for mode, url in [("record", provider.url), ("replay", NOWHERE)]:
        with (
            use(**options | {"mode": mode}) as cache,
            library.Client(transport=transport()) as client,
        ):
            client.post(
                url + "/v1/chat/completions", json=asked, headers={"authorization": "Bearer k"}
            )
    assert cache.summary()["hits"] == 1


@LIBRARIES
def test_an_upload_that_is_generated_while_it_is_sent_is_not_read_before(
    library, provider, options
):
    def content():
        yield b"{}"

    def look(request):
        with pytest.raises(library.RequestNotRead):
            _ = request.content
        seen.append(request)

    seen = []
    del options["hosts"]
    with use(**options), library.Client(event_hooks={"request": [look]}) as client:
        client.post(provider.url + "/v1/chat/completions", content=content())
    assert seen


@LIBRARIES
@pytest.mark.parametrize("autospec", [False, True])
@pytest.mark.parametrize("mode", ["record", "replay"])
def test_a_mock_in_the_place_of_send(mode, autospec, library, options):
    answer = library.Response(200, json={"choices": []})
    with (
        mock.patch.object(library.Client, "send", autospec=autospec, return_value=answer),
        use(mode=mode, **options) as cache,
        library.Client() as client,
    ):
        assert client.post(URL, json=ASKED) is answer
    assert cache.summary()["misses"] == 0


@LIBRARIES
def test_a_mock_in_the_place_of_a_transports_sending(library, replaying):
    answer = library.Response(200, json={"choices": []})
    with (
        mock.patch.object(
            library.HTTPTransport, "handle_request", autospec=True, return_value=answer
        ),
        library.Client() as client,
    ):
        assert client.post(URL, json=ASKED) is answer


@LIBRARIES
def test_a_transport_whose_own_sending_is_mocked(library, replaying):
    answer = library.Response(200, json={"choices": []})
    with library.Client() as client:
        client._transport.handle_request = lambda request: answer
        assert client.post(URL, json=ASKED) is answer
