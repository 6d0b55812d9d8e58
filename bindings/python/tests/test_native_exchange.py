"""An HTTP call through `Cache.intercept`, as an adapter sends it."""

import threading

import pytest

from f3dx_cache import Cache, Exchange, Replay
from f3dx_cache._native import merge_summaries, replay_key_placeholders, summary_line

URL = "https://api.openai.com/v1/chat/completions"
HEADERS = [("host", "api.openai.com"), ("content-type", "application/json")]
BODY = b'{"model":"gpt-4o","messages":[]}'
STREAM = b'{"model":"gpt-4o","messages":[],"stream":true}'
ANSWER = b'{"id":"c1","model":"gpt-4o","usage":{"prompt_tokens":5,"completion_tokens":6}}'
EVENTS = [
    b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    for name in ("F3DX_CACHE_MODE", "F3DX_CACHE_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    with Cache(tmp_path / "llm.redb") as cache:
        yield cache


def ask(cache, body=BODY):
    return cache.intercept("POST", URL, HEADERS, body)


def record(cache, body=BODY, content_type="application/json", chunks=(ANSWER,), end="eof"):
    exchange = ask(cache, body)
    assert isinstance(exchange, Exchange)
    assert exchange.records
    assert exchange.claim(1) is True
    exchange.head(200, [("content-type", content_type), ("set-cookie", "secret")])
    complete = [exchange.chunk(chunk) for chunk in chunks]
    return complete, exchange.finish(end), exchange


def test_a_call_that_is_none_of_our_business_passes(cache):
    assert cache.intercept("GET", "http://testserver/", [], b"") is None


def test_a_recorded_call_is_replayed(cache):
    _, recorded, exchange = record(cache)
    assert recorded is True
    assert exchange.finish("eof") is False
    replay = ask(cache)
    assert isinstance(replay, Replay)
    assert replay.status == 200
    assert replay.headers == [("content-type", "application/json")]
    assert replay.body == ANSWER
    assert replay.chunks == [ANSWER]
    assert replay.chunks[0] is replay.body
    assert replay.delays == []
    assert replay.stream is False


def test_a_stream_is_complete_at_its_terminal_event(cache):
    complete, recorded, _ = record(cache, STREAM, "text/event-stream", EVENTS, end="left")
    assert complete == [False, False, True]
    assert recorded is True
    replay = ask(cache, STREAM)
    assert replay.stream is True
    assert replay.chunks == EVENTS
    assert replay.body == b"".join(EVENTS)


def test_a_cut_stream_is_not_recorded(cache):
    complete, recorded, _ = record(cache, STREAM, "text/event-stream", EVENTS[:1])
    assert (complete, recorded) == ([False], False)
    assert isinstance(ask(cache, STREAM), Exchange)
    summary = cache.summary()
    assert summary["refused"] == 1
    assert summary["refusals"][0]["call"] == "POST api.openai.com/v1/chat/completions"


def test_recorded_times_are_replayed_if_asked_for(tmp_path):
    with Cache(tmp_path / "llm.redb", replay_timing=True) as cache:
        record(cache, STREAM, "text/event-stream", EVENTS)
        delays = ask(cache, STREAM).delays
        assert len(delays) == len(EVENTS)
        assert all(delay >= 0 for delay in delays)


def test_one_of_two_threads_calls_and_the_other_gets_its_recording(cache):
    first, second = ask(cache), ask(cache)
    assert first.claim(1) is True
    assert second.claim(2) is False
    first.head(200, [("content-type", "application/json")])
    first.chunk(ANSWER)
    first.finish("eof")
    replay = second.claim(2)
    assert isinstance(replay, Replay)
    assert replay.body == ANSWER


def test_an_exchange_that_is_dropped_frees_its_claim(cache):
    first, second = ask(cache), ask(cache)
    assert first.claim(1) is True
    del first
    assert second.claim(2) is True


def test_a_failed_call_frees_its_claim(cache):
    first, second = ask(cache), ask(cache)
    assert first.claim(1) is True
    assert first.finish("failed") is False
    assert second.claim(2) is True


def test_read_only_sends_and_records_nothing(cache):
    with Cache(cache.path, "read_only") as reader:
        exchange = ask(reader)
        assert exchange.records is False
        assert exchange.finish("eof") is False
        assert reader.stats()["entries"] == 0


def test_bounds_for_draining_are_told(cache):
    exchange = ask(cache)
    assert exchange.drain_seconds > 0
    assert exchange.drain_bytes > 0


def test_an_unknown_end_is_refused(cache):
    with pytest.raises(ValueError, match="'eof', 'left' and 'failed'"):
        ask(cache).finish("over")


@pytest.mark.parametrize("headers", [[("a",)], [("a", 1)], [(b"a", b"b")], "a", None])
def test_headers_are_pairs_of_str(cache, headers):
    with pytest.raises((TypeError, ValueError)):
        cache.intercept("POST", URL, headers, BODY)


def test_a_body_may_be_anything(cache):
    for body in (b"", b"\xff\x00", b"{", "é", bytearray(b"{}")):
        assert isinstance(ask(cache, body), Exchange)


def test_threads_may_finish_one_exchange_at_once(cache):
    exchange = ask(cache)
    exchange.claim(1)
    exchange.head(200, [("content-type", "application/json")])
    exchange.chunk(ANSWER)
    ends = []
    threads = [
        threading.Thread(target=lambda: ends.append(exchange.finish("eof"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == [False] * 7 + [True]


def test_summaries_add_up_to_the_lines_that_end_a_run(cache):
    record(cache)
    ask(cache)
    refusing = cache.session()
    record(refusing, STREAM, "text/event-stream", EVENTS[:1])
    summary = merge_summaries([cache.summary(), refusing.summary()])
    assert (summary["hits"], summary["recorded"], summary["refused"]) == (1, 1, 1)
    first, *rest = summary_line(summary, "record", cache.path)
    assert first.startswith("f3dx-cache: 1 hit, 2 misses, 1 recorded, 1 refused; saved 11 tokens")
    assert first.endswith("llm.redb)")
    assert rest[0].startswith("not recorded: POST api.openai.com/v1/chat/completions: ")


def test_the_key_variables_of_providers_are_known():
    assert {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"} <= set(
        replay_key_placeholders()
    )
