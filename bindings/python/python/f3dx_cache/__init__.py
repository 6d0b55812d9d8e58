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
)
from .errors import CacheMiss, ConfigError, Error, FileError, JsonError, JsonTypeError

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
]
