"""Many threads, tasks and processes that ask the same: one of them calls."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
import openai
from conftest import REPOSITORY
from scenarios import said

from f3dx_cache import use

SLOW = said("all at once [[slow:ms=100]]")
#: More than the threads of any pool here: asyncio's have one, anyio's 40.
WAITERS = 50


def client(provider):
    return openai.OpenAI(base_url=provider.openai_url, api_key="sk-test")


def async_client(provider):
    return openai.AsyncOpenAI(base_url=provider.openai_url, api_key="sk-test")


@contextlib.contextmanager
def held_elsewhere(provider, options, prompt):
    """Have another process call the provider, which holds its answer back."""
    others = {name: value for name, value in options.items() if name != "path"}
    command = [sys.executable, REPOSITORY / "tests/worker/worker.py", json.dumps(others)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        try:
            print("hook record", options["path"], file=holder.stdin, flush=True)
            assert holder.stdout.readline() == "ok\n"
            print("ask", provider.port, prompt, file=holder.stdin, flush=True)
            provider.wait_for(1)
            yield holder
        finally:
            holder.kill()


async def misses(cache, count):
    """Wait until so many have asked, none of which was answered."""
    while cache.summary()["misses"] < count:
        await asyncio.sleep(0)


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


async def test_a_sync_call_does_not_wait_for_a_task_that_it_keeps_from_running(provider, options):
    held = said("held [[hold times=1]]")
    async with use(**options) as cache, async_client(provider) as asked:
        task = asyncio.create_task(asked.chat.completions.create(model="m", messages=held))
        await asyncio.to_thread(provider.wait_for, 1)
        with client(provider) as blocking:
            own = blocking.chat.completions.create(model="m", messages=held)
        provider.release()
        assert (await task).id != own.id
        assert cache.summary()["without_claim"] == 1
    assert provider.total() == 2


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


def test_eight_threads_ask_forty_prompts_with_forty_calls(provider, options):
    with use(**options) as cache, client(provider) as asked, ThreadPoolExecutor(8) as pool:

        def ask_all(_):
            prompts = (said(f"prompt {number}") for number in range(40))
            return [asked.chat.completions.create(model="m", messages=one).id for one in prompts]

        answers = list(pool.map(ask_all, range(8)))
        assert cache.summary()["without_claim"] == 0
    assert all(ids == answers[0] for ids in answers)
    assert provider.total() == 40


async def test_eight_tasks_ask_forty_prompts_with_forty_calls(provider, options):
    async with use(**options) as cache, async_client(provider) as asked:

        async def ask_all():
            prompts = (said(f"prompt {number}") for number in range(40))
            return [
                (await asked.chat.completions.create(model="m", messages=one)).id for one in prompts
            ]

        answers = await asyncio.gather(*(ask_all() for _ in range(8)))
        assert cache.summary()["without_claim"] == 0
    assert all(ids == answers[0] for ids in answers)
    assert provider.total() == 40


def test_a_thread_whose_call_raises_frees_the_next(provider, options):
    unlucky = said("unlucky [[slow:ms=100]][[status:500 times=1]]")

    def ask(_):
        try:
            return asked.chat.completions.create(model="m", messages=unlucky).id
        except openai.InternalServerError:
            return "raised"

    asked = client(provider).with_options(max_retries=0)
    with use(**options), asked, ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(ask, range(8)))
    assert len(answers) == 2 and answers["raised"] == 1
    assert provider.total() == 2


async def test_a_task_whose_call_raises_frees_the_next(provider, options):
    unlucky = said("unlucky [[slow:ms=100]][[status:500 times=1]]")

    async def ask():
        try:
            return (await asked.chat.completions.create(model="m", messages=unlucky)).id
        except openai.InternalServerError:
            return "raised"

    async with use(**options), async_client(provider).with_options(max_retries=0) as asked:
        answers = Counter(await asyncio.gather(*(ask() for _ in range(8))))
    assert len(answers) == 2 and answers["raised"] == 1
    assert provider.total() == 2


async def test_tasks_that_wait_for_another_process_starve_no_loop_and_no_pool(provider, options):
    prompt = "elsewhere [[hold times=1]]"
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    with held_elsewhere(provider, options, prompt) as holder:
        async with use(**options) as cache, async_client(provider) as asked:
            tasks = [
                asyncio.create_task(
                    asked.chat.completions.create(model="gpt-4o", messages=said(prompt))
                )
                for _ in range(WAITERS)
            ]
            # The loop runs this while all of them wait, and so do the threads of both pools.
            await misses(cache, WAITERS)
            assert await asyncio.to_thread(provider.total) == 1
            assert await anyio.to_thread.run_sync(provider.total) == 1
            assert not any(task.done() for task in tasks)
            await asyncio.to_thread(provider.release)
            answers = {f"answer {answer.id}\n" for answer in await asyncio.gather(*tasks)}
            assert answers == {holder.stdout.readline()}
            assert cache.summary()["without_claim"] == 0
    assert provider.total() == 1


async def test_threads_that_wait_for_another_process_leave_the_loop_free(provider, options):
    prompt = "elsewhere [[hold times=1]]"

    def ask():
        return asked.chat.completions.create(model="gpt-4o", messages=said(prompt)).id

    with (
        held_elsewhere(provider, options, prompt) as holder,
        use(**options) as cache,
        client(provider) as asked,
        ThreadPoolExecutor(4) as pool,
    ):
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, ask) for _ in range(WAITERS)]
        await misses(cache, 4)
        assert not any(call.done() for call in calls)
        await asyncio.to_thread(provider.release)
        answers = {f"answer {answer}\n" for answer in await asyncio.gather(*calls)}
        assert answers == {holder.stdout.readline()}
    assert provider.total() == 1


async def test_the_one_that_calls_gets_the_pool_that_the_others_could_fill(provider, options):
    """Names are resolved in the default pool, whose only thread must be free for that."""
    options["hosts"].append("localhost:*")
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    url = f"http://localhost:{provider.port}/v1"
    async with use(**options) as cache, openai.AsyncOpenAI(base_url=url, api_key="k") as asked:
        answers = await asyncio.gather(
            *(asked.chat.completions.create(model="m", messages=SLOW) for _ in range(WAITERS))
        )
        assert cache.summary()["without_claim"] == 0
    assert len({answer.id for answer in answers}) == 1
    assert provider.total() == 1
