"""Run your LLM tests once with real keys, then offline, at no cost.

A :class:`Cache` is one file that records each request once and replays its answer by
content; Rust, C, Python, Node and Go share it. A changed request is a miss that explains
itself, never an old answer.
"""

from ._native import (
    Cache,
    Entry,
    Exchange,
    Explanation,
    Replay,
    __version__,
    canonicalize,
    fingerprint,
    recover,
    verify,
)
from .errors import CacheMiss, ConfigError, Error, FileError, JsonError, JsonTypeError
from .use import use

# For `pytest -p f3dx_cache`, and for the entry point, which names this package: pytest
# loads a plugin that is named here once, however often and by whatever name it is asked for.
pytest_plugins = ["f3dx_cache.pytest_plugin"]

__all__ = [
    "Cache",
    "CacheMiss",
    "ConfigError",
    "Entry",
    "Error",
    "Exchange",
    "Explanation",
    "FileError",
    "JsonError",
    "JsonTypeError",
    "Replay",
    "__version__",
    "canonicalize",
    "fingerprint",
    "recover",
    "use",
    "verify",
]
