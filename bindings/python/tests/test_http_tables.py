"""The tables of HTTP calls and responses that every language runs, from one file."""

import json
from pathlib import Path
from typing import Any

import pytest

from f3dx_cache import Cache, CacheMiss

FIXTURES = Path(__file__).parents[3] / "tests" / "fixtures"


def cases(name: str) -> list[Any]:
    lines = (FIXTURES / name).read_text().splitlines()
    return [pytest.param(case, id=case["id"]) for case in map(json.loads, lines)]


def data(case: dict[str, Any], name: str) -> bytes:
    if f"{name}_hex" in case:
        return bytes.fromhex(case[f"{name}_hex"])
    return case.get(name, "").encode()


def opened(case: dict[str, Any], path: Path, mode: str) -> Cache:
    return Cache.for_tests(path=str(path), mode=mode, **case.get("options", {}))


@pytest.mark.parametrize("case", cases("http_calls.jsonl"))
def test_a_call_is_what_the_table_says(case, tmp_path, monkeypatch):
    for name, value in case.get("env", {}).items():
        monkeypatch.setenv(name, value)
    headers = [tuple(pair) for pair in case.get("headers", [])]
    call = (case["method"], case["url"], headers, data(case, "body"))

    with opened(case, tmp_path / "cache.redb", "record") as cache:
        exchange = cache.intercept(*call)
        assert (exchange is not None) == (case["expect"] == "inference")
        if exchange is not None:
            exchange.head(200, [("content-type", "application/json")])
            exchange.chunk(b'{"an":"answer"}')
            assert exchange.finish("eof")
            (entry,) = cache.entries()
            assert cache.request(entry.fingerprint).decode() == case["document"]
            assert entry.fingerprint == case["fingerprint"]

    with opened(case, tmp_path / "empty.redb", "replay") as cache:
        if case["expect"] == "pass":
            assert cache.intercept(*call) is None
        else:
            with pytest.raises(CacheMiss):
                cache.intercept(*call)


@pytest.mark.parametrize("case", cases("http_responses.jsonl"))
def test_a_response_is_recorded_or_refused_as_the_table_says(case, tmp_path):
    with opened(case, tmp_path / "cache.redb", "record") as cache:
        body = data(case, "request_body")
        exchange = cache.intercept("POST", case["url"], [], body)
        headers = [tuple(pair) for pair in case.get("headers", [])]
        exchange.head(case["status"], headers)
        for chunk in case["chunks"]:
            exchange.chunk(chunk.encode())
        recorded = exchange.finish("eof" if case["eof"] else "left")
        assert recorded == (case["expect"] == "record")
        if not recorded:
            (refusal,) = cache.summary()["refusals"]
            assert refusal["why"] == case["reason"]
