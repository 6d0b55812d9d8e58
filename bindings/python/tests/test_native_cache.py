"""Look up, record and inspect by hand."""

import gc
import multiprocessing
import os
import pathlib
import pickle
import threading
import weakref

import pydantic
import pytest

from f3dx_cache import Cache, Error, fingerprint

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
RESPONSE = b'{"model":"gpt-4o-2024","usage":{"prompt_tokens":3,"completion_tokens":4}}'


@pytest.fixture
def path(tmp_path, monkeypatch):
    for name in ("F3DX_CACHE_MODE", "F3DX_CACHE_PATH", "F3DX_CACHE_DIR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "llm.redb"


@pytest.fixture
def cache(path):
    with Cache(path) as cache:
        yield cache


def test_a_miss_is_none_and_a_recording_is_a_hit(cache):
    assert cache.get(REQUEST) is None
    assert cache.put(REQUEST, RESPONSE) == fingerprint(REQUEST)
    assert cache.get(REQUEST) == RESPONSE


def test_a_recording_is_there_when_the_file_is_opened_again(path):
    with Cache(path) as cache:
        cache.put(REQUEST, RESPONSE)
    with Cache(path, "replay") as cache:
        assert cache.get(REQUEST) == RESPONSE


@pytest.mark.parametrize("mode", ["replay", "record", "refresh", "read_only", "off"])
def test_an_explicit_miss_is_none_in_every_mode(path, mode):
    Cache(path).close()
    with Cache(path, mode) as cache:
        assert cache.mode == mode
        assert cache.get(REQUEST) is None


def test_every_spelling_of_a_request_is_the_same_entry(cache):
    class Message(pydantic.BaseModel):
        role: str
        content: str

    class Request(pydantic.BaseModel):
        messages: list[Message]
        model: str

    cache.put(REQUEST, RESPONSE)
    text = '{ "messages": [{"content": "\\u0068i", "role": "user"}], "model": "gpt-4o" }'
    for spelling in (
        text,
        text.encode(),
        bytearray(text.encode()),
        memoryview(text.encode()),
        Request(model="gpt-4o", messages=[Message(role="user", content="hi")]),
        {"messages": ({"content": "hi", "role": "user"},), "model": "gpt-4o"},
    ):
        assert cache.get(spelling) == RESPONSE, spelling


@pytest.mark.parametrize("response", ["é", "é".encode(), bytearray("é".encode())])
def test_a_response_is_bytes_or_text(cache, response):
    cache.put(REQUEST, response)
    assert cache.get(REQUEST) == "é".encode()


def test_a_response_of_another_type_is_a_type_error(cache):
    with pytest.raises(TypeError, match="response: bytes or str are needed, not dict"):
        cache.put(REQUEST, {"not": "bytes"})


def test_a_peek_counts_nothing(cache):
    cache.put(REQUEST, RESPONSE)
    assert cache.peek(REQUEST) == RESPONSE
    assert cache.peek({}) is None
    assert (cache.stats()["hits"], cache.stats()["misses"]) == (0, 0)
    cache.get(REQUEST)
    cache.get({})
    assert (cache.stats()["hits"], cache.stats()["misses"]) == (1, 1)


def test_stats_tell_sizes_and_format(cache, path):
    cache.put(REQUEST, RESPONSE)
    stats = cache.stats()
    assert stats["entries"] == 1
    assert stats["bytes_responses"] == len(RESPONSE)
    assert stats["file_bytes"] == path.stat().st_size
    assert stats["format_version"] >= 1
    assert stats["bytes_requests"] == len(cache.request(fingerprint(REQUEST)))


def test_in_takes_a_request_or_a_fingerprint(cache):
    address = cache.put(REQUEST, RESPONSE)
    assert REQUEST in cache
    assert address in cache
    assert address.upper() in cache
    assert {} not in cache
    assert "0" * 64 not in cache


def test_delete_takes_a_request_or_a_fingerprint(cache):
    cache.put(REQUEST, RESPONSE)
    assert cache.delete(REQUEST) is True
    assert cache.delete(REQUEST) is False
    assert cache.delete(cache.put({}, RESPONSE)) is True
    assert cache.stats()["entries"] == 0


def test_meta_is_what_was_told_and_what_the_response_says(cache):
    address = cache.put(REQUEST, RESPONSE, system_fingerprint="fp_1", response_duration_ms=12.6)
    meta = cache.meta(REQUEST)
    assert meta == cache.meta(address)
    assert meta["model"] == "gpt-4o-2024"
    assert meta["system_fingerprint"] == "fp_1"
    assert meta["response_duration_ms"] == 13
    assert meta["usage"] == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert cache.meta({}) is None


@pytest.mark.parametrize("duration", [-1, float("nan"), float("inf")])
def test_a_duration_is_a_number_of_milliseconds(cache, duration):
    with pytest.raises(ValueError, match="response_duration_ms"):
        cache.put(REQUEST, RESPONSE, response_duration_ms=duration)


def test_entries_come_in_the_order_of_their_fingerprints(cache):
    addresses = sorted(cache.put({"n": n}, RESPONSE) for n in range(150))
    entries = list(cache.entries())
    assert [entry.fingerprint for entry in entries] == addresses
    entry = entries[0]
    assert entry.model == "gpt-4o-2024"
    assert entry.hit_count == 0
    assert entry.usage["total_tokens"] == 7
    assert entry.meta["created_at_ms"] == entry.created_at_ms > 0


def test_a_walk_shows_the_entries_as_they_were_when_it_began(cache):
    cache.put({"n": 1}, RESPONSE)
    walk = cache.entries()
    cache.put({"n": 2}, RESPONSE)
    assert len(list(walk)) == 1
    assert next(walk, None) is None


def test_a_session_counts_for_itself(cache):
    session = cache.session("tests/test_a.py::test_b", "pytest --f3dx-cache=record")
    session.put(REQUEST, RESPONSE)
    session.get(REQUEST)
    session.get({})
    assert session.summary()["hits"] == 1
    assert session.summary()["misses"] == 1
    assert session.summary()["recorded"] == 1
    assert session.summary()["tokens_saved_output"] == 4
    assert cache.summary()["hits"] == 0
    assert next(cache.entries()).source == "tests/test_a.py::test_b"


def test_an_explanation_names_the_difference_and_the_command(cache):
    cache.put(REQUEST, RESPONSE)
    session = cache.session("a test", "the command that records")
    explanation = session.explain({**REQUEST, "model": "gpt-4o-mini"})
    (difference,) = explanation.nearest["differences"]
    assert difference == {
        "path": "/model",
        "recorded": '"gpt-4o"',
        "requested": '"gpt-4o-mini"',
    }
    assert explanation.command == "the command that records"
    assert explanation.entries == 1
    assert explanation.mode == "record"
    assert explanation.to_dict()["fingerprint"] == explanation.fingerprint
    assert "at /model" in str(explanation)
    assert "the command that records" in str(explanation)


def test_a_cache_knows_where_it_is_and_why_its_mode(path, monkeypatch):
    Cache(path).close()
    with Cache(str(path)) as cache:
        assert (cache.mode, cache.mode_reason) == ("record", "default")
        assert pathlib.Path(cache.path) == path
    monkeypatch.setenv("F3DX_CACHE_MODE", "replay")
    with Cache(path) as cache:
        assert (cache.mode, cache.mode_reason) == ("replay", "F3DX_CACHE_MODE")
    monkeypatch.setenv("F3DX_CACHE_PATH", str(path))
    with Cache() as cache:
        assert pathlib.Path(cache.path) == path


def test_for_tests_reads_the_configuration_and_ci(path, tmp_path, monkeypatch):
    (tmp_path / "f3dx-cache.toml").write_text("path = 'configured.redb'\nhosts = ['a.example']\n")
    with Cache.for_tests() as cache:
        assert cache.mode == "record"
        assert pathlib.Path(cache.path) == tmp_path / "configured.redb"
    monkeypatch.setenv("CI", "true")
    with Cache.for_tests(path=path) as cache:
        assert (cache.mode, cache.mode_reason) == ("replay", "CI is set")
        assert cache.get(REQUEST) is None
    assert not path.exists()


def test_a_closed_cache_says_so(path):
    cache = Cache(path)
    assert not cache.closed
    cache.close()
    cache.close()
    assert cache.closed
    assert repr(cache) == f"<Cache {str(path)!r}, mode record, closed>"
    with pytest.raises(Error, match="is closed"):
        cache.get(REQUEST)


def test_leaving_the_context_closes(path):
    with pytest.raises(KeyError), Cache(path) as cache:
        raise KeyError
    assert cache.closed


def test_a_cache_can_be_referred_to_weakly(path):
    cache = Cache(path)
    reference = weakref.ref(cache)
    del cache
    gc.collect()
    assert reference() is None


def test_threads_share_a_cache(cache):
    wrong = []

    def work(worker):
        for n in range(20):
            request = {"worker": worker, "n": n}
            cache.put(request, str(n))
            if cache.get(request) != str(n).encode():
                wrong.append(request)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cache.stats()["entries"] == 80
    assert cache.summary()["hits"] == 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_uses_the_cache_of_its_parent(cache):
    cache.put(REQUEST, RESPONSE)
    cache.get(REQUEST)

    def child(results):
        cache.put({"by": "the child"}, cache.get(REQUEST))
        results.put(len(list(cache.entries())))

    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    process = fork.Process(target=child, args=(results,))
    process.start()
    assert results.get(timeout=60) == 2
    process.join()
    assert process.exitcode == 0
    assert cache.get({"by": "the child"}) == RESPONSE


def test_exceptions_survive_pickling(cache):
    with pytest.raises(Error) as caught:
        cache.get({"a": [float("nan")]})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert (str(copy), copy.kind, copy.at) == (str(caught.value), "invalid_json", "/a/0")
