"""What goes wrong, and what a refused call raises."""

from __future__ import annotations


class Error(Exception):
    """The base of every failure of f3dx-cache.

    The message names the thing, the place and the way out. ``kind`` tells failures apart
    for programs: ``"invalid_argument"``, ``"invalid_json"``, ``"io"``, ``"locked"``,
    ``"read_only"``, ``"corrupt"``, ``"unsupported_format"``, ``"full"``,
    ``"config_mismatch"``, ``"config"``, ``"callback"``, ``"invalid_row"`` or, for a bug in
    this library, ``"panic"``.
    """

    kind: str = "invalid_argument"


class JsonError(Error, ValueError):
    """A request that is not JSON, or not JSON with one meaning; never a guess.

    ``json_kind`` is the rule that it breaks: ``"syntax"``, ``"trailing_data"``,
    ``"empty_input"``, ``"bom"``, ``"invalid_utf8"``, ``"duplicate_key"``,
    ``"lone_surrogate"``, ``"number_out_of_range"``, ``"too_deep"`` or, for a Python
    value, ``"unsupported_type"``. ``at`` is the place: a byte of a JSON text, a JSON
    Pointer into a Python value.
    """

    kind = "invalid_json"
    json_kind: str = "syntax"
    at: int | str = 0


class JsonTypeError(JsonError, TypeError):
    """A Python value that JSON cannot spell: NaN, bytes, a set, a key that is no string."""

    json_kind = "unsupported_type"
    at = ""


class ConfigError(Error, ValueError):
    """An option, environment variable or configuration file is wrong.

    ``kind`` is ``"config"``, or ``"config_mismatch"`` where the options ask for another
    identity policy than the file was recorded under.
    """

    kind = "config"


class FileError(Error):
    """The cache file cannot be used as asked.

    ``kind`` says why: ``"io"``, ``"locked"``, ``"read_only"``, ``"corrupt"``,
    ``"unsupported_format"`` or ``"full"``.
    """

    kind = "io"


class TraceError(Error, ValueError):
    """A row of a trace file, or the file, cannot be read.

    The message is ``file:line:column: reason``, and quotes nothing of the row.
    """

    kind = "invalid_row"


class CacheMiss(BaseException):
    """An intercepted call that is not recorded, in a mode that sends none.

    It derives from ``BaseException`` because SDKs retry or wrap every ``Exception``: the
    miss would end as "Connection error.". ``explanation`` says what differs from the
    nearest recorded request, and which command records it.
    """

    def __init__(self, explanation: str = "not recorded") -> None:
        super().__init__(explanation)
        self.explanation = explanation
