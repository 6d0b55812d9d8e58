"""Reports as `Report::to_json` writes them, for the tests of the page."""

VERDICTS = ["same", "equivalent", "different", "inconclusive", "error", "skipped"]

HOSTILE = (
    "<script>window.pwned = 1; alert(1)</script></script><!-- "
    "<img src=x onerror='window.pwned = 2'> <svg onload=\"window.pwned = 3\"> "
    "</pre></details></textarea></style> &lt; \u2028\u202e ]]> ``` | \x00\x1b\r\n"
    "javascript:window.pwned=4"
)

OPTIONS = {
    "mode": "cascade",
    "ignore": [],
    "epsilon": 0.0,
    "unordered": [],
    "fenced_json": False,
    "nested_json": False,
    "same_above": 0.95,
    "different_below": 0.7,
    "embedding_model": None,
    "embedding_dimensions": None,
    "encoder": None,
    "judge_model": None,
    "judge_api": "openai",
    "judge_prompt": None,
    "votes": 2,
    "max_judge_calls": None,
}


def row(line, verdict="same", **members):
    text = f"The answer to question {line} is {line * 7}."
    return {
        "source": {"file": "traces.jsonl", "line": line},
        "trace_id": f"trace-{line // 3}",
        "case_id": f"case-{line}",
        "model": "gpt-4o",
        "prompt": f"What is {line} times 7?",
        "before": text,
        "after": None if verdict == "error" else text,
        "verdict": verdict,
        "score": None,
        "mode": None if verdict == "error" else "bytes",
        "note": "the bytes are equal",
        "differences": [],
        "more": 0,
    } | members


def report(rows, **members):
    def totals(rows, bad=0):
        counts = {verdict: 0 for verdict in VERDICTS}
        for each in rows:
            counts[each["verdict"]] += 1
        return {"rows": len(rows)} | counts | {"bad": bad}

    models = {}
    for each in rows:
        models.setdefault(each["model"] or "", []).append(each)
    return {
        "version": 1,
        "created_at": "2026-11-25T08:00:00Z",
        "target": "gpt-5-mini, prompt v7",
        "options": OPTIONS,
        "totals": totals(rows, bad=2),
        "models": {model: totals(models[model]) for model in sorted(models)},
        "rows": rows,
        "bad_rows": [
            {
                "source": {"file": "traces.jsonl", "line": 2001},
                "column": 118,
                "reason": "the line ends within a string",
            }
        ],
    } | members


def example():
    """A report with one row of each kind, as people meet them."""
    return report(
        [
            row(1),
            row(
                2,
                "different",
                case_id="refund-policy",
                prompt="A customer bought shoes 40 days ago. Can they still return them?\n"
                "Answer in one short paragraph.",
                before="Our policy allows returns within 30 days of purchase, so these shoes can "
                "no longer be returned for a refund.\nThey can still be exchanged for store credit "
                "of $10.50 until the end of the month.",
                after="Our policy allows returns within 60 days of purchase, so these shoes can "
                "still be returned for a full refund.\nPlease bring the receipt. They can also be "
                "exchanged for store credit of $1050 until the end of the month.",
                mode="embedding",
                score=0.961,
                note="the numbers differ: 30, 10.50 before, 60, 1050 after (cosine 0.961)",
            ),
            row(
                3,
                "different",
                case_id="extract-invoice",
                model="claude-sonnet-4-5",
                prompt="Extract the invoice as JSON.",
                before='{"currency":"EUR","items":[{"name":"Desk","qty":2}],"total":1198.0}',
                after='{"currency":"USD","items":[{"name":"Desk","qty":"2"}],"tax":19,"total":1198}',
                mode="structured",
                note="3 differences: /currency, /items/0/qty, /tax",
                differences=[
                    {"path": "/currency", "kind": "changed", "before": "EUR", "after": "USD"},
                    {"path": "/items/0/qty", "kind": "type_changed", "before": 2, "after": "2"},
                    {"path": "/tax", "kind": "added", "after": 19},
                ],
            ),
            row(
                4,
                "inconclusive",
                case_id="summarize-thread",
                mode="judge",
                score=0.5,
                before="Alice asks Bob to pay the invoice by Friday.",
                after="Bob asks Alice to pay the invoice on Friday.",
                note="the judge's votes disagree: equivalent, different, and one that names no "
                "verdict",
            ),
            row(
                5,
                "error",
                case_id=None,
                model="claude-sonnet-4-5",
                note="429 Too Many Requests: rate limit reached for requests per minute",
            ),
            row(
                6,
                "equivalent",
                case_id="greeting",
                mode="embedding",
                score=0.972,
                before="Hello! How can I help you today?",
                after="Hi! How may I help you today?",
                note="cosine 0.972",
            ),
            row(7, "skipped", case_id="long-essay", mode="judge", note="max_judge_calls is 0"),
            row(
                8,
                "different",
                case_id="hostile",
                model="<b>*</b>",
                prompt=HOSTILE,
                before=HOSTILE,
                after=HOSTILE.replace("1", "9") + "</ins>",
                note=HOSTILE,
                differences=[{"path": f"/{HOSTILE}", "kind": "removed", "before": HOSTILE}],
                more=3,
            ),
            row(
                9,
                "different",
                case_id="a-code-block",
                model=None,
                before="def add(a, b):\n    return a + b\n\nprint(add(1, 2))\n",
                after="def add(a: int, b: int) -> int:\n\treturn a + b\n\n\nprint(add(1, 2))",
                note="the first difference is at byte 9 (line 1, column 10)\n- def add(a, b):\n"
                "+ def add(a: int, b: int) -> int:",
            ),
            *[row(line) for line in range(10, 40)],
        ]
    )


def long():
    """A report of 2,000 rows: of every ten, one is different, and of every hundred one failed."""

    def each(line):
        if line % 100 == 0:
            return row(line, "error", note="504 Gateway Timeout")
        if line % 10 == 0:
            after = f"The answer to question {line} is not {line * 7}."
            return row(line, "different", after=after, model="claude-sonnet-4-5", note="negation")
        return row(line)

    return report([each(line) for line in range(1, 2001)])
