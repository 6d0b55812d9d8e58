"""Suites that use the plugin, run by pytest itself."""

import importlib.metadata
import os
import pickle
import sys

import pytest
from conftest import digest

from f3dx_cache import Cache, CacheMiss
from f3dx_cache.pytest_plugin import CacheMissFailure

SUITE = """
import openai, pytest

def ask(text="Name a river"):
    client = openai.OpenAI(base_url={url!r}, api_key="sk-test", max_retries=3)
    answer = client.chat.completions.create(
        model="gpt-4o", messages=[dict(role="user", content=text)]
    )
    return answer.choices[0].message.content
"""
INI = """
[pytest]
f3dx_cache_path = recorded/suite.redb
f3dx_cache_hosts = 127.0.0.1:*
"""


@pytest.fixture
def suite(pytester, provider, monkeypatch):
    """Runs a suite in which `ask` calls the provider."""
    monkeypatch.chdir(pytester.path)
    pytester.makeini(INI)

    class Suite:
        path = pytester.path / "recorded" / "suite.redb"

        def write(self, tests):
            pytester.makepyfile(test_suite=SUITE.format(url=provider.openai_url) + tests)

        def run(self, *arguments):
            return pytester.runpytest_inprocess("-p", "f3dx_cache", *arguments)

        def run_apart(self, *arguments):
            return pytester.runpytest_subprocess("-p", "f3dx_cache", *arguments)

    return Suite()


MARKED = """
@pytest.mark.f3dx_cache
def test_marked():
    assert ask()
"""


def test_a_marked_test_is_recorded_once(suite, provider):
    suite.write(MARKED)
    cold = suite.run()
    cold.assert_outcomes(passed=1)
    cold.stdout.fnmatch_lines(["*= f3dx-cache =*", "*1 recorded*"])
    assert provider.total() == 1
    recorded = digest(suite.path)

    warm = suite.run("--f3dx-cache=replay")
    warm.assert_outcomes(passed=1)
    warm.stdout.fnmatch_lines(["*1 hit*"])
    assert provider.total() == 1
    assert digest(suite.path) == recorded


def test_an_unmarked_test_is_left_alone(suite, provider):
    suite.write("def test_plain():\n    assert ask()\n")
    result = suite.run("--f3dx-cache=replay")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*= f3dx-cache =*")
    assert provider.total() == 1


def test_the_example_of_the_documentation(suite):
    suite.write(
        """
from f3dx_cache import Cache

class Response:
    body, model = b'{"total":42}', "gpt-4o"

calls = []

def call_openai(request):
    calls.append(request)
    return Response

@pytest.mark.f3dx_cache
def test_extract_invoice_total(f3dx_cache_obj: Cache):
    req = {"model": "gpt-4o", "messages": [{"role": "user", "content": "..."}]}
    cached = f3dx_cache_obj.get(req)
    if cached is None:
        resp = call_openai(req)
        f3dx_cache_obj.put(req, resp.body, model=resp.model)
        cached = resp.body
    assert b'"total":42' in cached

def test_without_the_marker(f3dx_cache_obj):
    assert f3dx_cache_obj.get(
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "..."}]}
    ) and len(calls) <= 1
"""
    )
    suite.run().assert_outcomes(passed=2)
    suite.run("--f3dx-cache=replay").assert_outcomes(passed=2)


def test_a_miss_fails_the_test_with_what_differs_and_the_command(suite, provider):
    suite.write(MARKED)
    suite.run()
    suite.write(MARKED.replace("ask()", "ask('Name a lake')"))
    result = suite.run("--f3dx-cache=replay")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*CacheMiss*",
            "*/messages/0/content*",
            "*pytest --f3dx-cache=record test_suite.py::test_marked*",
        ]
    )
    assert provider.total() == 1
    shown = result.stdout.str()
    assert "site-packages" not in shown and "Connection error" not in shown
    assert len(result.outlines) < 80


def test_a_swallowed_miss_fails_the_test_at_its_end(suite):
    suite.write(
        """
@pytest.mark.f3dx_cache
def test_swallows():
    try:
        ask()
    except BaseException:
        pass

def test_after():
    pass
"""
    )
    result = suite.run("--f3dx-cache=replay")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*the code under test hid it*", "*--f3dx-cache=record*"])


def test_a_miss_that_failed_the_test_is_reported_once(suite):
    suite.write(MARKED)
    result = suite.run("--f3dx-cache=replay")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*hid it*")


