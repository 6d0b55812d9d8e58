"""What is recorded, under which address, and what never is."""

import contextlib
import datetime
import uuid

import openai
import pytest
from conftest import NOWHERE
from scenarios import said

from f3dx_cache import CacheMiss, use


def client(url, **options):
    return openai.OpenAI(base_url=f"{url}/v1", **{"api_key": "sk-test", "max_retries": 0} | options)


def ask(client, text, **options):
    return client.chat.completions.create(model="gpt-4o", messages=said(text), **options)


@pytest.mark.parametrize(
    "directive",
    ["[[status:429 retry-after=0]]", "[[status:500]]", "[[error-object]]", "[[cut:1]]", "[[drop]]"],
)
def test_a_failure_is_not_recorded(directive, provider, options):
    with use(**options) as cache:
        with contextlib.suppress(openai.APIError):
            ask(client(provider.url), f"fail {directive}")
        assert cache.summary()["recorded"] == 0
    with pytest.raises(CacheMiss), use(mode="replay", **options):
        ask(client(NOWHERE), f"fail {directive}")


@pytest.mark.parametrize(
    "directive", ["[[error-event:2]]", "[[cut:3]]", "[[eof:3]]", "[[reset:3]]"]
)
def test_a_stream_that_fails_is_not_recorded(directive, provider, options):
    with use(**options) as cache:
        try:
            list(ask(client(provider.url), f"fail {directive}", stream=True))
        except (openai.APIError, OSError):
            pass
        except Exception as error:
            assert "httpx" in type(error).__module__
        assert cache.summary()["recorded"] == 0
    with pytest.raises(CacheMiss), use(mode="replay", **options):
        ask(client(NOWHERE), f"fail {directive}", stream=True)


def test_a_retry_is_recorded_as_the_answer_it_ends_with(provider, options):
    asked = "busy [[status:429 retry-after=0 times=1]]"
    with use(**options) as cache:
        cold = ask(client(provider.url, max_retries=2), asked)
        assert cache.summary()["recorded"] == 1
    assert provider.total() == 2
    with use(mode="replay", **options):
        assert ask(client(NOWHERE), asked) == cold


def test_a_sequence_replays_a_retry(provider, options):
    asked = "busy [[status:429 retry-after=0 times=1]]"
    options |= {"record_status": [429], "repeats": "sequence"}
    with use(**options) as cache:
        cold = ask(client(provider.url, max_retries=2), asked)
        assert cache.summary()["recorded"] == 2
    with use(mode="replay", **options) as cache:
        assert ask(client(NOWHERE, max_retries=2), asked) == cold
        assert cache.summary()["hits"] == 2
    with use(mode="replay", **options), pytest.raises(openai.RateLimitError):
        ask(client(NOWHERE, max_retries=0), asked)


def test_the_same_prompt_has_one_answer(provider, options):
    with use(**options):
        answers = [ask(client(provider.url), "again").id for _ in range(3)]
    assert len(set(answers)) == 1
    assert provider.total() == 1


def test_a_sequence_has_an_answer_for_each_time(provider, options):
    options["repeats"] = "sequence"
    with use(**options):
        cold = [ask(client(provider.url), "again").id for _ in range(3)]
    assert len(set(cold)) == 3
    assert provider.total() == 3
    with use(mode="replay", **options):
        assert [ask(client(NOWHERE), "again").id for _ in range(3)] == cold


@pytest.mark.parametrize(
    ("preset", "first", "second"),
    [
        ("uuid", str(uuid.UUID(int=1)), str(uuid.UUID(int=2))),
        ("iso-date", "2026-02-03", datetime.date(2027, 4, 5).isoformat()),
    ],
)
def test_volatile_text_hits_with_a_preset(preset, first, second, provider, options, tmp_path):
    with use(**options, normalize=[preset]):
        cold = ask(client(provider.url), f"report of {first}")
    with use(mode="replay", **options, normalize=[preset]):
        assert ask(client(NOWHERE), f"report of {second}") == cold

    options["path"] = tmp_path / "plain.redb"
    with use(**options):
        ask(client(provider.url), f"report of {first}")
    with pytest.raises(CacheMiss, match=preset), use(mode="replay", **options):
        ask(client(NOWHERE), f"report of {second}")


def test_an_ignored_member_hits(provider, options):
    options["ignore"] = ["/metadata"]
    with use(**options):
        cold = ask(client(provider.url), "run", metadata={"run": "1"})
    with use(mode="replay", **options):
        assert ask(client(NOWHERE), "run", metadata={"run": "2"}) == cold


def test_read_only_calls_without_recording(provider, options):
    with use(**options):
        cold = ask(client(provider.url), "known")
    with use(mode="read_only", **options) as cache:
        assert ask(client(NOWHERE), "known") == cold
        ask(client(provider.url), "unknown")
        assert cache.summary()["recorded"] == 0
    assert provider.total() == 2


def test_refresh_records_again(provider, options, monkeypatch):
    with use(**options):
        before = ask(client(provider.url), "fresh").id
    monkeypatch.setenv("F3DX_CACHE_RUN_ID", "the next run")
    with use(mode="refresh", **options):
        after = ask(client(provider.url), "fresh").id
    assert after != before
    with use(mode="replay", **options):
        assert ask(client(NOWHERE), "fresh").id == after


def test_off_calls_and_records_nothing(provider, options):
    with use(mode="off", **options):
        ask(client(provider.url), "off")
        ask(client(provider.url), "off")
    assert provider.total() == 2
    assert not options["path"].exists()


def test_a_call_that_is_no_inference_is_passed_and_refused_in_a_replay(provider, options):
    with use(**options) as cache:
        client(provider.url).models.list()
        assert cache.summary()["recorded"] == 0
    with pytest.raises(CacheMiss, match="record_paths"), use(mode="replay", **options):
        client(NOWHERE).models.list()


def test_loopback_counts_only_if_named(provider, options, monkeypatch):
    del options["hosts"]
    with use(**options) as cache:
        ask(client(provider.url), "unnamed")
        assert cache.summary()["misses"] == 0

    monkeypatch.setenv("OPENAI_BASE_URL", provider.openai_url)
    with use(**options) as cache:
        ask(client(provider.url), "named")
        assert cache.summary()["recorded"] == 1


def test_the_environment_names_hosts(provider, options, monkeypatch):
    del options["hosts"]
    monkeypatch.setenv("F3DX_CACHE_HOSTS", "127.0.0.1:*")
    with use(**options) as cache:
        ask(client(provider.url), "named")
        assert cache.summary()["recorded"] == 1
