"""`Report`: what a replay came to."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _native
from .errors import ConfigError
from .rows import BadRow, Source

if TYPE_CHECKING:
    from .diff import Change, Mode, Verdict

FORMATS = {".json": "json", ".md": "markdown", ".xml": "junit", ".html": "html"}


class Totals(NamedTuple):
    """How many rows came to which verdict."""

    #: The rows that could be read.
    rows: int
    same: int
    equivalent: int
    different: int
    inconclusive: int
    error: int
    skipped: int
    #: Rows that could not be read.
    bad: int


class ReportRow(NamedTuple):
    """One row, its two outputs, and how they compare."""

    source: Source
    trace_id: str | None
    case_id: str | None
    model: str | None
    prompt: str | None
    #: The recorded output.
    before: str | None
    #: The new output; None if the target failed.
    after: str | None
    verdict: Verdict
    score: float | None
    #: The mode that decided; None where nothing was compared.
    mode: Mode | None
    #: The reason, for people.
    note: str
    differences: list[Change]
    #: How many differences there are besides.
    more: int


class Report:
    """What a replay came to, row by row, and in forms for programs, people, CI and the browser."""

    def __init__(self, text: str) -> None:
        #: The JSON form; every other is made of it.
        self._json = text

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Report:
        """Reads the JSON form, whatever language wrote it."""
        text = Path(path).read_bytes().decode()
        _native.render(text, "json")
        return cls(text)

    @cached_property
    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self._json)
        return data

    @property
    def ok(self) -> bool:
        """Whether nothing needs a look: each row is same or equivalent, and could be read."""
        totals = self.totals
        return totals.rows == totals.same + totals.equivalent and not totals.bad

    @property
    def created_at(self) -> str:
        """When it was made: RFC 3339, UTC, in whole seconds."""
        return str(self._data["created_at"])

    @property
    def target(self) -> str | None:
        """What the new outputs came from, as the caller named it."""
        target: str | None = self._data["target"]
        return target

    @property
    def options(self) -> dict[str, Any]:
        """How outputs were compared."""
        options: dict[str, Any] = self._data["options"]
        return options

    @cached_property
    def totals(self) -> Totals:
        """How many rows came to which verdict."""
        return _totals(self._data["totals"])

    @cached_property
    def models(self) -> dict[str, Totals]:
        """The totals of each model; those of rows that name none are under ""."""
        return {name: _totals(totals) for name, totals in self._data["models"].items()}

    @cached_property
    def rows(self) -> list[ReportRow]:
        """The rows, in the order of the file."""
        rows = [{name: row[name] for name in ReportRow._fields} for row in self._data["rows"]]
        return [ReportRow(**{**row, "source": _source(row)}) for row in rows]

    @cached_property
    def bad_rows(self) -> list[BadRow]:
        """The first rows that could not be read."""
        bad = self._data["bad_rows"]
        return [BadRow(_source(row), row["column"], row["reason"]) for row in bad]

    def json(self) -> str:
        """Returns it as JSON, the form that `load` reads."""
        return self._json

    def markdown(self) -> str:
        """Returns it as Markdown: totals, and each row that needs a look."""
        return _native.render(self._json, "markdown")

    def junit(self) -> str:
        """Returns it as JUnit XML: different and inconclusive rows fail."""
        return _native.render(self._json, "junit")

    def html(self) -> str:
        """Returns it as one page that needs no network."""
        return _native.render(self._json, "html")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it in the form that the name ends with: .json, .md, .xml or .html."""
        path = Path(path)
        format = FORMATS.get(path.suffix.lower())
        if format is None:
            known = ", ".join(f"{suffix} ({form})" for suffix, form in FORMATS.items())
            raise ConfigError(f"{path}: a report's name ends with one of {known}")
        text = self._json if format == "json" else _native.render(self._json, format)
        path.write_bytes(text.encode())

    def __repr__(self) -> str:
        counts = {name: count for name, count in self._data["totals"].items() if count}
        rows = counts.pop("rows", 0)
        told = "".join(f", {count} {name}" for name, count in counts.items())
        return f"<Report {rows} rows{told}>"


def _totals(totals: dict[str, int]) -> Totals:
    return Totals(**{name: totals[name] for name in Totals._fields})


def _source(row: dict[str, Any]) -> Source:
    return Source(row["source"]["file"], row["source"]["line"])