def test_fixtures_are_covered(suite, provider):
    suite.write(
        """
@pytest.fixture
def before():
    return ask("before")

@pytest.fixture
def after():
    yield
    assert ask("after")

@pytest.fixture(scope="module")
def module():
    yield ask("module before")
    assert ask("module after")

@pytest.mark.f3dx_cache
def test_with_fixtures(before, after, module):
    assert before
"""
    )
    suite.run().assert_outcomes(passed=1)
    assert provider.total() == 4
    suite.run("--f3dx-cache=replay").assert_outcomes(passed=1)
    assert provider.total() == 4


def test_a_miss_in_a_fixture_leaves_the_other_fixtures_intact(suite):
    suite.write(
        """
events = []

@pytest.fixture(scope="module")
def module():
    yield
    events.append("module")
    print("torn down", events)

@pytest.fixture
def outer(module):
    yield
    events.append("outer")

@pytest.fixture
def asks_at_its_end(outer):
    yield
    ask()

@pytest.fixture
def asks(outer):
    return ask()

@pytest.mark.f3dx_cache
def test_teardown(asks_at_its_end):
    pass

@pytest.mark.f3dx_cache
def test_setup(asks):
    pass

def test_last(module):
    assert events == ["outer", "outer"]
"""
    )
    result = suite.run("--f3dx-cache=replay", "-s")
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(["*torn down [[]'outer', 'outer', 'module'[]]*"])


def test_classes_parameters_and_unittest(suite, provider):
    suite.write(
        """
import unittest

@pytest.mark.f3dx_cache
class TestClass:
    def test_method(self):
        assert ask("method")

    @pytest.mark.parametrize("text", ["one", "two words"])
    def test_parameters(self, text):
        assert ask(text)

@pytest.mark.f3dx_cache
class TestCase(unittest.TestCase):
    def setUp(self):
        assert ask("setUp")

    def test_case(self):
        assert ask("case")
"""
    )
    suite.run().assert_outcomes(passed=4)
    assert provider.total() == 5
    suite.run("--f3dx-cache=replay").assert_outcomes(passed=4)
    assert provider.total() == 5

    suite.path.unlink()
    result = suite.run("--f3dx-cache=replay")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        ["*record 'test_suite.py::TestClass::test_parameters[[]two words[]]'*"]
    )


ASYNC = """
async def ask_async(text):
    client = openai.AsyncOpenAI(base_url={url!r}, api_key="sk-test")
    answer = await client.chat.completions.create(
        model="gpt-4o", messages=[dict(role="user", content=text)]
    )
    return answer.id

@pytest.fixture
async def asked():
    yield await ask_async("fixture")
    assert await ask_async("fixture's end")

@pytest.mark.f3dx_cache
async def test_async(asked):
    assert asked and await ask_async("test")

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.f3dx_cache
@pytest.mark.anyio
async def test_anyio(anyio_backend):
    assert await ask_async("test")
"""


def test_async_tests(suite, provider):
    suite.write(ASYNC.format(url=provider.openai_url))
    suite.run_apart("-o", "asyncio_mode=auto").assert_outcomes(passed=2)
    assert provider.total() == 3
    result = suite.run_apart("-o", "asyncio_mode=auto", "--f3dx-cache=replay")
    result.assert_outcomes(passed=2)
    assert provider.total() == 3

    suite.path.unlink()
    result = suite.run_apart("-o", "asyncio_mode=auto", "--f3dx-cache=replay")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*CacheMiss*"])


def test_the_marker_takes_the_options_of_use(suite, provider):
    suite.write(
        """
@pytest.mark.f3dx_cache("other.redb", ignore=["/metadata"])
class TestOptions:
    @pytest.mark.f3dx_cache(repeats="sequence")
    def test_sequence(self, f3dx_cache_obj):
        assert f3dx_cache_obj.path.endswith("other.redb")
        ask(), ask()
        assert f3dx_cache_obj.summary()["recorded"] == 2
"""
    )
    suite.run().assert_outcomes(passed=1)
    assert provider.total() == 2


def test_a_wrong_option_in_the_marker_is_an_error(suite):
    suite.write(MARKED.replace("f3dx_cache\n", "f3dx_cache(casette=1)\n"))
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*casette*"])


MODE = """
@pytest.mark.f3dx_cache{options}
def test_mode(f3dx_cache_obj):
    print("mode", f3dx_cache_obj.mode)
"""


@pytest.mark.parametrize(
    ("line", "marker", "variable", "ini", "ci", "mode"),
    [
        ("off", "record", "refresh", "read_only", "1", "off"),
        (None, "record", "refresh", "read_only", "1", "record"),
        (None, None, "refresh", "read_only", "1", "refresh"),
        (None, None, None, "read_only", "1", "read_only"),
        (None, None, None, None, "1", "replay"),
        (None, None, None, None, None, "record"),
    ],
)
def test_what_chooses_the_mode(suite, pytester, monkeypatch, line, marker, variable, ini, ci, mode):
    if ini:
        pytester.makeini(INI + f"f3dx_cache_mode = {ini}\n")
    if variable:
        monkeypatch.setenv("F3DX_CACHE_MODE", variable)
    if ci:
        monkeypatch.setenv("CI", ci)
    suite.write(MODE.format(options=f"(mode={marker!r})" if marker else ""))
    result = suite.run("-s", *([f"--f3dx-cache={line}"] if line else []))
    result.stdout.fnmatch_lines([f"*mode {mode}*"])


