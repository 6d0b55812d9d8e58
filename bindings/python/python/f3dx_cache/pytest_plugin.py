"""The pytest plugin: `@pytest.mark.f3dx_cache` and the fixture `f3dx_cache_obj`.

Loaded by the entry point, or by `pytest -p f3dx_cache`.

A mode is chosen by `--f3dx-cache`, then the marker, then F3DX_CACHE_MODE, then the ini
file, then f3dx-cache.toml, then `replay` if CI is set, then `record`. The other options
come from the marker, then the environment, then the ini file, then f3dx-cache.toml.
"""

from __future__ import annotations

import json
import os
import shlex
import sysconfig
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from ._native import Cache, merge_summaries, mode_for_tests, summary_line
from .errors import CacheMiss, Error
from .intercept import Active, placeholders
from .use import hidden_failures

if TYPE_CHECKING:
    from ._native import Summary

MODES = ("replay", "record", "refresh", "read_only", "off")
MARKER = (
    "f3dx_cache(path=None, mode=None, **options): record the LLM calls of the test once and "
    "replay them from then on; takes the options of f3dx_cache.use (hosts, ignore, normalize, "
    "repeats, ...)."
)
#: What a fixture may change between two tests.
VARIABLES = ("CI", *(f"F3DX_CACHE_{name}" for name in ("MODE", "PATH", "DIR", "HOSTS")))
PLUGIN = "f3dx_cache_run"

