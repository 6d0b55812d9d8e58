"""`use`, however it is written."""

import asyncio
import os
import threading

import httpx2
import pytest
from conftest import NOWHERE

from f3dx_cache import Cache, Error, use

PATH = "/v1/chat/completions"
KEY = {"authorization": "Bearer sk-test"}


def ask(url, text="used"):
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    return httpx2.post(url + PATH, json=asked, headers=KEY).json()["id"]


async def ask_async(url, text="used"):
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    async with httpx2.AsyncClient(headers=KEY) as client:
        return (await client.post(url + PATH, json=asked)).json()["id"]


@pytest.fixture
def recorded(provider, options):
    """Options under which "used" is recorded, and its answer."""
    with use(**options):
        answer = ask(provider.url)
    return options | {"mode": "replay"}, answer


def test_it_gives_the_cache_and_closes_it(options):
    with use(**options) as cache:
        assert isinstance(cache, Cache)
        cache.put({"model": "m"}, b"{}")
        assert cache.get({"model": "m"}) == b"{}"
    assert cache.closed


def test_it_decorates_functions(recorded):
    options, answer = recorded

    @use(**options)
    def function(text):
        """Says."""
        return ask(NOWHERE, text)

    assert function("used") == function("used") == answer
    assert function.__doc__ == "Says."


async def test_it_decorates_coroutine_functions(recorded):
    options, answer = recorded

    @use(**options)
    async def function():
        return await ask_async(NOWHERE)

    assert await function() == answer
    assert asyncio.iscoroutinefunction(function)


async def test_it_decorates_generators(recorded):
    options, answer = recorded

    @use(**options)
    def fixture():
        yield ask(NOWHERE)
        yield ask(NOWHERE)

    @use(**options)
    async def async_fixture():
        yield await ask_async(NOWHERE)
        yield await ask_async(NOWHERE)

    assert list(fixture()) == [answer] * 2
    assert [one async for one in async_fixture()] == [answer] * 2


def test_a_decorator_without_its_parentheses_is_an_error():
    with pytest.raises(TypeError, match=r"@use\(\)"):

        @use
        def function():
            pass


async def test_a_decorated_async_generator_sees_what_is_thrown_and_sent(options):
    @use(**options)
    async def generator():
        try:
            assert (yield 1) == "sent"
            yield 2
        except ZeroDivisionError:
            yield "seen"

    decorated = generator()
    assert await decorated.__anext__() == 1
    assert await decorated.asend("sent") == 2
    assert await decorated.athrow(ZeroDivisionError()) == "seen"
    with pytest.raises(StopAsyncIteration):
        await decorated.__anext__()


def test_decorating_a_class_is_an_error(options):
    with pytest.raises(TypeError, match="decorate those of"):

        @use(**options)
        class TestsThatPytestWouldNotSee:
            pass


def test_an_unknown_option_is_an_error(options):
    with pytest.raises(Error, match="cassette"), use(**options, cassette="x"):
        pass


def test_the_innermost_answers(provider, options, tmp_path):
    with use(**options) as outer:
        with use(**options | {"path": tmp_path / "inner.redb"}) as inner:
            ask(provider.url)
        assert (inner.summary()["recorded"], outer.summary()["recorded"]) == (1, 0)
        ask(provider.url)
        assert outer.summary()["recorded"] == 1
    assert provider.total() == 2


def test_a_thread_of_the_code_under_test_is_covered(recorded):
    options, answer = recorded
    answers = []
    with use(**options):
        thread = threading.Thread(target=lambda: answers.append(ask(NOWHERE)))
        thread.start()
        thread.join()
    assert answers == [answer]


async def test_a_task_that_outlives_its_use_is_not_covered(provider, options):
    go = asyncio.Event()

    async def late():
        await go.wait()
        return await ask_async(provider.url)

    async with use(**options) as cache:
        task = asyncio.create_task(late())
        await asyncio.sleep(0)
    go.set()
    await task
    assert cache.summary()["misses"] == 0


def test_threads_each_have_their_own(provider, options, tmp_path):
    both = threading.Barrier(2)
    recorded = []

    def own(name):
        with use(**options | {"path": tmp_path / f"{name}.redb"}) as cache:
            both.wait()
            ask(provider.url, name)
            both.wait()
            recorded.append(cache.summary()["recorded"])

    threads = [threading.Thread(target=own, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded == [1, 1]


async def test_tasks_each_have_their_own(provider, options, tmp_path):
    both = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None
    if both is None:
        pytest.skip("asyncio.Barrier came with Python 3.11")

    async def own(name):
        async with use(**options | {"path": tmp_path / f"{name}.redb"}) as cache:
            await both.wait()
            await ask_async(provider.url, name)
            await both.wait()
            return cache.summary()["recorded"]

    assert await asyncio.gather(own("a"), own("b")) == [1, 1]


def test_keys_that_are_unset_get_a_placeholder_in_a_replay(recorded, monkeypatch):
    options, _ = recorded
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-mine")
    with use(**options):
        assert os.environ["OPENAI_API_KEY"]
        assert os.environ["ANTHROPIC_API_KEY"] == "sk-mine"
        with use(**options):
            pass
        assert "OPENAI_API_KEY" in os.environ
    assert "OPENAI_API_KEY" not in os.environ
    assert os.environ["ANTHROPIC_API_KEY"] == "sk-mine"


def test_a_real_key_is_not_replaced_while_recording(options):
    with use(**options):
        assert "OPENAI_API_KEY" not in os.environ


def test_a_recording_that_cannot_be_written_is_an_error_that_loses_no_answer(provider, options):
    options["max_bytes"] = 1
    with pytest.raises(Error, match="max_bytes"), use(**options):
        answer = ask(provider.url)
    assert answer


def test_a_file_that_is_none_is_an_error(options):
    options["path"].write_bytes(b"no cache at all" * 1000)
    with pytest.raises(Error, match=r"cache\.redb"), use(**options):
        pass


def test_ci_replays(options, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with use(**options) as cache:
        assert cache.mode == "replay"
    with use(**options, mode="record") as cache:
        assert cache.mode == "record"
