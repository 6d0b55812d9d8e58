"""The table of comparisons that every language runs, from one file."""

import json
from pathlib import Path

import pytest

from f3dx_cache import Cache, diff

TABLE = Path(__file__).parents[3] / "tests" / "fixtures" / "diff_cases.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text().splitlines()]


class Models:
    """Replies as the case says, and counts."""

    def __init__(self, script):
        self.vectors = script.get("vectors", {})
        self.replies = list(script.get("replies", []))
        self.calls = 0

    def __call__(self, endpoint, request):
        self.calls += 1
        if endpoint == "embeddings":
            vectors = [self.vectors[text] for text in request["input"]]
            return {"data": [{"index": at, "embedding": v} for at, v in enumerate(vectors)]}
        reply = self.replies.pop(0)
        if isinstance(reply, dict):
            raise RuntimeError(reply["error"])
        if endpoint == "messages":
            return {"content": [{"type": "text", "text": reply}]}
        assert endpoint == "chat_completions"
        return {"choices": [{"message": {"role": "assistant", "content": reply}}]}


def output(case, name):
    return bytes.fromhex(case[f"{name}_hex"]) if f"{name}_hex" in case else case[name]


def as_expected(result, expect):
    assert result.verdict == expect["verdict"], result.note
    assert result.ok == (expect["verdict"] in ("same", "equivalent"))
    if "mode" in expect:
        assert result.mode == expect["mode"]
    for text in expect.get("note_contains", []):
        assert text in result.note
    if "differences" in expect:
        assert result.differences == expect["differences"]
    if "more" in expect:
        assert result.more == expect["more"]
    if "score" in expect:
        score = result.score if result.score is None else round(result.score, 6)
        wanted = expect["score"]
        assert score == (wanted if wanted is None else round(wanted, 6))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_outputs_compare_as_the_table_says(case, tmp_path):
    outputs = (output(case, "before"), output(case, "after"))
    if "models" not in case:
        as_expected(diff(*outputs, **case["options"]), case["expect"])
        return
    models = Models(case["models"])
    keywords = {**case["options"], **case.get("question", {}), "call": models}
    with Cache(tmp_path / "llm.redb", mode="record") as cache:
        first = diff(*outputs, cache=cache, **keywords)
        as_expected(first, case["expect"])
        if "calls" in case["expect"]:
            assert models.calls == case["expect"]["calls"]
        if first.verdict in ("error", "skipped"):
            return
        again = diff(*outputs, cache=cache, **keywords)
        assert models.calls == case["expect"].get("calls", models.calls)
        assert (again.verdict, again.score, again.note) == (first.verdict, first.score, first.note)
