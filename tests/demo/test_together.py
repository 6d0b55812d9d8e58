"""pytest, Vitest and `go test` record into one file at the same time."""

import f3dx_cache
from mock_provider.launch import mock_provider
from suites import KEYS, go_suite, node_suite, python_suite


def test_three_runners_at_once_call_once_for_each_request_and_lose_nothing(tmp_path):
    cache = tmp_path / "together.redb"
    suites = [python_suite(), node_suite(tmp_path / "node"), go_suite()]
    with mock_provider() as provider:
        urls = {"OPENAI_BASE_URL": provider.openai_url, "ANTHROPIC_BASE_URL": provider.url}
        running = [suite.start("record", cache, {**urls, **KEYS}) for suite in suites]
        printed = [process.communicate()[0] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], "\n".join(printed)
        log = provider.calls()["log"]
        requests = {(call["path"], call["digest"], call["stream"]) for call in log}
        assert provider.total() == len(requests) == 10
    with f3dx_cache.Cache(cache, mode="replay") as recorded:
        assert recorded.stats()["entries"] == 10
    assert f3dx_cache.verify(cache)["flaws"] == []
