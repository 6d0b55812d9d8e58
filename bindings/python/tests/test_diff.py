"""`diff` as it is called from Python."""

import asyncio
import re
import signal
import threading
from collections import OrderedDict

import pytest

from f3dx_cache import Cache, ConfigError, Error, JsonTypeError, _native, diff
from f3dx_cache.diff import DiffOptions


def test_a_comparison_unpacks_as_ok_and_note():
    ok, note = diff('{"n": 1}', '{"n": 1.0}', mode="structured")
    assert ok is True
    ok, note = diff('{"n": 1}', '{"n": 2}', mode="structured")
    assert ok is False
    assert "/n" in note


def test_a_comparison_is_true_if_it_is_ok():
    assert diff("a", "a")
    assert not diff("a", "b")


def test_a_comparison_says_who_decided_and_where_it_differs():
    result = diff('{"a": 1, "b": null}', '{"a": "1"}', mode="structured")
    assert (result.verdict, result.mode, result.score) == ("different", "structured", None)
    assert {d["path"]: d["kind"] for d in result.differences} == {
        "/a": "type_changed",
        "/b": "removed",
    }
    removed = next(d for d in result.differences if d["path"] == "/b")
    assert removed["before"] is None
    assert "after" not in removed
    assert result.more == 0
    assert list(result.timings) == ["structured"]


def test_without_a_mode_the_layers_run_in_turn():
    assert diff("[1]", "[1.0]").mode == "structured"
    assert diff("one", "two").verdict == "inconclusive"


@pytest.mark.parametrize("text", [b"[1]", bytearray(b"[1]"), memoryview(b"[1]"), [1], (1,)])
def test_an_output_is_text_bytes_or_a_value(text):
    assert diff(text, "[1.0]", mode="structured").verdict == "same"


def test_a_dict_is_its_canonical_json():
    assert diff(OrderedDict(b=1, a=2), {"a": 2, "b": 1}, mode="bytes").ok
    assert diff(OrderedDict(b=1, a=2), '{"a":2,"b":1}', mode="bytes").ok


def test_big_integers_are_told_apart():
    result = diff({"id": 9007199254740993}, {"id": 9007199254740992})
    (change,) = result.differences
    assert (change["before"], change["after"]) == (9007199254740993, 9007199254740992)


@pytest.mark.parametrize("wrong", [None, 1, 1.5, True, {1, 2}, object()])
def test_anything_else_is_no_output(wrong):
    with pytest.raises(TypeError, match=r"^after: str, bytes, or a dict or list"):
        diff("a", wrong)


def test_a_value_that_is_not_json_is_named():
    with pytest.raises(JsonTypeError, match=r"^before/a/0: NaN is not JSON"):
        diff({"a": [float("nan")]}, "a")


def test_an_unknown_option_is_answered_with_those_there_are():
    with pytest.raises(ConfigError, match=r"^unknown option epsilom; there are .*epsilon.*votes"):
        diff("a", "b", epsilom=0.1)


def test_an_unknown_mode_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match=r"^option mode: .*`fuzzy`.*`bytes`.*`cascade`$"):
        diff("a", "b", mode="fuzzy")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"votes": 0}, "votes = 0: from 1 to 99"),
        ({"epsilon": -1}, "epsilon = -1"),
        (
            {"same_above": 0.6, "epsilon": "much"},
            'option epsilon: invalid type: string "much", expected a number',
        ),
        ({"votes": "2"}, 'option votes: invalid type: string "2", expected a whole number from 0'),
        ({"ignore": "/a"}, 'option ignore: invalid type: string "/a", expected a sequence'),
        ({"ignore": {1}}, "option /ignore: set is not JSON"),
        ({"same_above": 0.6}, "different_below = 0.7 is above same_above = 0.6"),
        ({"mode": "judge"}, "judge_model"),
        ({"mode": "embedding"}, "embedding_model"),
    ],
)
def test_an_option_outside_its_domain_is_named(options, says):
    with pytest.raises(ConfigError) as raised:
        diff("a", "b", **options)
    assert says in str(raised.value)
    assert "line 1" not in str(raised.value)


