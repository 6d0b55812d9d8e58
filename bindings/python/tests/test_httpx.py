"""httpx and httpx2 under `use`: everything that a client can do goes on working."""

import asyncio
import gc
import gzip
import json
import subprocess
import sys
import threading

import httpx
import httpx2
import pytest
from conftest import NOWHERE

from f3dx_cache import use

PATH = "/v1/chat/completions"
KEY = {"authorization": "Bearer sk-test"}


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request):
    return request.param


def body(text, **members):
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]} | members


def streaming(text):
    return body(text, stream=True)


def test_a_replayed_response_is_like_a_real_one(library, provider, options):
    with use(**options), library.Client(headers=KEY) as client:
        cold = client.post(provider.url + PATH, json=body("alike"))
    with use(mode="replay", **options), library.Client(headers=KEY) as client:
        warm = client.post(NOWHERE + PATH, json=body("alike"))
    assert type(warm) is library.Response
    assert warm.json() == cold.json() and warm.text == cold.text
    assert warm.headers["content-type"] == cold.headers["content-type"]
    assert warm.headers["x-request-id"] == cold.headers["x-request-id"]
    assert (warm.status_code, warm.reason_phrase, warm.http_version) == (200, "OK", "HTTP/1.1")
    assert warm.is_closed and warm.is_stream_consumed
    assert warm.elapsed.total_seconds() >= 0
    assert warm.request.url == NOWHERE + PATH
    assert warm.raise_for_status() is warm and warm.history == []


def test_clients_made_before_are_covered(library, provider, options):
    before = library.Client(headers=KEY)
    with use(**options) as cache:
        before.post(provider.url + PATH, json=body("before"))
        assert cache.summary()["recorded"] == 1


def test_the_patch_is_gone_afterwards(library, options):
    send, send_async = library.Client.send, library.AsyncClient.send
    with use(**options):
        assert library.Client.send is not send
        with use(**options):
            pass
        assert library.AsyncClient.send is not send_async
    assert library.Client.send is send and library.AsyncClient.send is send_async