def test_a_wrong_mode_ends_the_run_at_once(suite, monkeypatch):
    suite.write(MARKED)
    monkeypatch.setenv("F3DX_CACHE_MODE", "recrod")
    result = suite.run_apart()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['ERROR: f3dx-cache: F3DX_CACHE_MODE: unknown mode "recrod"*'])


def test_the_environment_names_the_file(suite, pytester, monkeypatch):
    monkeypatch.setenv("F3DX_CACHE_PATH", str(pytester.path / "named.redb"))
    suite.write(MARKED)
    suite.run().assert_outcomes(passed=1)
    assert (pytester.path / "named.redb").exists() and not suite.path.exists()


def test_every_test_with_the_ini_option(suite, pytester, provider):
    pytester.makeini(INI + "f3dx_cache_all = true\n")
    suite.write("def test_plain():\n    assert ask()\n")
    suite.run().assert_outcomes(passed=1)
    suite.run("--f3dx-cache=replay").assert_outcomes(passed=1)
    assert provider.total() == 1


def test_clients_may_be_made_while_modules_are_imported_for_a_replay(suite, pytester, provider):
    suite.write(MARKED)
    suite.run()
    suite.write("client = openai.OpenAI()\n" + MARKED)
    suite.run("--f3dx-cache=replay").assert_outcomes(passed=1)
    assert "OPENAI_API_KEY" not in os.environ


def test_a_replay_in_ci_needs_no_more_than_the_recordings(suite, pytester, monkeypatch):
    pytester.makeini("[pytest]\n")
    suite.write("client = openai.OpenAI()\n\n@pytest.mark.f3dx_cache\ndef test_marked(): pass\n")
    monkeypatch.setenv("CI", "true")
    suite.run_apart().assert_outcomes(errors=1)
    with Cache(pytester.path / ".f3dx-cache" / "cache.redb", mode="record") as cache:
        cache.put({}, b"{}")
    suite.run_apart().assert_outcomes(passed=1)


def test_a_run_that_is_interrupted_counts_and_closes_after_its_fixtures(suite, provider):
    suite.write(
        """
@pytest.fixture(scope="session")
def asks_at_its_end():
    yield
    ask("at the end")

@pytest.mark.f3dx_cache
def test_interrupted(asks_at_its_end):
    ask("before")
    raise KeyboardInterrupt
"""
    )
    suite.run_apart().stdout.fnmatch_lines(["*2 recorded*"])
    assert provider.total() == 2


def test_a_file_that_the_tests_removed_is_not_made_anew(suite, pytester):
    suite.write(
        """
import shutil

@pytest.fixture(scope="session", autouse=True)
def removes():
    yield
    shutil.rmtree("gone")

@pytest.mark.f3dx_cache(path="gone/cache.redb")
def test_marked():
    assert ask()
"""
    )
    suite.run_apart().assert_outcomes(passed=1)
    assert not (pytester.path / "gone").exists()


def test_a_miss_can_be_sent_from_a_process_of_a_pool():
    sent = pickle.loads(pickle.dumps(CacheMissFailure("why")))
    assert isinstance(sent, CacheMiss) and sent.explanation == "why"


def test_a_fixture_may_name_the_server(suite, pytester, provider):
    pytester.makeini("[pytest]\nf3dx_cache_path = recorded/suite.redb\n")
    suite.write(
        f"""
@pytest.fixture(autouse=True)
def server(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", {provider.openai_url!r})

@pytest.mark.f3dx_cache
def test_named(f3dx_cache_obj):
    ask()
    assert f3dx_cache_obj.summary()["recorded"] == 1
"""
    )
    suite.run().assert_outcomes(passed=1)


def test_use_follows_the_command_line(suite):
    suite.write(
        """
import f3dx_cache

def test_use():
    with f3dx_cache.use() as cache:
        assert cache.mode == "read_only"
"""
    )
    suite.run("--f3dx-cache=read_only").assert_outcomes(passed=1)
    assert "F3DX_CACHE_MODE" not in os.environ and "F3DX_CACHE_RUN_ID" not in os.environ


