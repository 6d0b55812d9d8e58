"""Processes that are forked from one that uses a cache."""

import multiprocessing
import os
import subprocess
import sys
import threading
import traceback

import pytest
from test_pytest_plugin import suite  # noqa: F401
from test_use import ask

from f3dx_cache import Cache, Error, Row, intercept, replay, use, verify

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    # That a child of a process with threads may hang is what these tests are about.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def request(n):
    return {"model": "m", "n": n}


def answer(n):
    return f"answer {n}\n".encode() * 200


@pytest.fixture
def path(tmp_path):
    return tmp_path / "llm.redb"


@pytest.fixture
def cache(path):
    with Cache(path, "record") as cache:
        cache.put(request(0), answer(0))
        yield cache


def forked(work):
    """Run `work` in a forked child; return its process id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def ended(child):
    """Wait for a child that does not hang; return its exit status."""
    killer = threading.Timer(60, os.kill, (child, 9))
    killer.start()
    _, status = os.waitpid(child, 0)
    killer.cancel()
    return os.waitstatus_to_exitcode(status)


def in_child(work):
    return ended(forked(work))


def holds(path, numbers):
    """Whether a handle that has seen nothing finds all of these, in a file that is whole."""
    assert verify(path)["flaws"] == []
    with Cache(path, "replay") as fresh:
        return [n for n in numbers if fresh.get(request(n)) != answer(n)] == []


def test_parent_and_child_both_record_and_replay(cache, path):
    assert cache.get(request(0)) == answer(0)

    def child():
        assert cache.get(request(0)) == answer(0)
        cache.put(request(1), answer(1))
        assert cache.get(request(1)) == answer(1)

    assert in_child(child) == 0
    assert cache.get(request(1)) == answer(1)
    cache.put(request(2), answer(2))
    assert holds(path, range(3))


EXITS = """
import os, sys
from f3dx_cache import Cache, use

cache = Cache({path!r}, "record")
cache.put([0], b"0")
cache.get([0])
walk = cache.entries()
with use({path!r}, "record") as used:
    used.get([0])
    child = os.fork()
    if child == 0:
        used.put([1], b"1")
        cache.put([2], b"2")
        sys.exit(7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7
assert len(list(walk)) == 1
cache.put([3], b"3")
cache.get([0])
"""


def test_a_child_that_exits_with_its_handlers_and_destructors_breaks_nothing(path):
    script = EXITS.format(path=str(path))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, b"")
    with Cache(path, "replay") as fresh:
        assert [fresh.get([n]) for n in range(4)] == [b"0", b"1", b"2", b"3"]


def test_a_child_of_a_child_goes_on(cache, path):
    def child():
        cache.put(request(1), answer(1))
        assert in_child(lambda: cache.put(request(2), answer(2))) == 0
        assert cache.get(request(2)) == answer(2)

    assert in_child(child) == 0
    cache.put(request(3), answer(3))
    assert holds(path, range(4))


#: What the workers of a pool find.
inherited = None


def record(n):
    inherited.put(request(n), answer(n))
    return inherited.get(request(n)) == answer(n)


def test_a_pool_of_forked_workers_records(path, monkeypatch):
    with Cache(path, "record") as cache:
        cache.put(request(0), answer(0))
        monkeypatch.setattr(sys.modules[__name__], "inherited", cache)
        with multiprocessing.get_context("fork").Pool(4) as pool:
            results = pool.map_async(record, range(40), chunksize=1)
            for n in range(40, 60):
                cache.put(request(n), answer(n))
            assert results.get(timeout=120) == [True] * 40
        assert cache.stats()["entries"] == 60
    assert holds(path, range(60))


def test_children_forked_while_threads_record_and_walk_go_on(cache, path):
    done = threading.Event()
    recorded = [0]

    def record_on():
        while not done.is_set():
            cache.put(request(recorded[0]), answer(recorded[0]))
            recorded[0] += 1

    def walk_on():
        while not done.is_set():
            assert len(list(cache.entries())) > 0

    threads = [threading.Thread(target=work) for work in (record_on, walk_on)]
    for thread in threads:
        thread.start()
    statuses = []
    for n in range(20):

        def child(n=n):
            assert cache.get(request(0)) == answer(0)
            cache.put(request(10_000 + n), answer(10_000 + n))
            assert len(list(cache.entries())) > 1

        statuses.append(in_child(child))
    done.set()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 20
    assert holds(path, [*range(recorded[0]), *range(10_000, 10_020)])


def test_the_walk_of_a_parent_is_an_error_in_its_child(cache):
    walk = cache.entries()

    def child():
        with pytest.raises(Error, match="begun before this process was forked") as caught:
            next(walk)
        assert caught.value.kind == "invalid_argument"
        assert len(list(cache.entries())) == 1

    assert in_child(child) == 0
    assert len(list(walk)) == 1


def test_a_child_leaves_the_hits_of_its_parent_to_it(cache, path):
    for _ in range(5):
        cache.get(request(0))

    def child():
        cache.get(request(0))
        cache.put(request(1), answer(1))
        cache.close()

    assert in_child(child) == 0
    with Cache(path, "replay") as fresh:
        assert fresh.meta(request(0))["hit_count"] == 1
    cache.close()
    with Cache(path, "replay") as fresh:
        assert fresh.meta(request(0))["hit_count"] == 6


def test_calls_of_a_child_are_recorded_under_use(provider, options):
    with use(**options) as cache:
        assert ask(provider.url, "of the parent")

        def child():
            assert ask(provider.url, "of the parent")
            assert ask(provider.url, "of the child")

        assert in_child(child) == 0
        assert provider.total() == 2
        assert ask(provider.url, "of the child")
        assert provider.total() == 2
        assert cache.stats()["entries"] == 2


def test_a_child_forked_while_a_thread_enters_use_does_not_wait_for_it(provider, options):
    def child():
        with use(**options):
            assert ask(provider.url)

    holding, done = threading.Event(), threading.Event()

    def hold():
        with intercept._lock:
            holding.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait()
    status = in_child(child)
    done.set()
    thread.join()
    assert status == 0


def test_the_end_of_a_child_does_not_end_the_claim_of_its_parent(cache, provider, options):
    url, headers = f"{provider.url}/v1/chat/completions", [("content-type", "application/json")]
    body = b'{"model": "m", "messages": []}'
    with Cache.for_tests(**options) as claiming:
        exchange = claiming.intercept("POST", url, headers, body)
        assert exchange.claim(1) is True

        def child():
            assert claiming.intercept("POST", url, headers, body).claim(1) is False

        # Nor does it when the next one asks.
        assert in_child(child) == 0
        assert in_child(child) == 0


FORKS = """
import os

@pytest.mark.f3dx_cache
def test_forks():
    assert ask("of the parent")
    child = os.fork()
    if child == 0:
        os._exit(0 if ask("of the parent") and ask("of the child") else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    assert ask("of the child")
"""


def test_a_test_that_forks_is_recorded_and_replayed(suite, provider):  # noqa: F811
    suite.write(FORKS)
    suite.run_apart().assert_outcomes(passed=1)
    assert provider.total() == 2
    suite.run_apart("--f3dx-cache=replay").assert_outcomes(passed=1)
    assert provider.total() == 2


async def later(row):
    return row.output


def test_coroutines_of_a_replay_run_in_a_child_too():
    rows = [Row(prompt="2+2", output="4")]
    assert replay(rows, later).ok
    assert in_child(lambda: replay(rows, later).ok or 1 / 0) == 0
    assert replay(rows, later).ok
