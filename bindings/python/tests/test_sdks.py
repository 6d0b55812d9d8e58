"""The openai and anthropic SDKs: recorded on the first run, replayed on the second."""

import asyncio

import anthropic
import openai
import pytest
from conftest import NOWHERE, digest
from scenarios import ASYNC, SYNC, said

from f3dx_cache import use


def clients(url, **options):
    """Retries stay on: what needs one in a replay would show as a call."""
    return (
        openai.OpenAI(base_url=f"{url}/v1", **options),
        anthropic.Anthropic(base_url=url, **options),
    )


def async_clients(url, **options):
    return (
        openai.AsyncOpenAI(base_url=f"{url}/v1", **options),
        anthropic.AsyncAnthropic(base_url=url, **options),
    )


@pytest.mark.parametrize("ask", SYNC, ids=lambda ask: ask.__name__)
def test_a_warm_run_gives_what_the_cold_one_gave(ask, provider, options):
    with use(**options) as cache:
        cold = ask(*clients(provider.url, api_key="sk-test"))
        assert cache.summary()["recorded"] == 1
    assert provider.total() == 1
    recorded = digest(options["path"])

    with use(mode="replay", **options) as cache:
        assert ask(*clients(NOWHERE)) == cold
        assert cache.summary()["hits"] == 1
    assert digest(options["path"]) == recorded


@pytest.mark.parametrize("ask", ASYNC, ids=lambda ask: ask.__name__)
async def test_an_async_warm_run_gives_what_the_cold_one_gave(ask, provider, options):
    async with use(**options) as cache:
        cold = await ask(*async_clients(provider.url, api_key="sk-test"))
        assert cache.summary()["recorded"] == 1
    assert provider.total() == 1
    recorded = digest(options["path"])

    async with use(mode="replay", **options) as cache:
        assert await ask(*async_clients(NOWHERE)) == cold
        assert cache.summary()["hits"] == 1
    assert digest(options["path"]) == recorded


def test_sync_and_async_share_a_recording(provider, options):
    def ask(client):
        return client.chat.completions.create(model="gpt-4o", messages=said("shared"))

    with use(**options):
        cold = ask(clients(provider.url, api_key="sk-test")[0])

    @use(mode="replay", **options)
    async def again():
        return await ask(async_clients(NOWHERE)[0])

    assert asyncio.run(again()) == cold


LONG = said("Tell a story [[words:60]] [[delay:ms=2]]")


def test_a_stream_that_was_left_early_is_recorded_to_its_end(provider, options):
    with use(**options) as cache:
        client = clients(provider.url, api_key="sk-test")[0]
        with client.chat.completions.create(model="m", messages=LONG, stream=True) as stream:
            first = next(iter(stream)).id
        assert cache.summary()["recorded"] == 1

    with use(mode="replay", **options):
        client = clients(NOWHERE)[0]
        events = list(client.chat.completions.create(model="m", messages=LONG, stream=True))
    assert events[0].id == first
    assert events[-1].choices[0].finish_reason == "stop"
    assert provider.total() == 1


async def test_an_async_stream_that_was_left_early_is_recorded_to_its_end(provider, options):
    async with use(**options) as cache:
        client = async_clients(provider.url, api_key="sk-test")[0]
        stream = await client.chat.completions.create(model="m", messages=LONG, stream=True)
        async for _ in stream:
            break
        await stream.close()
        assert cache.summary()["recorded"] == 1

    async with use(mode="replay", **options):
        client = async_clients(NOWHERE)[0]
        stream = await client.chat.completions.create(model="m", messages=LONG, stream=True)
        events = [event async for event in stream]
    assert events[-1].choices[0].finish_reason == "stop"
    assert provider.total() == 1


def stream_of(client):
    if hasattr(client, "chat"):
        return client.chat.completions.create(model="m", messages=LONG, stream=True)
    return client.messages.create(model="m", max_tokens=5, messages=LONG, stream=True)


