"""Run your LLM tests once with real keys, then offline, at no cost.

A :class:`Cache` is one file that records each request once and replays its answer by
content; Rust, C, Python, Node and Go share it. A changed request is a miss that explains
itself, never an old answer.

:func:`replay` asks for new outputs of recorded traces, and reports what changed.
"""

from ._native import (
    Cache,
    Entry,
    Exchange,
    Explanation,
    Replay,
    Row,
    Traces,
    __version__,
    canonicalize,
    fingerprint,
    recover,
    verify,
)
from .diff import Comparison, diff
from .errors import (
    CacheMiss,
    ConfigError,
    Error,
    FileError,
    JsonError,
    JsonTypeError,
    TraceError,
)
from .models import model_call
from .replay import Progress, areplay, replay
from .report import Report
from .traces import read_jsonl, read_traces
from .use import use

# For `pytest -p f3dx_cache`, and for the entry point, which names this package: pytest
# loads a plugin that is named here once, however often and by whatever name it is asked for.
pytest_plugins = ["f3dx_cache.pytest_plugin"]

__all__ = [
    "Cache",
    "CacheMiss",
    "Comparison",
    "ConfigError",
    "Entry",
    "Error",
    "Exchange",
    "Explanation",
    "FileError",
    "JsonError",
    "JsonTypeError",
    "Progress",
    "Replay",
    "Report",
    "Row",
    "TraceError",
    "Traces",
    "__version__",
    "areplay",
    "canonicalize",
    "diff",
    "fingerprint",
    "model_call",
    "read_jsonl",
    "read_traces",
    "recover",
    "replay",
    "use",
    "verify",
]
