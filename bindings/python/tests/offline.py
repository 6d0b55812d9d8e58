"""Run apart by `test_offline`: everything again, as a user who may only read.

    python offline.py OPTIONS UID

prints the results of all scenarios, with no provider and no keys.
"""

import asyncio
import json
import os
import sys

import anthropic
import openai
from scenarios import ASYNC, SYNC

from f3dx_cache import use

URL = "http://127.0.0.1:1"


def replay(options):
    with use(mode="replay", **options) as cache:
        results = everything(URL)
        assert cache.summary()["misses"] == 0
    return results


def everything(url, **options):
    """Runs all scenarios; returns the results by name, as text."""
    clients = (
        openai.OpenAI(base_url=f"{url}/v1", **options),
        anthropic.Anthropic(base_url=url, **options),
    )
    results = {ask.__name__: repr(ask(*clients)) for ask in SYNC}

    async def run():
        async with (
            openai.AsyncOpenAI(base_url=f"{url}/v1", **options) as one,
            anthropic.AsyncAnthropic(base_url=url, **options) as other,
        ):
            return {ask.__name__: repr(await ask(one, other)) for ask in ASYNC}

    return results | asyncio.run(run())


if __name__ == "__main__":
    options, user = json.loads(sys.argv[1]), int(sys.argv[2])
    # First as this user, on a copy: what is imported late may be out of the other's reach.
    expected = replay(options | {"path": options.pop("copy")})
    if user != os.getuid():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    results = replay(options)
    assert results == expected
    print(json.dumps(results))
