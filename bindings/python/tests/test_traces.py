"""`read_traces` and `read_jsonl`, on files that the programs themselves wrote."""

import gzip
import shutil
from pathlib import Path

import pytest

from f3dx_cache import (
    ConfigError,
    FileError,
    Row,
    TraceError,
    read_jsonl,
    read_traces,
)

TRACES = Path(__file__).parents[3] / "tests" / "fixtures" / "traces"
USUAL = [
    "trace_id",
    "model",
    "prompt",
    "system_prompt",
    "output",
    "input_tokens",
    "output_tokens",
]


def written(tmp_path, *lines):
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(line + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("name", "format", "rows"),
    [
        ("anthropic_batch.jsonl", "anthropic_batch", 5),
        ("f3dx.jsonl", "f3dx", 3),
        ("f3dx.gzip.parquet", "f3dx_parquet", 3),
        ("f3dx.none.parquet", "f3dx_parquet", 3),
        ("f3dx.snappy.parquet", "f3dx_parquet", 3),
        ("f3dx.v2.parquet", "f3dx_parquet", 3),
        ("f3dx.zstd.parquet", "f3dx_parquet", 3),
        ("f3dx_uncaptured.jsonl", "f3dx", 3),
        ("openai_batch_output.jsonl", "openai_batch", 6),
        ("otel.jsonl", "otel", None),
        ("otel_console.json", "otel", None),
        ("otlp.json", "otlp", None),
        ("otlp.jsonl", "otlp", None),
        ("plain.jsonl", "plain", 4),
    ],
)
def test_every_format_is_read(name, format, rows):
    with read_traces(TRACES / name) as traces:
        read = list(traces)
        assert (traces.format, traces.bad, traces.bad_rows) == (format, 0, [])
    assert len(read) == rows or (rows is None and read)
    dicts = read_jsonl(TRACES / name)
    assert len(dicts) == len(read)
    assert all(name in row for row in dicts for name in USUAL)


@pytest.mark.parametrize("name", ["f3dx.jsonl", "f3dx.zstd.parquet"])
def test_a_row_of_f3dx_has_its_own_fields_and_the_usual_ones(name):
    first, second, _ = read_jsonl(TRACES / name)
    assert {name: first[name] for name in USUAL} == {
        "trace_id": None,
        "model": None,
        "prompt": "2+2?",
        "system_prompt": "Réponds brièvement.",
        "output": "4",
        "input_tokens": 11,
        "output_tokens": 1,
    }
    assert first["system_prompt_chars"] == 21
    assert first["duration_ms"] > 0
    assert second["output"] == '21 °C in both.\n"Mild" 😀'
    assert second["system_prompt"] == ""


def test_the_attributes_of_a_row():
    with read_traces(
        TRACES / "openai_batch_output.jsonl", input=TRACES / "openai_batch_input.jsonl"
    ) as traces:
        rows = {row.case_id: row for row in traces}
    text, calling = rows["request-1"], rows["request-2"]
    assert text.prompt == "Hello world!"
    assert text.messages == [{"role": "user", "content": "Hello world!"}]
    assert text.system == "You are a helpful assistant."
    assert text.params["max_tokens"] == 1000
    assert (text.model, text.output) == ("gpt-4o-mini-2024-07-18", "Hello.")
    assert (text.usage.input_tokens, text.usage.output_tokens) == (22, 2)
    assert (text.source.line, Path(text.source.file).name) == (2, "openai_batch_output.jsonl")
    assert (text.finish_reason, text.error, text.latency_ms) == ("stop", None, None)
    assert text.extra["response"]["request_id"] == "req_request-1"
    assert text.own()["custom_id"] == "request-1"
    (call,) = calling.tool_calls
    assert call.name == "weather"
    assert call.arguments == {"city": "Bern"}
    assert calling.output is None
    assert rows["request-5"].parts
    assert text.to_dict()["case_id"] == "request-1"
    assert "request-1" in repr(text)


def test_a_row_is_frozen():
    (row, *_) = read_traces(TRACES / "f3dx.jsonl")
    with pytest.raises(AttributeError):
        row.output = "5"


def test_gzip_is_read(tmp_path):
    path = tmp_path / "traces.jsonl.gz"
    path.write_bytes(gzip.compress((TRACES / "f3dx.jsonl").read_bytes()))
    assert len(read_jsonl(path)) == 3


