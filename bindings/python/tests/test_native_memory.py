"""The native module keeps no Python object that a caller has let go of."""

import gc
import sys

import pytest

from f3dx_cache import Cache, CacheMiss, Error

URL = "https://api.openai.com/v1/chat/completions"
HEADERS = [("content-type", "application/json")]
ANSWER = b'{"id":"c1","model":"gpt-4o","usage":{"prompt_tokens":5,"completion_tokens":6}}'


def get_and_put(path):
    with Cache(path, mode="record") as cache:
        request = {"model": "m", "messages": [{"role": "user", "content": "é"}], "n": 1.5}
        cache.put(request, b"answer")
        assert cache.get(request) == b"answer"
        assert cache.get({"model": "other"}) is None
        assert len(list(cache.entries())) >= 1


def intercept(path):
    with Cache(path, mode="record") as cache:
        for body in (b'{"model":"gpt-4o"}', b'{"model":"gpt-4o","n":2}'):
            answer = cache.intercept("POST", URL, HEADERS, body)
            if hasattr(answer, "claim"):
                assert answer.claim(1) is True
                answer.head(200, HEADERS)
                answer.chunk(ANSWER)
                assert answer.finish("eof") is True
            else:
                assert answer.chunks == [ANSWER]


def raises(kinds, call, *arguments):
    # Not pytest.raises, which keeps objects of its own.
    try:
        call(*arguments)
    except kinds:
        return
    raise AssertionError(f"{arguments} raised nothing")


def errors(path):
    with Cache(path, mode="record") as cache:
        for wrong in ({1: 2}, {"a": object()}, {"a": float("nan")}, [b"bytes"]):
            raises((TypeError, ValueError), cache.get, wrong)
    with Cache(path, mode="replay") as cache:
        raises(Error, cache.put, {"a": 1}, b"x")
        raises(CacheMiss, cache.intercept, "POST", URL, HEADERS, b'{"model":"never recorded"}')


@pytest.mark.parametrize("work", [get_and_put, intercept, errors])
def test_objects_do_not_pile_up(work, tmp_path):
    path = tmp_path / "llm.redb"
    Cache(path, mode="record").close()

    def growth(rounds):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(rounds):
            work(path)
        gc.collect()
        return sys.getallocatedblocks() - before

    # What fills a cache of the interpreter ends; what is leaked, one object a round or
    # more, goes on.
    assert min(growth(60) for _ in range(4)) < 30
