"""Measures how fast traces are read, and in how much memory.

Generates JSON lines as f3dx writes them, SIZE_MB of them (1,000), and reads the file with core,
with Python's `json.loads` line by line, and with `wc -l`, in turn, three times each, each in a
process of its own. Speed is by the time of the processor (user and system), the median of the
three, since a busy machine stretches that of the clock, which stands beside it.

    cargo build --release -p f3dx_cache_tests --bin read_traces
    python3 bench/traces/compare.py
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = int(os.environ.get("SIZE_MB", "1000")) * 1_000_000
ROUNDS = 3
ROOT = Path(__file__).parents[2]
BINARY = ROOT / "target" / "release" / "read_traces"
LOADS = """
import json, re, sys
with open(sys.argv[1], "rb") as file:
    rows = sum(1 for line in file if json.loads(line))
print("rows", rows, "peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def row(number: int) -> dict:
    """Returns a row of about 2 KB, of which no two are the same."""
    words = ["Zürich", "total", 'the "sum"', "line\n", "42.50 CHF", "because", "ligne", "東京"]
    said = " ".join(words[(number * 7 + place * place) % len(words)] for place in range(120))
    return {
        "concurrent_tool_dispatch": number % 2 == 0,
        "duration_ms": number % 997 + 0.123456,
        "input_tokens": number % 4096,
        "iterations": 1,
        "max_iterations": 10,
        "max_tool_calls": 20,
        "messages_count": 3,
        "output": said[: 400 + number % 500],
        "output_chars": 400 + number % 500,
        "output_tokens": number % 512,
        "prompt": f"{number}: {said}",
        "system_prompt": "You are a careful assistant. " * 8,
        "system_prompt_chars": 232,
        "tool_calls": [{"id": f"call_{number}", "name": "lookup"}],
        "tool_calls_executed": 1,
        "ts": 1795567966.18383 + number,
    }


def generate(path: Path) -> int:
    """Writes the file, and returns how many rows it has."""
    distinct = [json.dumps(row(number), ensure_ascii=False).encode() for number in range(5000)]
    block = b"\n".join(distinct) + b"\n"
    blocks = -(-SIZE // len(block))
    with path.open("wb") as file:
        for _ in range(blocks):
            file.write(block)
    return blocks * len(distinct)


def processor() -> float:
    """Returns the seconds that the processes which ended took of the processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(command: list[str]) -> tuple[tuple[float, float], str]:
    """Returns the seconds of the processor and of the clock, and what the command says."""
    start, before = time.perf_counter(), processor()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return (processor() - before, time.perf_counter() - start), done.stdout


def peak(said: str) -> float:
    """Returns the megabytes that a process says it took."""
    words = said.split()
    return int(words[words.index("peak") + 1]) * 1024 / 1e6 if "peak" in words else 0.0


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        path = Path(folder) / "trace.jsonl"
        rows = generate(path)
        size = path.stat().st_size / 1e6
        readers = {
            "core": [str(BINARY), str(path)],
            "json.loads": [sys.executable, "-c", LOADS, str(path)],
            "wc -l": ["wc", "-l", str(path)],
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
        peaks: dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, command in readers.items():
                seconds, said = run(command)
                times[name].append(seconds)
                peaks[name] = peak(said)
                assert str(rows) in said.split(), said
        print(f"{rows} rows, {size:.0f} MB of JSON lines")
        reference = statistics.median(taken for taken, _ in times["json.loads"])
        for name, taken in times.items():
            cpu, clock = (statistics.median(of) for of in zip(*taken, strict=True))
            memory = f"peak {peaks[name]:.1f} MB" if peaks[name] else ""
            print(
                f"{name:12}{size / cpu:8.0f} MB/s ({size / clock:.0f} by the clock)"
                f"{reference / cpu:8.2f}x json.loads  {memory}"
            )


if __name__ == "__main__":
    main()