def test_integers_keep_their_digits(tmp_path):
    path = written(tmp_path, '{"prompt": "p", "output": "o", "seed": 18446744073709551615}')
    (row,) = read_jsonl(path)
    assert row["seed"] == 18446744073709551615
    (row,) = read_traces(path)
    assert row.extra["seed"] == 18446744073709551615


def test_rows_are_read_as_they_are_needed(tmp_path):
    path = written(tmp_path, '{"prompt": "p", "output": "o"}', "{")
    traces = read_traces(path, strict=True)
    assert next(traces).output == "o"
    with pytest.raises(TraceError):
        next(traces)


def test_a_row_that_cannot_be_read_is_counted_and_passed_over(tmp_path):
    path = written(tmp_path, '{"prompt": "p"}', '{"prompt": "secret', '{"prompt": "q"}')
    with read_traces(path) as traces:
        assert [row.prompt for row in traces] == ["p", "q"]
    assert traces.bad == 1
    (bad,) = traces.bad_rows
    assert bad.source.line == 2
    assert bad.column == 19
    assert "secret" not in bad.reason


def test_a_list_of_rows_warns_of_those_it_leaves_out(tmp_path):
    path = written(tmp_path, '{"prompt": "p"}', '{"prompt": "secret')
    with pytest.warns(UserWarning, match=r"1 row could not be read: .*traces.jsonl:2: ") as told:
        assert len(read_jsonl(path)) == 1
    assert "secret" not in str(told[0].message)
    assert told[0].filename == __file__


@pytest.mark.parametrize("read", [read_jsonl, lambda path, **o: list(read_traces(path, **o))])
def test_strict_stops_at_a_bad_row_and_names_the_place(read, tmp_path):
    path = written(tmp_path, '{"prompt": "p"}', '{"prompt": "secret')
    with pytest.raises(TraceError, match=r"traces.jsonl:2:19: ") as raised:
        read(path, strict=True)
    assert raised.value.kind == "invalid_row"
    assert "secret" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"nothing.jsonl"):
        read_traces(tmp_path / "nothing.jsonl")
    with pytest.raises(FileError, match=r"nothing.jsonl"):
        read_jsonl(str(tmp_path / "nothing.jsonl"))


def test_a_damaged_parquet_is_an_error(tmp_path):
    path = tmp_path / "cut.parquet"
    path.write_bytes((TRACES / "f3dx.zstd.parquet").read_bytes()[:400])
    with pytest.raises(TraceError, match=r"cut.parquet"):
        read_jsonl(path)


def test_an_unknown_format_is_answered_with_those_there_are():
    with pytest.raises(ConfigError, match=r"`csv`.*`f3dx`.*`plain`"):
        read_traces(TRACES / "f3dx.jsonl", format="csv")


def test_a_format_that_does_not_fit_is_an_error():
    with pytest.raises(ConfigError, match="it is not parquet"):
        read_traces(TRACES / "f3dx.jsonl", format="f3dx_parquet")


def test_closed_traces_are_not_read():
    traces = read_traces(TRACES / "f3dx.jsonl")
    traces.close()
    traces.close()
    with pytest.raises(ValueError, match="closed"):
        next(traces)


def test_a_file_can_be_removed_after_close(tmp_path):
    path = shutil.copy(TRACES / "f3dx.jsonl", tmp_path)
    with read_traces(path) as traces:
        next(traces)
    assert traces.format == "f3dx"


def test_a_row_can_be_made_by_hand():
    row = Row(prompt="2+2", output="4", model="m", system="Be brief.", trace_id="t")
    assert (row.prompt, row.output, row.model, row.system) == ("2+2", "4", "m", "Be brief.")
    assert row == Row(prompt="2+2", output="4", model="m", system="Be brief.", trace_id="t")
    assert row != Row(prompt="2+3", output="4", model="m", system="Be brief.", trace_id="t")
    assert hash(row) == hash(Row(prompt="2+2", output="4", trace_id="t"))


def test_a_row_has_no_other_members():
    with pytest.raises(TypeError, match=r"a row has no outptu; it has prompt, .*output"):
        Row(outptu="4")
    with pytest.raises(TypeError, match=r"^a row's output: .*expected a string$"):
        Row(model="m", output=4)
    with pytest.raises(TypeError, match=r"^a row's extra: .*NaN is not JSON"):
        Row(extra={"n": float("nan")})