def test_the_summary_when_quiet(suite):
    suite.write(MARKED)
    quiet = suite.run("-q")
    quiet.stdout.no_fnmatch_line("*= f3dx-cache =*")
    quiet.stdout.fnmatch_lines(["*1 recorded*"])
    suite.run("-qq").stdout.no_fnmatch_line("*recorded*")
    suite.run("--no-summary").stdout.no_fnmatch_line("*= f3dx-cache =*")


def test_what_was_not_recorded_is_in_the_summary(suite):
    suite.write(
        """
@pytest.mark.f3dx_cache
def test_fails():
    with pytest.raises(openai.BadRequestError):
        ask("bad [[status:400]]")
"""
    )
    result = suite.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*1 refused*", "*400*"])


#: As SUITE, by a library that eight workers import in no time.
HTTPX_SUITE = """
import httpx, pytest

@pytest.mark.f3dx_cache
@pytest.mark.parametrize("number", range(80))
def test_shared(number):
    text = f"prompt {{number % 10}} [[slow:ms=50]]"
    body = {{"model": "gpt-4o", "messages": [{{"role": "user", "content": text}}]}}
    headers = {{"authorization": "Bearer sk-test"}}
    answer = httpx.post({url!r} + "/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200
"""


def test_many_workers_share_one_recording_and_one_summary(suite, pytester, provider):
    pytester.makepyfile(test_suite=HTTPX_SUITE.format(url=provider.openai_url))
    cold = suite.run_apart("-n", "8")
    cold.assert_outcomes(passed=80)
    cold.stdout.fnmatch_lines(["*10 recorded*"])
    assert provider.total() == 10
    recorded = digest(suite.path)

    warm = suite.run_apart("-n", "8")
    warm.assert_outcomes(passed=80)
    warm.stdout.fnmatch_lines(["*80 hits*"])
    assert len([line for line in warm.outlines if "80 hits" in line]) == 1
    assert provider.total() == 10
    assert digest(suite.path) == recorded


def test_many_workers_refresh_once(suite, provider):
    suite.write(
        """
@pytest.mark.f3dx_cache
@pytest.mark.parametrize("number", range(8))
def test_shared(number):
    assert ask("one prompt")
"""
    )
    suite.run()
    provider.reset()
    suite.run_apart("-n", "4", "--f3dx-cache=refresh").assert_outcomes(passed=8)
    assert provider.total() == 1


def test_a_miss_in_a_worker_is_told(suite):
    suite.write(MARKED)
    result = suite.run_apart("-n", "2", "--f3dx-cache=replay")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CacheMiss*", "*--f3dx-cache=record*"])


def test_help_and_markers(suite):
    suite.write(MARKED)
    suite.run("--help").stdout.fnmatch_lines(["*--f3dx-cache=*", "*f3dx_cache_path*"])
    suite.run("--markers").stdout.fnmatch_lines(["@pytest.mark.f3dx_cache(*"])
    suite.run("--strict-markers").assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["f3dx_cache", "f3dx_cache.pytest_plugin"])
def test_the_entry_point_and_the_option_together_load_it_once(suite, pytester, name):
    points = importlib.metadata.entry_points(group="pytest11", name="f3dx_cache")
    assert len(list(points)) == 1, "the package is not installed"
    suite.write(MARKED)
    pytester.runpytest_subprocess("-p", name).assert_outcomes(passed=1)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    off = pytester.runpytest_subprocess("-p", "no:f3dx_cache", "--markers")
    off.stdout.no_fnmatch_line("*f3dx_cache*")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a folder that cannot be written")
def test_a_run_that_does_not_use_it_opens_nothing(suite, pytester):
    suite.write("def test_plain():\n    pass\n")
    suite.run().assert_outcomes(passed=1)
    assert not suite.path.exists()


REPLAYED = """
from f3dx_cache import Row, replay

@pytest.mark.f3dx_cache
def test_replayed():
    rows = [Row(prompt=f"Name river {n}", output="-") for n in range(4)]
    report = replay(rows, lambda row: ask(row.prompt), mode="bytes")
    print("verdicts:", *sorted({row.verdict for row in report.rows}))
"""


def test_what_a_replay_calls_is_recorded_for_its_test(suite, provider):
    suite.write(REPLAYED)
    cold = suite.run("-s")
    cold.assert_outcomes(passed=1)
    cold.stdout.fnmatch_lines(["*verdicts: different", "*4 recorded*"])
    warm = suite.run("-s", "--f3dx-cache=replay")
    warm.assert_outcomes(passed=1)
    warm.stdout.fnmatch_lines(["*verdicts: different", "*4 hits*"])
    assert provider.total() == 4


def test_a_call_that_a_replay_swallows_fails_its_test(suite, provider):
    suite.write(REPLAYED)
    result = suite.run("-s", "--f3dx-cache=replay")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*verdicts: error*", "*hid it: f3dx-cache: not recorded*"])
    assert provider.total() == 0
