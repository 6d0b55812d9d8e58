"""`use`: code under which SDK calls are recorded and replayed."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ._native import Cache
from .errors import CacheMiss
from .intercept import Active

if TYPE_CHECKING:
    from types import TracebackType

F = TypeVar("F", bound=Callable[..., Any])


class use:
    """Records and replays the SDK calls made under it, in its threads and tasks too.

    A context manager, `with` or `async with`, that gives the `Cache`, and a decorator
    of functions, coroutine functions and generators (such as fixtures):

        with f3dx_cache.use():
            client.chat.completions.create(...)

        @f3dx_cache.use(mode="replay")
        async def test_answer(): ...

    `path`, `mode` and the other options are those of `Cache.for_tests`. They may be
    nested: the innermost answers. A `use` may be entered again after it has ended;
    as a decorator it begins anew with every call.

    Raises at its end what an SDK may have swallowed: the first miss (`CacheMiss`), or
    the first failure to read or write the file (`Error`), unless another exception is
    on its way, which gets them as notes.
    """

    def __init__(self, path: Any = None, mode: str | None = None, **options: Any) -> None:
        if callable(path):
            raise TypeError("use is called before it decorates: @use() in place of @use")
        self._options = {"path": path, "mode": mode, **options}
        self._test: str | None = None
        self._entered: list[Active] = []

    def __enter__(self) -> Cache:
        given = {name: value for name, value in self._options.items() if value is not None}
        cache = Cache.for_tests(**given)
        active = Active(cache.session(test=_pytest_test() or self._test))
        active.enter()
        self._entered.append(active)
        return active.cache

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        active = self._entered.pop()
        active.leave()
        hidden = hidden_failures(active, *filter(None, [error]))
        active.cache.close()
        if hidden and error is None:
            raise hidden[0]
        for failure in hidden:
            if error is not None and sys.version_info >= (3, 11):
                error.add_note(f"f3dx-cache: {failure}")

    async def __aenter__(self) -> Cache:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._entered[-1].read_streams()
        except BaseException as cancelled:
            self.__exit__(type(cancelled), cancelled, cancelled.__traceback__)
            raise
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        wrapper: Any
        if inspect.isclass(function):
            # What came of it would be a function, which pytest does not collect.
            raise TypeError(f"use decorates functions; decorate those of {function.__qualname__}")
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                async with self._for(function):
                    generator = function(*args, **kwargs)
                    try:
                        step = generator.__anext__()
                        while True:
                            try:
                                value = await step
                            except StopAsyncIteration:
                                return
                            try:
                                sent = yield value
                            except GeneratorExit:
                                raise
                            except BaseException as thrown:
                                step = generator.athrow(thrown)
                            else:
                                step = generator.asend(sent)
                    finally:
                        await generator.aclose()

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._for(function):
                    return (yield from function(*args, **kwargs))

        elif inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                async with self._for(function):
                    return await function(*args, **kwargs)

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._for(function):
                    return function(*args, **kwargs)

        decorated: F = wrapper
        return decorated

    def _for(self, function: Callable[..., Any]) -> use:
        anew = use(**self._options)
        anew._test = f"{function.__module__}.{function.__qualname__}"
        return anew


def hidden_failures(active: Active, *surfaced: BaseException) -> list[BaseException]:
    """Returns the misses and errors that are not among what surfaced."""
    seen = [one for error in surfaced for one in _chain(error)]
    missed = any(isinstance(one, CacheMiss) for one in seen)
    explanations = [] if missed else active.cache.refused_misses()
    misses: list[BaseException] = [CacheMiss(explanation) for explanation in explanations]
    return misses + [error for error in active.errors if error not in seen]


def _chain(error: BaseException | None, depth: int = 0) -> list[BaseException]:
    """Returns an exception, those in its group, and those that its traceback shows."""
    if error is None or depth > 50:
        return []
    found = [error]
    for inner in getattr(error, "exceptions", ()):
        found += _chain(inner, depth + 1)
    shown = error.__cause__ if error.__suppress_context__ else error.__context__
    return found + _chain(shown, depth + 1)


def _pytest_test() -> str | None:
    """Returns the id of the pytest test that is running here."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0] or None