@pytest.mark.parametrize("sdk", [0, 1], ids=["openai", "anthropic"])
def test_a_stream_that_was_never_closed_is_recorded_when_the_use_ends(sdk, provider, options):
    with use(**options) as cache:
        stream = stream_of(clients(provider.url, api_key="sk-test")[sdk])
        for _ in stream:
            break
    assert cache.summary()["recorded"] == 1
    rest = list(stream)
    with use(mode="replay", **options):
        warm = list(stream_of(clients(NOWHERE)[sdk]))
    assert rest == warm[1:]


@pytest.mark.parametrize("sdk", [0, 1], ids=["openai", "anthropic"])
async def test_an_async_stream_that_was_never_closed_is_recorded_when_the_use_ends(
    sdk, provider, options
):
    async with use(**options) as cache:
        stream = await stream_of(async_clients(provider.url, api_key="sk-test")[sdk])
        async for _ in stream:
            break
    assert cache.summary()["recorded"] == 1
    rest = [event async for event in stream._iterator]
    async with use(mode="replay", **options):
        warm = [event async for event in await stream_of(async_clients(NOWHERE)[sdk])]
    assert rest == warm[1:]


@pytest.mark.parametrize("sdk", [0, 1], ids=["openai", "anthropic"])
def test_an_async_stream_that_is_open_at_the_end_of_its_loop_is_recorded(sdk, provider, options):
    kept = []

    async def leave():
        stream = await stream_of(async_clients(provider.url, api_key="sk-test")[sdk])
        kept.append(stream)
        async for _ in stream:
            break

    with use(**options) as cache:
        asyncio.run(leave())
    assert cache.summary()["recorded"] == 1


async def test_an_async_stream_that_a_sync_use_cannot_read_is_told(provider, options):
    with use(**options) as cache:
        stream = await stream_of(async_clients(provider.url, api_key="sk-test")[0])
    assert cache.summary()["refused"] == 1
    assert [event async for event in stream]


def test_a_replayed_stream_can_be_left_at_any_point(provider, options):
    with use(**options):
        client = clients(provider.url, api_key="sk-test")[0]
        events = list(client.chat.completions.create(model="m", messages=LONG, stream=True))

    with use(mode="replay", **options):
        client = clients(NOWHERE)[0]
        for stop in (0, 1, len(events) // 2):
            with client.chat.completions.create(model="m", messages=LONG, stream=True) as stream:
                assert [event for event, _ in zip(stream, range(stop), strict=False)] == events[
                    :stop
                ]


def test_a_stream_is_in_the_file_when_its_last_event_is_seen(provider, options):
    """openai closes at [DONE], before the end of the file; anthropic at message_stop."""
    with use(**options) as cache:
        _first, second = clients(provider.url, api_key="sk-test")
        with second.messages.create(
            model="m", max_tokens=9, messages=said("seen"), stream=True
        ) as stream:
            for event in stream:
                if event.type == "message_stop":
                    assert cache.summary()["recorded"] == 1


def test_a_redirect_is_resolved_in_its_recording(provider, options):
    asked = said("moved [[redirect:308]]")
    with use(**options):
        client = clients(provider.url, api_key="sk-test")[0]
        cold = client.chat.completions.create(model="m", messages=asked)
    assert provider.total() == 2

    with use(mode="replay", **options):
        warm = clients(NOWHERE)[0].chat.completions.create(model="m", messages=asked)
    assert warm == cold


def test_the_key_is_nowhere_in_the_file(provider, options):
    key = "sk-proj-" + "Zq7" * 16
    with use(**options) as cache:
        client = clients(provider.url, api_key=key, default_query={"api_key": key})[0]
        client.chat.completions.create(model="m", messages=said(f"my key is {key}"))
        assert cache.summary()["recorded"] == 1
    sent = provider.requests()[0]
    assert key in str(sent["headers"]) and key in sent["target"] and key in sent["body"]
    assert key.encode() not in options["path"].read_bytes()

    with use(mode="replay", **options):
        client = clients(NOWHERE, api_key=key)[0]
        client.chat.completions.create(model="m", messages=said(f"my key is {key}"))