_state = pytest.StashKey["TestState"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("f3dx-cache", "recorded LLM calls")
    group.addoption(
        "--f3dx-cache",
        dest="f3dx_cache_mode",
        choices=MODES,
        help="mode of every test that uses the cache: replay what is recorded and fail on "
        "anything else; record what is not recorded yet; refresh, recording all of it again; "
        "read_only, calling without recording; off",
    )
    parser.addini("f3dx_cache_mode", "mode where neither option, marker nor F3DX_CACHE_MODE say")
    parser.addini("f3dx_cache_path", "cache file, relative to the ini file", type="string")
    parser.addini("f3dx_cache_hosts", "further hosts whose calls are recorded", type="args")
    parser.addini("f3dx_cache_all", "use the cache in every test, marked or not", type="bool")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    run = Run(config)
    run.check_mode()
    run.set_environment()
    config.pluginmanager.register(run, PLUGIN)


@pytest.fixture
def f3dx_cache_obj(request: pytest.FixtureRequest) -> Cache:
    """The f3dx_cache.Cache of this test: its session on the cache file."""
    run = request.config.pluginmanager.get_plugin(PLUGIN)
    assert isinstance(run, Run)
    return run.state(request.node).cache


class CacheMissFailure(CacheMiss, pytest.fail.Exception):  # type: ignore[misc, name-defined]
    """A `CacheMiss` that pytest takes for a failure in fixtures too.

    There pytest goes on only after exceptions of its own and plain ones; anything else
    would keep the other fixtures from being torn down.
    """

    def __init__(self, explanation: str) -> None:
        pytest.fail.Exception.__init__(self, explanation)
        self.explanation = explanation

    def __reduce__(self) -> tuple[type[CacheMiss], tuple[str]]:
        # On its way from a process of a pool it is found by its name.
        return CacheMiss, (self.explanation,)


CacheMissFailure.__module__, CacheMissFailure.__qualname__ = "f3dx_cache", "CacheMiss"
CacheMissFailure.__name__ = "CacheMiss"


class TestState:
    """What one test has of the cache: a session, and calls intercepted if it asked for that."""

    __test__ = False

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.active = Active(cache, miss=lambda miss: CacheMissFailure(str(miss)))
        self.surfaced: list[BaseException] = []


class Run:
    """One run of pytest, or one worker of it: the open caches and what they did."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.caches: dict[str, Cache] = {}
        self.summaries: dict[tuple[str, str], Summary] = {}
        self.warnings: list[str] = []
        #: The tests that have a state: one, as a rule.
        self.items: list[pytest.Item] = []
        self.mode: str | None = config.getoption("f3dx_cache_mode")

    def set_environment(self) -> None:
        """Tells workers and subprocesses which run they belong to, and its mode."""
        self._set("F3DX_CACHE_RUN_ID", f"{time.time_ns() // 1_000_000}-{os.getpid()}")
        if self.mode is not None:
            # So that `use()` in a test, a fixture or a subprocess follows the command line.
            self._set("F3DX_CACHE_MODE", self.mode, replace=True)

    def _set(self, name: str, value: str, replace: bool = False) -> None:
        before = os.environ.get(name)
        if before is not None and not replace:
            return

        def restore() -> None:
            if before is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = before

        os.environ[name] = value
        self.config.add_cleanup(restore)

    # Options and caches

    def options(self, item: pytest.Item) -> dict[str, Any]:
        """Returns the options of a test: its markers', the nearest last, over the ini file's."""
        options = self.ini_options()
        for marker in reversed(list(item.iter_markers("f3dx_cache"))):
            names = ("path", "mode")
            if len(marker.args) > len(names):
                raise pytest.UsageError(f"{item.nodeid}: the marker is {MARKER.partition(':')[0]}")
            given = {**dict(zip(names, marker.args, strict=False)), **marker.kwargs}
            options.update(given)
            if given.get("mode") is not None:
                options["mode_reason"] = "the test's marker"
        if self.mode is not None:
            options |= {"mode": self.mode, "mode_reason": "--f3dx-cache"}
        return {name: value for name, value in options.items() if value is not None}

    def ini_options(self) -> dict[str, Any]:
        """Returns what the ini file says and the environment does not override."""
        ini = self.config.getini
        options: dict[str, Any] = {}
        if ini("f3dx_cache_mode") and not os.environ.get("F3DX_CACHE_MODE"):
            options |= {"mode": ini("f3dx_cache_mode"), "mode_reason": "f3dx_cache_mode"}
        named = os.environ.get("F3DX_CACHE_PATH") or os.environ.get("F3DX_CACHE_DIR")
        if ini("f3dx_cache_path") and not named:
            folder = self.config.inipath.parent if self.config.inipath else self.config.rootpath
            options["path"] = str(folder / ini("f3dx_cache_path"))
        if ini("f3dx_cache_hosts"):
            options["hosts"] = list(ini("f3dx_cache_hosts"))
        return options

    def cache(self, options: dict[str, Any]) -> Cache:
        """Returns the cache for these options; tests with the same ones share it."""
        environment = [os.environ.get(name) for name in VARIABLES]
        key = json.dumps([options, environment, os.getcwd()], sort_keys=True, default=str)
        if key not in self.caches:
            self.caches[key] = Cache.for_tests(**options)
        return self.caches[key]

    def state(self, item: pytest.Item) -> TestState:
        """Returns what a test has of the cache, opening it the first time."""
        if _state not in item.stash:
            cache = self.cache(self.options(item))
            session = cache.session(test=item.nodeid, command=self.command(item.nodeid))
            item.stash[_state] = TestState(session)
            self.items.append(item)
        return item.stash[_state]

    def command(self, nodeid: str) -> str:
        """Returns what records a test, typed in the folder that pytest was started in."""
        file, separator, name = nodeid.partition("::")
        here = os.path.relpath(self.config.rootpath / file, self.config.invocation_params.dir)
        return f"pytest --f3dx-cache=record {shlex.quote(here + separator + name)}"

    # Tests

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Lets modules make their clients while they are imported for a replay."""
        replays = self.default_mode() == "replay" and (
            self.is_configured() or self.has_recordings()
        )
        if replays:
            placeholders.set_unset()
        try:
            return (yield)
        finally:
            if replays:
                placeholders.remove()

    def is_configured(self) -> bool:
        """Returns whether this suite says anything of the cache, but by markers."""
        names = ("mode", "path", "hosts", "all")
        return (
            self.mode is not None
            or any(self.config.getini(f"f3dx_cache_{name}") for name in names)
            or any(os.environ.get(f"F3DX_CACHE_{name}") for name in ("MODE", "PATH", "DIR"))
        )

    def has_recordings(self) -> bool:
        """Returns whether the file of a test whose marker says nothing is there to replay."""
        try:
            with Cache.for_tests(mode="replay") as cache:
                return Path(cache.path).exists()
        except Error:
            return False  # the tests will say so

    def check_mode(self) -> None:
        """Ends the run, rather than each of its tests, for a mode or file that is wrong."""
        if self.is_configured():
            try:
                mode_for_tests(mode=self.mode or self.ini_options().get("mode"))
            except Error as error:
                raise pytest.UsageError(f"f3dx-cache: {error}") from None

    def default_mode(self) -> str | None:
        """Returns the mode of a test whose marker says nothing; `None` if that is an error."""
        mode = self.mode or self.ini_options().get("mode")
        try:
            return mode_for_tests(mode=mode)
        except Error:
            return None  # the tests will say so

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begins before the fixtures, so that these are covered too."""
        if self.config.getini("f3dx_cache_all") or item.get_closest_marker("f3dx_cache"):
            self.state(item).active.enter()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Ends after the fixtures, and fails the test for a miss that it swallowed."""
        try:
            result = yield
        except BaseException as error:
            for failure in self.end(item, error):
                item.add_report_section("teardown", "f3dx-cache", str(failure))
            raise
        hidden = self.end(item)
        if hidden:
            told = "\n\n".join(dict.fromkeys(map(_told, hidden)))
            pytest.fail(told, pytrace=False)
        return result

    def end(self, item: pytest.Item, *surfaced: BaseException) -> list[BaseException]:
        """Ends a test; returns the failures that have not surfaced."""
        state = item.stash.get(_state, None)
        if state is None:
            return []
        del item.stash[_state]
        self.items.remove(item)
        state.active.leave()
        hidden = hidden_failures(state.active, *state.surfaced, *surfaced)
        self.add(state.cache.mode, state.cache.path, state.cache.summary())
        self.warnings += state.cache.warnings()
        state.cache.release()
        return hidden

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Shows a miss where the test made the call, not the SDK's frames below it.

        After pytest's unittest plugin, which brings the exceptions of a TestCase, and before
        the report is made.
        """
        if call.excinfo is None:
            return
        error = call.excinfo.value
        if _state in item.stash:
            item.stash[_state].surfaced.append(error)
        if isinstance(error, CacheMiss) and not self.config.getoption("fulltrace"):
            call.excinfo = pytest.ExceptionInfo.from_exception(_own_frames(error))

    # The summary

    def add(self, mode: str, path: str, summary: Summary) -> None:
        """Adds what a session did to what its cache did in this run."""
        before = self.summaries.get((mode, path))
        self.summaries[mode, path] = (
            summary if before is None else merge_summaries([before, summary])
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Closes the caches, after the fixtures of a run that was interrupted."""
        for item in list(self.items):
            self.end(item)
        for cache in self.caches.values():
            cache.close()
        self.caches.clear()
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["f3dx_cache"] = json.dumps(
                [[*key, summary] for key, summary in self.summaries.items()]
            )
            self.config.workeroutput["f3dx_cache_warnings"] = self.warnings

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes in what a pytest-xdist worker did."""
        output = getattr(node, "workeroutput", {})
        for mode, path, summary in json.loads(output.get("f3dx_cache", "[]")):
            self.add(mode, path, summary)
        self.warnings += output.get("f3dx_cache_warnings", [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self.compact()
        lines = list(self.lines())
        if not lines or terminalreporter.no_summary or terminalreporter.verbosity < -1:
            return
        if terminalreporter.verbosity >= 0:
            terminalreporter.section("f3dx-cache")
        for line in lines:
            terminalreporter.line(line)

    def compact(self) -> None:
        """Gives back the space that recording left behind; for the run's owner alone."""
        for (mode, path), summary in self.summaries.items():
            # Opening a file that the tests have removed again would make it anew.
            if summary["recorded"] and Path(path).exists():
                try:
                    with Cache(path, mode=mode) as cache:
                        cache.compact()
                except Error as error:
                    self.warnings.append(f"not compacted, nothing is lost: {error}")

    def lines(self) -> Iterator[str]:
        """Returns the summary as lines, one group for each cache and mode."""
        for (mode, path), summary in sorted(self.summaries.items()):
            yield from summary_line(summary, mode, path)
        for warning in dict.fromkeys(self.warnings):
            yield f"warning: {warning}"


def _told(failure: BaseException) -> str:
    if isinstance(failure, CacheMiss):
        return f"a call failed and the code under test hid it: {failure}"
    return f"a call could not be looked up or recorded: {failure}"


_INSTALLED = (
    Path(__file__).parent,
    *(
        Path(folder)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if (folder := sysconfig.get_path(name))
    ),
)


def _own_frames(error: BaseException) -> BaseException:
    """Leaves the frames of the tests and of the code under test in a traceback, if any."""
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        if _is_own(Path(traceback.tb_frame.f_code.co_filename)):
            frames.append(traceback)
        traceback = traceback.tb_next
    own = None
    for frame in reversed(frames):
        own = TracebackType(own, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(own or error.__traceback__)


def _is_own(path: Path) -> bool:
    return "site-packages" not in path.parts and not any(
        path.is_relative_to(folder) for folder in _INSTALLED
    )
