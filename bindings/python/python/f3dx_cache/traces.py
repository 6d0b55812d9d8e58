"""Reading recorded traces: f3dx, OpenTelemetry, batches of OpenAI and Anthropic, plain rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ._native import Row, Traces

if TYPE_CHECKING:
    import os

    from ._native import _Format


def read_traces(
    path: str | os.PathLike[str],
    *,
    strict: bool = False,
    format: _Format | str | None = None,
    input: str | os.PathLike[str] | None = None,
) -> Traces:
    """Opens a trace file, and iterates over its rows as they are needed.

    The format is told from the content, unless `format` names it. A row that cannot be read is
    counted in `bad`, kept in `bad_rows` and passed over; with `strict` it raises `TraceError`,
    which names file, line and column and quotes nothing of the row. `input` is the input file
    of an OpenAI batch, whose requests are joined to the responses.

        with read_traces("traces.jsonl") as traces:
            slow = [row for row in traces if (row.latency_ms or 0) > 5_000]
    """
    return Traces(path, strict=strict, format=format, input=input)


def read_jsonl(path: str | os.PathLike[str], *, strict: bool = False) -> list[dict[str, Any]]:
    """Returns the rows of a trace file as dicts: the row's own fields, and the usual ones.

    The usual ones are `trace_id`, `model`, `prompt`, `system_prompt`, `output`, `input_tokens`
    and `output_tokens`, None where the row does not tell. Rows that cannot be read are left
    out with a warning, or, with `strict`, raise `TraceError`.
    """
    with read_traces(path, strict=strict) as traces:
        rows = [_with_usual_fields(row) for row in traces]
        if traces.bad:
            file, line = traces.bad_rows[0].source
            count = "1 row" if traces.bad == 1 else f"{traces.bad} rows"
            message = f"{count} could not be read: {file}:{line}: {traces.bad_rows[0].reason}"
            warnings.warn(message, stacklevel=2)
    return rows


def _with_usual_fields(row: Row) -> dict[str, Any]:
    return {
        **row.own(),
        "trace_id": row.trace_id,
        "model": row.model,
        "prompt": row.prompt,
        "system_prompt": row.system,
        "output": row.output,
        "input_tokens": row.usage.input_tokens,
        "output_tokens": row.usage.output_tokens,
    }