def test_the_options_are_those_of_core():
    with pytest.raises(ConfigError) as raised:
        _native.diff("a", "b", {"nothing": 1})
    expected = str(raised.value).partition("expected one of ")[2]
    assert sorted(re.findall(r"`(\w+)`", expected)) == sorted(DiffOptions.__annotations__)


def test_none_is_the_default_of_an_option():
    assert diff("a", "b", mode="bytes", votes=None, ignore=None).mode == "bytes"


@pytest.mark.parametrize("name", ["call", "embed"])
def test_what_cannot_be_called_is_refused(name):
    with pytest.raises(TypeError, match=rf"^{name}: a function.* is needed, not str"):
        diff("a", "b", mode="judge", judge_model="j", **{name: "gpt-4o"})


def test_a_path_is_no_cache(tmp_path):
    with pytest.raises(TypeError, match="cache: a Cache is needed, not PosixPath"):
        diff("a", "b", cache=tmp_path / "llm.redb")


VECTORS = {"one": [1.0, 0.0], "uno": [1.0, 0.1], "two": [0.0, 1.0]}


def embed(texts):
    return [VECTORS[text] for text in texts]


def test_an_embedder_takes_texts_and_returns_vectors():
    options = {"mode": "embedding", "embedding_model": "e"}
    assert diff("one", "uno", embed=embed, **options).verdict == "same"
    assert diff("one", "two", embed=embed, **options).verdict == "different"


def test_an_embedder_may_be_a_coroutine_function():
    async def later(texts):
        await asyncio.sleep(0)
        return embed(texts)

    result = diff("one", "uno", mode="embedding", embedding_model="e", embed=later)
    assert result.verdict == "same"


async def test_a_coroutine_is_awaited_where_a_loop_is_running():
    async def later(texts):
        await asyncio.sleep(0)
        return embed(texts)

    result = diff("one", "uno", mode="embedding", embedding_model="e", embed=later)
    assert result.verdict == "same"


def test_vectors_are_kept_in_the_cache(tmp_path):
    asked = []

    def counted(texts):
        asked.extend(texts)
        return embed(texts)

    options = {"mode": "embedding", "embedding_model": "e", "embed": counted}
    with Cache(tmp_path / "llm.redb", mode="record") as cache:
        first = diff("one", "uno", cache=cache, **options)
        again = diff("one", "uno", cache=cache, **options)
    assert sorted(asked) == ["one", "uno"]
    assert first.score == again.score


def test_what_a_call_raises_is_the_verdict_error():
    def call(endpoint, request):
        raise ValueError("no route to host")

    result = diff("a", "b", mode="judge", judge_model="j", call=call)
    assert result.verdict == "error"
    assert "ValueError: no route to host" in result.note


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "TypeError: it returned NoneType where a response is needed"),
        ([1], "TypeError: it returned list where a response is needed"),
        ({"a": {1}}, "JsonTypeError: response/a: set is not JSON"),
    ],
)
def test_a_call_that_returns_no_response_says_so(returned, says):
    call = lambda endpoint, request: returned  # noqa: E731
    result = diff("a", "b", mode="judge", judge_model="j", call=call)
    assert result.verdict == "error"
    assert says in result.note


def test_a_closed_cache_is_an_error(tmp_path):
    cache = Cache(tmp_path / "llm.redb")
    cache.close()
    options = {"mode": "embedding", "embedding_model": "e", "embed": embed}
    result = diff("one", "two", cache=cache, **options)
    assert result.verdict == "error"
    assert "closed" in result.note


def test_an_interrupt_ends_a_comparison_that_waits():
    begun, never = threading.Event(), threading.Event()

    def call(endpoint, request):
        begun.set()
        never.wait(60)

    def interrupt():
        begun.wait(60)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        diff("a", "b", mode="judge", judge_model="j", call=call)
    assert not never.is_set()
    never.set()


def test_an_error_of_the_binding_is_an_error_of_the_package():
    with pytest.raises(Error):
        diff("a", "b", mode="fuzzy")