def test_a_library_imported_later_is_covered(provider, options):
    options["path"] = str(options["path"])
    program = f"""
import sys, f3dx_cache
options = {options!r}
for run in range(2):
    with f3dx_cache.use(**options) as cache:
        assert run or ("httpx" not in sys.modules and "httpx2" not in sys.modules)
        import httpx, httpx2
        for library in (httpx, httpx2):
            library.post({provider.url + PATH!r}, json={body("late")!r}, headers={KEY!r})
        print(cache.summary()["recorded"], cache.summary()["hits"])
    assert not any("f3dx" in type(finder).__module__ for finder in sys.meta_path)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "1", "0", "2"]


def test_a_replayed_stream_has_the_recorded_chunks(library, provider, options):
    def read(url, how):
        with library.Client(headers=KEY) as client:
            with client.stream(
                "POST", url + PATH, json=streaming("pieces [[chunk:9]]")
            ) as response:
                pieces = list(getattr(response, how)())
            assert response.is_closed
            return pieces

    with use(**options):
        raw = read(provider.url, "iter_raw")
    assert len(raw) > 3
    with use(mode="replay", **options):
        assert read(NOWHERE, "iter_raw") == raw
        assert read(NOWHERE, "iter_bytes") == raw
        assert "\n".join(read(NOWHERE, "iter_lines")) in b"".join(raw).decode()


async def test_an_async_replayed_stream_has_the_recorded_chunks(library, provider, options):
    async def read(url, how):
        async with library.AsyncClient(headers=KEY) as client:
            asked = streaming("pieces [[chunk:9]]")
            async with client.stream("POST", url + PATH, json=asked) as response:
                return [piece async for piece in getattr(response, how)()]

    async with use(**options):
        raw = await read(provider.url, "aiter_raw")
    async with use(mode="replay", **options):
        assert await read(NOWHERE, "aiter_raw") == raw
        assert await read(NOWHERE, "aiter_bytes") == raw


def test_a_stream_read_as_a_whole_replays_as_a_whole(library, provider, options):
    with use(**options), library.Client(headers=KEY) as client:
        cold = client.post(provider.url + PATH, json=streaming("whole")).text
    with use(mode="replay", **options), library.Client(headers=KEY) as client:
        assert client.post(NOWHERE + PATH, json=streaming("whole")).text == cold


def test_encoded_bytes_reach_the_caller_as_they_were_sent(library, provider, options):
    asked = body("zipped [[gzip]]")
    with (
        use(**options),
        library.Client(headers=KEY) as client,
        client.stream("POST", provider.url + PATH, json=asked) as response,
    ):
        assert response.headers["content-encoding"] == "gzip"
        raw = b"".join(response.iter_raw())
    plain = gzip.decompress(raw)
    with use(mode="replay", **options), library.Client(headers=KEY) as client:
        response = client.post(NOWHERE + PATH, json=asked)
        assert "content-encoding" not in response.headers
        assert response.content == plain


def test_a_generated_body_is_sent_and_recorded(library, provider, options):
    def content():
        text = json.dumps(body("generated")).encode()
        yield text[:10]
        yield text[10:]

    headers = KEY | {"content-type": "application/json"}
    with use(**options) as cache, library.Client(headers=headers) as client:
        cold = client.post(provider.url + PATH, content=content())
        assert client.post(provider.url + PATH, json=body("generated")).json() == cold.json()
        assert cache.summary()["recorded"] == 1
    assert provider.total() == 1


async def test_an_async_generated_body_is_sent_and_recorded(library, provider, options):
    async def content():
        text = json.dumps(body("generated")).encode()
        yield text[:10]
        yield text[10:]

    headers = KEY | {"content-type": "application/json"}
    async with use(**options) as cache, library.AsyncClient(headers=headers) as client:
        assert (await client.post(provider.url + PATH, content=content())).status_code == 200
        assert cache.summary()["recorded"] == 1


def test_event_hooks_see_recorded_and_replayed_responses(library, provider, options):
    seen = []
    hooks = {
        "request": [lambda request: seen.append(request.method)],
        "response": [lambda response: seen.append((response.status_code, response.request.method))],
    }
    for mode, url in [("record", provider.url), ("replay", NOWHERE)]:
        with (
            use(**options | {"mode": mode}),
            library.Client(headers=KEY, event_hooks=hooks) as client,
        ):
            client.post(url + PATH, json=body("hooked"))
    assert seen == ["POST", (200, "POST")] * 2


def test_an_event_hook_may_read_the_response(library, provider, options):
    lengths = []

    def read(response):
        lengths.append(len(response.read()))

    for mode, url in [("record", provider.url), ("replay", NOWHERE)]:
        hooks = {"response": [read]}
        with (
            use(**options | {"mode": mode}),
            library.Client(headers=KEY, event_hooks=hooks) as client,
        ):
            assert len(client.post(url + PATH, json=body("read")).content) == lengths[-1]
    assert len(lengths) == 2 and len(set(lengths)) == 1


async def test_async_event_hooks_see_replayed_responses(library, provider, options):
    seen = []

    async def look(response):
        seen.append(response.status_code)

    for mode, url in [("record", provider.url), ("replay", NOWHERE)]:
        hooks = {"response": [look]}
        async with (
            use(**options | {"mode": mode}),
            library.AsyncClient(headers=KEY, event_hooks=hooks) as client,
        ):
            await client.post(url + PATH, json=body("hooked"))
    assert seen == [200, 200]


def test_an_auth_flow_signs_what_is_sent_and_need_not_run_in_a_replay(library, provider, options):
    class Signed(library.Auth):
        runs = 0

        def auth_flow(self, request):
            Signed.runs += 1
            request.headers["authorization"] = "Bearer sk-signed"
            yield request

    with use(**options), library.Client(auth=Signed()) as client:
        cold = client.post(provider.url + PATH, json=body("signed"))
    assert provider.requests()[0]["headers"]
    with use(mode="replay", **options), library.Client(auth=Signed()) as client:
        assert client.post(NOWHERE + PATH, json=body("signed")).json() == cold.json()
    assert Signed.runs == 1


def test_an_auth_flow_that_asks_twice_is_recorded_with_its_last_answer(library, provider, options):
    class Challenged(library.Auth):
        requires_response_body = True

        def auth_flow(self, request):
            response = yield request
            assert response.status_code == 401
            request.headers["authorization"] = "Bearer sk-late"
            yield request

    with use(**options), library.Client(auth=Challenged()) as client:
        cold = client.post(provider.url + PATH, json=body("challenged"))
    assert cold.status_code == 200
    with use(mode="replay", **options), library.Client() as client:
        assert client.post(NOWHERE + PATH, json=body("challenged")).json() == cold.json()


def test_a_redirect_that_is_not_followed_is_passed_and_not_recorded(library, provider, options):
    with use(**options) as cache, library.Client(headers=KEY) as client:
        response = client.post(provider.url + PATH, json=body("moved [[redirect:307]]"))
        assert response.status_code == 307 and response.next_request is not None
        assert cache.summary()["recorded"] == 0


def test_a_closed_client_says_so_in_a_replay_too(library, options):
    client = library.Client()
    client.close()
    with use(mode="replay", **options), pytest.raises(RuntimeError, match="closed"):
        client.post(NOWHERE + PATH, json=body("closed"))


def test_elapsed_and_extensions_are_there_while_recording(library, provider, options):
    with use(**options), library.Client(headers=KEY) as client:
        response = client.post(provider.url + PATH, json=body("timed"))
        assert response.elapsed.total_seconds() > 0
        assert response.extensions["http_version"] == b"HTTP/1.1"


def test_a_failed_connection_is_raised_and_frees_the_claim(library, options, provider):
    for _ in range(2):
        with use(**options) as cache, library.Client() as client:
            with pytest.raises(library.ConnectError):
                client.post(NOWHERE + PATH, json=body("nobody"))
            assert cache.summary()["recorded"] == 0


async def test_a_cancelled_call_frees_the_claim(library, provider, options):
    asked = body("held [[hold times=1]]")
    async with use(**options) as cache, library.AsyncClient(headers=KEY) as client:
        task = asyncio.create_task(client.post(provider.url + PATH, json=asked))
        await asyncio.to_thread(provider.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.post(provider.url + PATH, json=asked)).status_code == 200
        assert cache.summary()["recorded"] == 1 and cache.summary()["without_claim"] == 0
    provider.release()


async def test_a_stream_cancelled_in_the_middle_frees_the_claim(library, provider, options):
    asked = streaming("held [[hold:2 times=1]]")
    async with use(**options) as cache, library.AsyncClient(headers=KEY) as client:

        async def read():
            async with client.stream("POST", provider.url + PATH, json=asked) as response:
                async for _ in response.aiter_bytes():
                    started.set()

        started = asyncio.Event()
        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cache.summary()["recorded"] == 0
        provider.release()
        assert (await client.post(provider.url + PATH, json=asked)).status_code == 200
        assert cache.summary()["without_claim"] == 0


def test_trio_records_and_replays(provider, options):
    trio = pytest.importorskip("trio")

    async def ask(url):
        async with (
            httpx2.AsyncClient(headers=KEY) as client,
            client.stream("POST", url + PATH, json=streaming("trio")) as response,
        ):
            return [piece async for piece in response.aiter_raw()]

    async def both(url):
        answers = []

        async def one():
            answers.append(b"".join(await ask(url)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one)
            nursery.start_soon(one)
        return answers

    with use(**options) as cache:
        cold = trio.run(both, provider.url)
        assert cache.summary()["recorded"] == 1
    assert provider.total() == 1
    with use(mode="replay", **options):
        assert trio.run(both, NOWHERE) == cold


def test_a_response_that_is_forgotten_frees_the_claim(library, provider, options):
    def forget(client):
        request = client.build_request("POST", provider.url + PATH, json=streaming("forgotten"))
        client.send(request, stream=True)

    with use(**options) as cache, library.Client(headers=KEY) as client:
        thread = threading.Thread(target=forget, args=(client,))
        thread.start()
        thread.join()
        gc.collect()
        assert client.post(provider.url + PATH, json=streaming("forgotten")).status_code == 200
        assert cache.summary()["without_claim"] == 0


def test_a_patch_over_the_patch_stays_in_its_place(library, provider, options):
    """Tracing libraries patch `send` too, and may do so inside of a `use`."""
    calls = []
    original = library.Client.send

    def trace(client):
        send = client.send

        def traced(self, request, **arguments):
            calls.append(request.method)
            return send(self, request, **arguments)

        client.send = traced

    try:
        with use(**options), library.Client(headers=KEY) as client:
            trace(library.Client)
            client.post(provider.url + PATH, json=body("first"))
        with library.Client(headers=KEY) as client:
            client.post(provider.url + PATH, json=body("second"))
        assert len(calls) == 2
        with use(**options) as cache, library.Client(headers=KEY) as client:
            client.post(provider.url + PATH, json=body("third"))
            client.post(provider.url + PATH, json=body("third"))
            summary = cache.summary()
        assert (summary["misses"], summary["hits"], summary["recorded"]) == (1, 1, 1)
        assert summary["without_claim"] == 0
        assert len(calls) == 3
    finally:
        library.Client.send = original


def test_threads_may_come_and_go(library, options):
    send = library.Client.send

    def come_and_go():
        for _ in range(20):
            with use(**options):
                pass

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.Client.send is send


def test_a_stream_closed_before_it_is_read_is_recorded(library, provider, options):
    with use(**options) as cache, library.Client(headers=KEY) as client:
        with client.stream("POST", provider.url + PATH, json=streaming("closed")):
            pass
        assert cache.summary()["recorded"] == 1


def test_a_stream_left_by_an_exception_is_recorded(library, provider, options):
    """The test that failed runs again, and costs nothing then."""
    with use(**options) as cache, library.Client(headers=KEY) as client:
        with (
            pytest.raises(ZeroDivisionError),
            client.stream("POST", provider.url + PATH, json=streaming("raised")) as response,
        ):
            next(response.iter_bytes())
            1 / 0  # noqa: B018
        assert cache.summary()["recorded"] == 1
