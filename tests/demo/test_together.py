"""pytest, Vitest and `go test` on one file: at the same time, and one after the other."""

import f3dx_cache
import pytest
from mock_provider.launch import mock_provider
from suites import KEYS, go_suite, node_suite, python_suite

LANGUAGES = ("python", "node", "go")


@pytest.fixture(scope="module")
def suites(tmp_path_factory):
    node = node_suite(tmp_path_factory.mktemp("suites") / "node")
    return dict(zip(LANGUAGES, (python_suite(), node, go_suite()), strict=True))


def urls(provider):
    return {"OPENAI_BASE_URL": provider.openai_url, "ANTHROPIC_BASE_URL": provider.url}


def test_three_runners_at_once_call_once_for_each_request_and_lose_nothing(suites, tmp_path):
    cache = tmp_path / "together.redb"
    with mock_provider() as provider:
        variables = {**urls(provider), **KEYS}
        running = [suite.start("record", cache, variables) for suite in suites.values()]
        printed = [process.communicate()[0] for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], "\n".join(printed)
        log = provider.calls()["log"]
        requests = {(call["path"], call["digest"], call["stream"]) for call in log}
        assert provider.total() == len(requests) == 10
    with f3dx_cache.Cache(cache, mode="replay") as recorded:
        assert recorded.stats()["entries"] == 10
    assert f3dx_cache.verify(cache)["flaws"] == []


@pytest.mark.parametrize("recorder", LANGUAGES)
def test_what_one_openai_sdk_recorded_the_others_replay_without_a_provider(
    suites, tmp_path, recorder
):
    cache = tmp_path / "chat.redb"
    with mock_provider() as provider:
        suite = suites[recorder]
        recording = suite.start("record", cache, {**urls(provider), **KEYS}, *suite.only_chat)
        printed = recording.communicate()[0]
        assert recording.returncode == 0, printed
        # Three currencies, and one question that is asked three times.
        assert provider.total() == 4
    before = cache.read_bytes()
    for suite in suites.values():
        replaying = suite.start("replay", cache, urls(provider), *suite.only_chat)
        printed = replaying.communicate()[0]
        assert replaying.returncode == 0, printed
        assert "f3dx-cache: 6 hits, 0 misses" in printed, printed
    assert cache.read_bytes() == before
