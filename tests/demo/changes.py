"""The replay layer, shown: yesterday's traces against today's prompt, twice."""

import json
from pathlib import Path

from f3dx_cache import Cache, model_call, replay
from mock_provider.launch import MockProvider
from openai import OpenAI

# What was recorded yesterday, and what the model says today.
CASES = [
    ("As JSON: who paid?", '{"who": "Alice", "total": 12.0}', '{"total": 12, "who": "Alice"}'),
    ("As JSON: what is due?", '{"due": "2026-12-01"}', '{"due": "2026-12-31"}'),
    ("Where is it kept?", "It is kept in one file.", "One file holds all of it."),
]
JUDGED = json.dumps({"differences": [], "verdict": "equivalent"})


def changes(provider: MockProvider, folder: Path) -> list[str]:
    """Replays the traces two times through a real SDK; returns what happened."""
    traces = folder / "traces.jsonl"
    rows = [{"prompt": prompt, "output": before} for prompt, before, _ in CASES]
    traces.write_text("".join(json.dumps(row) + "\n" for row in rows))
    provider.answer(
        {"contains": "This is vote", "text": JUDGED},
        *({"contains": prompt, "text": after} for prompt, _, after in CASES),
    )
    lines, reports = [], []
    for turn in ("first", "second"):
        before = provider.total()
        report = replayed(traces, folder / "replay.redb", provider)
        lines.append(f"  {turn} time: {provider.total() - before} calls")
        reports.append(report)
    if reports[0].rows != reports[1].rows:
        raise SystemExit("the second replay says something else than the first")
    for (prompt, _, _), row in zip(CASES, reports[0].rows, strict=True):
        lines.append(f"  {row.verdict:<10}  {row.mode:<10}  {prompt}")
        lines += [f"              {change['path']} {change['kind']}" for change in row.differences]
    return lines


def replayed(traces: Path, path: Path, provider: MockProvider):
    def answer(row) -> str:
        done = client.chat.completions.create(model="gpt-4o-mini", messages=row.messages)
        return done.choices[0].message.content

    with OpenAI(base_url=provider.openai_url, api_key="sk-demo") as client, Cache(path) as cache:
        return replay(
            traces,
            answer,
            target="gpt-4o-mini",
            cache=cache,
            judge_model="gpt-4o",
            call=model_call(client),
        )
