"""What rows and reports are made of: tuples with names."""

from __future__ import annotations

from typing import Any, NamedTuple


class Source(NamedTuple):
    """Where a row stands."""

    file: str
    #: From 1; of a parquet file, the number of the row.
    line: int


class Usage(NamedTuple):
    """Tokens that were counted."""

    input_tokens: int | None
    output_tokens: int | None


class ToolCall(NamedTuple):
    """One tool call of an output."""

    #: The provider's name for the call.
    id: str | None
    name: str
    #: Parsed where they are JSON, else the text.
    arguments: Any


class BadRow(NamedTuple):
    """A row that could not be read."""

    source: Source
    #: The byte of the line at which reading stopped, from 1; 0 if that is not known.
    column: int
    #: Why, without the row's content.
    reason: str
