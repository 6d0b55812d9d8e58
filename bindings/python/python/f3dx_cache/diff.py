"""`diff`: whether two outputs say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from . import _native
from .calls import Calls, checked, checked_cache
from .errors import ConfigError
from .models import embedder, with_api

if TYPE_CHECKING:
    import os

    from typing_extensions import NotRequired, Unpack

    from ._native import Cache
    from .models import Embed, ModelCall

Mode = Literal["bytes", "structured", "embedding", "judge", "cascade"]
Verdict = Literal["same", "equivalent", "different", "inconclusive", "error", "skipped"]


class ModeOptions(TypedDict, total=False):
    """How a mode compares; core knows the defaults."""

    #: JSON Pointers, with * for any one segment, of what is left out of "structured".
    ignore: Sequence[str] | None
    #: How far two numbers may be apart and still be equal in "structured".
    epsilon: float | None
    #: JSON Pointers of arrays whose order does not matter; "" is the whole document.
    unordered: Sequence[str] | None
    #: Whether JSON in a Markdown fence counts as JSON in "structured".
    fenced_json: bool | None
    #: Whether JSON inside strings, such as a tool call's arguments, is compared as JSON.
    nested_json: bool | None
    #: The least cosine that is the same, 0.95.
    same_above: float | None
    #: The cosine below which outputs are different, 0.70.
    different_below: float | None
    #: The model of "embedding".
    embedding_model: str | None
    #: How long its vectors shall be.
    embedding_dimensions: int | None
    #: The folder of a local encoder, in place of the model, where it is built in.
    encoder: str | os.PathLike[str] | None
    #: The model of "judge".
    judge_model: str | None
    #: Which requests it understands; `model_call` knows that of its client.
    judge_api: Literal["openai", "anthropic"] | str | None
    #: What it is told, in place of the built-in criteria.
    judge_prompt: str | None
    #: How many votes are asked for, 2; one more if they disagree.
    votes: int | None
    #: How many judge calls may be made; what would need more is skipped.
    max_judge_calls: int | None


class DiffOptions(ModeOptions, total=False):
    """How to compare."""

    #: Who compares: "cascade", the default, is each of the others in turn until one decides.
    mode: Mode | str | None


class Change(TypedDict):
    """One place where two JSON values differ."""

    #: The JSON Pointer of the place.
    path: str
    kind: Literal["added", "removed", "changed", "type_changed"]
    #: Absent if it was added.
    before: NotRequired[Any]
    #: Absent if it was removed.
    after: NotRequired[Any]


class Comparison:
    """How two outputs compare, who says so, and where they differ.

    It is true if the new output may stand in the place of the old one, and unpacks as
    `ok, note`.
    """

    __slots__ = ("differences", "mode", "more", "note", "score", "timings", "verdict")

    def __init__(self, compared: dict[str, Any]) -> None:
        self.verdict: Verdict = compared["verdict"]
        #: From 0 to 1, where the deciding mode measures it: a cosine, or the share of votes.
        self.score: float | None = compared["score"]
        #: The mode that decided.
        self.mode: Mode = compared["mode"]
        #: The reason: one line, or a line and a short text diff below it.
        self.note: str = compared["note"]
        #: The first places where two JSON values differ.
        self.differences: list[Change] = compared["differences"]
        #: How many there are besides.
        self.more: int = compared["more"]
        #: How long each mode that ran took, in milliseconds.
        self.timings: dict[Mode, float] = compared["timings"]

    @property
    def ok(self) -> bool:
        """Whether the verdict is "same" or "equivalent"."""
        return self.verdict in ("same", "equivalent")

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Any]:
        return iter((self.ok, self.note))

    def __repr__(self) -> str:
        return f"<Comparison {self.verdict} by {self.mode}: {self.note!r}>"


def diff(
    before: Any,
    after: Any,
    mode: Mode | str | None = None,
    *,
    prompt: str | None = None,
    system: str | None = None,
    cache: Cache | None = None,
    call: ModelCall | None = None,
    embed: Embed | None = None,
    **options: Unpack[ModeOptions],
) -> Comparison:
    """Compares two outputs, `str` or `bytes`, or a dict or list as its JSON.

        ok, note = diff(before, after, mode="structured")

    `mode` and the other options are those of `DiffOptions`. "embedding" asks `embed`, which
    makes vectors of texts, or `call`, which "judge" asks, too: a model call, as `model_call`
    makes it of a client. Their answers are kept in `cache`, so that asking again is free.
    `prompt` and `system` are what was asked, for the judge.
    """
    check_names(options)
    calls = Calls() if call or embed else None
    try:
        compared = _native.diff(
            before,
            after,
            with_api({"mode": mode, **options}, call),
            prompt=prompt,
            system=system,
            cache=checked_cache(cache),
            call=checked("call", call),
            embed=embedder(embed),
            calls=calls,
        )
    finally:
        if calls:
            calls.stop()
    return Comparison(compared)


def check_names(options: Any, *others: str) -> None:
    """Raises ConfigError for an option that there is not, with those there are."""
    known = [*others, *DiffOptions.__annotations__]
    for name in options:
        if name not in known:
            raise ConfigError(f"unknown option {name}; there are {', '.join(known)}")
