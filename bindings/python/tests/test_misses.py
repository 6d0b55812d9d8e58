"""What is not recorded is refused at once in a replay, and says why."""

import asyncio
import contextlib
import sys
import threading

import anthropic
import fastapi
import fastapi.testclient
import openai
import pytest
from conftest import NOWHERE
from scenarios import said

from f3dx_cache import CacheMiss, use


@pytest.fixture
def recorded(provider, options):
    with use(**options):
        client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-test")
        client.chat.completions.create(model="gpt-4o", messages=said("What is 2 + 2?"))
    return options


def ask(text="What is 2 + 3?"):
    client = openai.OpenAI(base_url=f"{NOWHERE}/v1", max_retries=5)
    return client.chat.completions.create(model="gpt-4o", messages=said(text))


async def ask_async(text="What is 2 + 3?"):
    client = openai.AsyncOpenAI(base_url=f"{NOWHERE}/v1", max_retries=5)
    return await client.chat.completions.create(model="gpt-4o", messages=said(text))


def test_a_changed_prompt_names_the_difference(recorded):
    with pytest.raises(CacheMiss) as missed, use(mode="replay", **recorded):
        ask()
    assert "/messages/0/content" in str(missed.value)
    assert "2 + 2" in str(missed.value) and "2 + 3" in str(missed.value)


def ask_anthropic():
    client = anthropic.Anthropic(base_url=NOWHERE, max_retries=5)
    return client.messages.create(model="claude-4", max_tokens=5, messages=said("new"))


def ask_in_a_loop():
    asyncio.run(ask_async())


@pytest.mark.parametrize("ask", [ask, ask_anthropic, ask_in_a_loop])
def test_a_miss_is_not_retried(recorded, ask):
    with pytest.raises(CacheMiss), use(mode="replay", **recorded) as cache:
        ask()
    assert len(cache.refused_misses()) == 1


async def test_an_async_miss_goes_through_gather(recorded):
    with pytest.raises(CacheMiss):
        async with use(mode="replay", **recorded):
            await asyncio.gather(ask_async("one"), ask_async("two"))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup came with Python 3.11")
async def test_an_async_miss_goes_through_a_task_group(recorded):
    with pytest.raises(BaseExceptionGroup) as group:  # noqa: F821
        async with use(mode="replay", **recorded), asyncio.TaskGroup() as tasks:
            tasks.create_task(ask_async("one"))
    assert group.group_contains(CacheMiss)


def test_a_swallowed_miss_is_raised_at_the_end(recorded):
    with (
        pytest.raises(CacheMiss, match=r"2 \+ 3"),
        use(mode="replay", **recorded),
        contextlib.suppress(BaseException),
    ):
        ask()


def test_a_miss_in_a_thread_that_died_is_raised_at_the_end(recorded, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    with pytest.raises(CacheMiss), use(mode="replay", **recorded):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with Python 3.11")
def test_a_swallowed_miss_is_a_note_on_another_failure(recorded):
    with pytest.raises(AssertionError) as failed, use(mode="replay", **recorded):
        try:
            ask()
        except BaseException:
            raise AssertionError("no answer") from None
    assert "2 + 3" in failed.value.__notes__[0]


def test_a_miss_is_no_exception_that_code_catches(recorded):
    with pytest.raises(CacheMiss), use(mode="replay", **recorded):
        try:
            ask()
        except Exception:
            pytest.fail("an application would have hidden it")


def test_a_miss_of_the_application_under_test_reaches_its_test(recorded):
    application = fastapi.FastAPI()

    @application.get("/async")
    async def in_the_loop():
        return (await ask_async()).id

    @application.get("/sync")
    def in_a_thread():
        return ask().id

    for path in ("/async", "/sync"):
        client = fastapi.testclient.TestClient(application)
        with pytest.raises(BaseException, match=r"2 \+ 3") as raised:  # noqa: SIM117
            with use(mode="replay", **recorded):
                client.get(path)
        assert raised.errisinstance(CacheMiss)
