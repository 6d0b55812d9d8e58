"""The example of the README that replays traces, run as it stands there."""

import json
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "README.md"
TRACES = [
    {"prompt": "Who pays?", "output": "It is Alice who pays."},
    {"prompt": "Who sings?", "output": "It is Bob."},
    {"prompt": "What is 2+2?", "output": "4"},
]
NEW = {"Who pays?": "Alice pays.", "Who sings?": "Carol sings.", "What is 2+2?": "4"}


def example(name):
    pattern = rf"<!-- test: {name} -->\n```python\n(.*?)\n```"
    (code,) = re.findall(pattern, README.read_text(), re.DOTALL)
    return code


@pytest.fixture
def answers(provider, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", provider.openai_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    Path("traces.jsonl").write_text("".join(json.dumps(row) + "\n" for row in TRACES))
    provider.embed(
        {
            "It is Alice who pays.": [1, 0],
            "Alice pays.": [1, 0.1],
            "It is Bob.": [1, 0],
            "Carol sings.": [0.8, 0.6],
        }
    )
    provider.answer(
        {
            "contains": "Compare answer A",
            "text": '{"differences": ["who"], "verdict": "different"}',
        },
        *({"contains": prompt, "text": text} for prompt, text in NEW.items()),
    )
    return provider


def test_the_replay_reports_what_changed_and_asks_once(answers, capsys):
    code = compile(example("replay"), str(README), "exec")
    names = {}
    exec(code, names)
    report = names["report"]
    assert [row.after for row in report.rows] == list(NEW.values())
    assert [row.verdict for row in report.rows] == ["same", "different", "same"]
    assert [row.mode for row in report.rows] == ["embedding", "judge", "bytes"]
    first = capsys.readouterr().out
    assert first.startswith("2: different: ")
    # Three outputs, the vectors of two pairs, and two votes.
    assert answers.total() == 7
    assert "Carol" in Path("report.html").read_text()

    exec(code, names)
    assert answers.total() == 7
    assert capsys.readouterr().out == first
