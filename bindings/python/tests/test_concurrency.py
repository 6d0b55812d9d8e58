"""Many threads and tasks that ask the same: one of them calls."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import openai
from scenarios import said

from f3dx_cache import use

SLOW = said("all at once [[slow:ms=100]]")


def client(provider):
    return openai.OpenAI(base_url=provider.openai_url, api_key="sk-test")


def async_client(provider):
    return openai.AsyncOpenAI(base_url=provider.openai_url, api_key="sk-test")


def test_of_many_threads_one_calls(provider, options):
    with use(**options), client(provider) as asked, ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: asked.chat.completions.create(model="m", messages=SLOW).id, range(8))
        )
    assert len(set(answers)) == 1
    assert provider.total() == 1


async def test_of_many_tasks_one_calls(provider, options):
    async with use(**options), async_client(provider) as asked:
        answers = await asyncio.gather(
            *(asked.chat.completions.create(model="m", messages=SLOW) for _ in range(8))
        )
    assert len({answer.id for answer in answers}) == 1
    assert provider.total() == 1


async def test_of_many_streaming_tasks_one_calls(provider, options):
    async with use(**options), async_client(provider) as asked:

        async def read():
            stream = await asked.chat.completions.create(model="m", messages=SLOW, stream=True)
            return [event.id async for event in stream]

        answers = await asyncio.gather(*(read() for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert provider.total() == 1


async def test_waiting_leaves_the_loop_free(provider, options):
    """The one that has the claim runs on the loop that the others wait on."""
    held = said("held [[hold times=1]]")
    async with use(**options), async_client(provider) as asked:
        tasks = [
            asyncio.create_task(asked.chat.completions.create(model="m", messages=held))
            for _ in range(20)
        ]
        await asyncio.to_thread(provider.wait_for, 1)
        await asyncio.to_thread(provider.release)
        answers = await asyncio.gather(*tasks)
    assert len({answer.id for answer in answers}) == 1
    assert provider.total() == 1


def test_a_thread_that_streams_may_ask_the_same_meanwhile(provider, options):
    with use(**options) as cache, client(provider) as asked:
        with asked.chat.completions.create(
            model="m", messages=said("twice [[words:20]]"), stream=True
        ) as stream:
            first = next(iter(stream))
            again = list(
                asked.chat.completions.create(
                    model="m", messages=said("twice [[words:20]]"), stream=True
                )
            )
        assert first and again
        assert cache.summary()["without_claim"] == 1


def test_a_stream_that_a_thread_left_open_holds_nobody_up(provider, options):
    open_streams = []

    def leave():
        stream = asked.chat.completions.create(model="m", messages=said("left"), stream=True)
        open_streams.append(stream)
        return next(stream).id

    with use(**options, claim_timeout_ms=20_000) as cache, client(provider) as asked:
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            first, second = one.submit(leave).result(), other.submit(leave).result()
        assert first == second
        assert cache.summary()["without_claim"] == 0
        rest, again = map(list, open_streams)
    assert rest == again
    assert provider.total() == 1
