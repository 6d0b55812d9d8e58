"""Measures what a replay costs in Python, as ratios to a named reference in the same run.

Run by `make bench`. The rounds of the two sides of a comparison alternate, so that a busy
machine slows both; the ratio is the median over the rounds.
"""

import gc
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import f3dx_cache
import httpx2
import openai

REQUEST = json.loads((Path(__file__).parents[1] / "fixtures" / "chat_request.json").read_bytes())
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is the total? " * 20}]}
URL = "https://api.openai.com/v1/chat/completions"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "The total is 42.00 CHF. " * 10},
        }
    ],
    "usage": {"prompt_tokens": 90, "completion_tokens": 60, "total_tokens": 150},
}


def events() -> bytes:
    """Returns a stream of 40 deltas."""

    def chunk(delta: dict[str, str], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {**ANSWER, "object": "chat.completion.chunk", "choices": [choice], "usage": None}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    words = [chunk({"content": f"word {n} "}, None) for n in range(40)]
    return b"".join([*words, chunk({}, "stop"), b"data: [DONE]\n\n"])


def compare(
    name: str,
    reference: Callable,
    ours: Callable,
    calls: int,
    goal: float,
    within: Callable[[], AbstractContextManager] = nullcontext,
) -> None:
    """Prints the medians of both and of their ratio; only `ours` runs `within`."""

    def per_call(work: Callable) -> float:
        began = time.perf_counter()
        for _ in range(calls):
            work()
        return (time.perf_counter() - began) / calls * 1e6

    def one_round() -> tuple[float, float]:
        base = per_call(reference)
        with within():
            return base, per_call(ours)

    one_round()  # warms up
    gc.disable()
    rounds = [one_round() for _ in range(31)]
    gc.enable()
    base = statistics.median(a for a, _ in rounds)
    cost = statistics.median(b for _, b in rounds)
    ratio = statistics.median(b / a for a, b in rounds)
    print(f"{name:<44}{base:>10.1f} us{cost:>10.1f} us{ratio:>8.2f}   goal {goal}")


def lookups(folder: Path) -> None:
    response = json.dumps(ANSWER).encode()

    def key() -> str:
        return hashlib.sha256(json.dumps(REQUEST, sort_keys=True).encode()).hexdigest()

    recorded = {key(): response}
    with f3dx_cache.Cache(folder / "get.redb", mode="record") as cache:
        cache.put(REQUEST, response)
    for mode in ("replay", "record"):
        with f3dx_cache.Cache(folder / "get.redb", mode=mode) as cache:
            assert cache.get(REQUEST) == recorded[key()]
            name = f"get(dict), {mode} / dict[sha256(json.dumps)]"
            compare(name, lambda: recorded[key()], lambda: cache.get(REQUEST), 500, 0.75)


def mock(body: bytes, content_type: str) -> httpx2.MockTransport:
    headers = {"content-type": content_type, "x-request-id": "req_1"}
    return httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=body))


def client(transport: httpx2.BaseTransport | None) -> openai.OpenAI:
    return openai.OpenAI(api_key="sk-none", http_client=httpx2.Client(transport=transport))


def sdk(folder: Path) -> None:
    """The openai SDK on a bare MockTransport against the same answer replayed."""
    unary, stream = json.dumps(ANSWER).encode(), events()
    path = folder / "sdk.redb"
    with f3dx_cache.Cache.for_tests(path=str(path), mode="record") as cache:
        for body, kind, asked in (
            (unary, "application/json", ASKED),
            (stream, "text/event-stream", {**ASKED, "stream": True}),
        ):
            sent = json.dumps(asked).encode()
            exchange = cache.intercept("POST", URL, [("content-type", "application/json")], sent)
            exchange.claim(1)
            exchange.head(200, [("content-type", kind), ("x-request-id", "req_1")])
            for piece in body.split(b"\n\n") if kind != "application/json" else [body]:
                if piece:
                    exchange.chunk(piece + (b"\n\n" if kind != "application/json" else b""))
            assert exchange.finish("eof")

    def ask(openai_client: openai.OpenAI) -> str:
        return openai_client.chat.completions.create(**ASKED).choices[0].message.content

    def read(openai_client: openai.OpenAI) -> str:
        chunks = openai_client.chat.completions.create(**ASKED, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    real = client(httpx2.HTTPTransport())
    replay = partial(f3dx_cache.use, path=str(path), mode="replay")
    for name, call, body, kind, calls, goal in (
        ("openai call", ask, unary, "application/json", 40, 1.05),
        ("openai stream", read, stream, "text/event-stream", 10, 1.1),
    ):
        bare = partial(call, client(mock(body, kind)))
        replayed = partial(call, real)
        with replay() as cache:
            assert replayed() == bare()
            assert cache.summary()["hits"] == 1
        compare(f"{name} replayed / MockTransport", bare, replayed, calls, goal, replay)


if __name__ == "__main__":
    print(f"{'':<44}{'reference':>13}{'ours':>13}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        lookups(Path(folder))
        sdk(Path(folder))
