"""Waiting for another process: other threads run, and a signal ends it."""

import contextlib
import signal
import subprocess
import sys
import threading

import pytest

from f3dx_cache import Cache, Error, FileError

fcntl = pytest.importorskip("fcntl")

# Locks one byte of a file until its input ends.
LOCKER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX, 1, int(sys.argv[2]))
    print("locked", flush=True)
    sys.stdin.read()
"""

# The bytes that redb locks: for whoever writes, and for beginning to read.
WRITER = 1 << 62
HEADER = 0


@contextlib.contextmanager
def locked(path, byte=WRITER):
    """Stand in for another process that keeps its turn."""
    command = [sys.executable, "-c", LOCKER, path, str(byte)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as locker:
        assert locker.stdout.readline() == "locked\n"
        yield locker
        locker.stdin.close()
        locker.wait()


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.delenv("F3DX_CACHE_MODE", raising=False)
    path = tmp_path / "llm.redb"
    with Cache(path) as cache:
        cache.put({}, b"an answer")
    return path


class Interrupted(BaseException):
    pass


@contextlib.contextmanager
def alarm(handler):
    """Let a signal come again and again: the wait may not have begun at the first."""
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def raise_interrupted(*_):
    signal.setitimer(signal.ITIMER_REAL, 0)
    raise Interrupted


def test_a_wait_has_a_deadline(path):
    with Cache(path, lock_timeout_ms=50) as cache, locked(path):
        with pytest.raises(FileError, match="lock_timeout_ms") as caught:
            cache.put({"a": 1}, b"")
        assert caught.value.kind == "locked"


def test_a_signal_ends_a_put_that_waits(path):
    with Cache(path, lock_timeout_ms=600_000) as cache:
        with locked(path), alarm(raise_interrupted), pytest.raises(Interrupted):
            cache.put({"a": 1}, b"another")
        assert cache.put({"a": 1}, b"another")
        assert cache.get({"a": 1}) == b"another"


def test_a_signal_whose_handler_raises_nothing_ends_no_wait(path):
    rung = threading.Event()
    with Cache(path, lock_timeout_ms=600_000) as cache, locked(path) as locker:

        def handler(*_):
            rung.set()
            with contextlib.suppress(ValueError):
                locker.stdin.close()

        with alarm(handler):
            cache.put({"a": 1}, b"another")
        assert rung.is_set()
        assert cache.get({"a": 1}) == b"another"


def test_a_handler_may_not_use_the_cache_that_waits(path):
    with Cache(path, lock_timeout_ms=600_000) as cache, locked(path):

        def handler(*_):
            signal.setitimer(signal.ITIMER_REAL, 0)
            cache.put({"b": 1}, b"")

        with alarm(handler), pytest.raises(Error, match="signal handler") as caught:
            cache.put({"a": 1}, b"another")
        assert caught.value.kind == "locked"


def test_other_threads_run_while_one_waits(path):
    with Cache(path, lock_timeout_ms=600_000) as cache, locked(path) as locker:
        # Only a thread that runs meanwhile can end the wait.
        begun = threading.Event()

        def end_the_wait():
            begun.wait()
            locker.stdin.close()

        thread = threading.Thread(target=end_the_wait)
        thread.start()
        begun.set()
        cache.put({"a": 1}, b"another")
        thread.join()
        assert cache.get({"a": 1}) == b"another"


def test_lookups_wait_without_the_gil(path):
    with Cache(path, lock_timeout_ms=600_000) as cache:
        found = []

        def look_up():
            found.append(cache.get({}))

        def put():
            cache.put({"a": 1}, b"another")

        threads = [threading.Thread(target=work) for work in (look_up, put) * 4]
        with locked(path, HEADER):
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()
        assert found == [b"an answer"] * 4
        assert cache.get({"a": 1}) == b"another"


def test_a_signal_ends_a_lookup_that_waits(path):
    with Cache(path, lock_timeout_ms=600_000) as cache:
        with locked(path, HEADER), alarm(raise_interrupted), pytest.raises(Interrupted):
            cache.get({})
        assert cache.get({}) == b"an answer"


def test_ctrl_c_is_what_is_raised(path):
    with Cache(path, lock_timeout_ms=600_000) as cache:

        def press(*_):
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.raise_signal(signal.SIGINT)

        with locked(path), alarm(press), pytest.raises(KeyboardInterrupt):
            cache.put({"a": 1}, b"another")
