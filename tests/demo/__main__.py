"""The main job, shown: record a suite once, then replay it with the provider switched off.

Run by `make demo`. Real SDKs call a local mock provider, which counts its calls.
"""

import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from changes import changes  # noqa: E402
from mock_provider.launch import mock_provider  # noqa: E402
from suites import KEYS, go_suite, node_suite, python_suite  # noqa: E402


@dataclass
class Run:
    """What one run of the suite did."""

    name: str
    calls: int
    seconds: float
    hits: int
    summary: str


class Attempts:
    """Listens where the provider was, counts who connects and hangs up on them."""

    def __init__(self, port: int) -> None:
        self.count = 0
        self.socket = socket.create_server(("127.0.0.1", port))
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def since(self) -> Callable[[], int]:
        """Returns what tells how many have connected from now on."""
        before = self.count
        return lambda: self.count - before

    def listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:  # the socket was closed: the run is over
                return
            self.count += 1
            connection.close()

    def __enter__(self) -> "Attempts":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "demo.redb"
        with mock_provider() as provider:
            urls = {"OPENAI_BASE_URL": provider.openai_url, "ANTHROPIC_BASE_URL": provider.url}
            print(f"A mock provider listens on {provider.url}. The suite: {HERE / 'suite'}\n")
            cold = run("cold", "record", cache, {**urls, **KEYS}, provider.total, python_suite())
            by_endpoint = provider.calls()["by_endpoint"]
            recorded = digest(cache)
            changed = changes(provider, Path(folder))
        print("The provider is stopped, the keys are unset; whoever calls now is counted.\n")
        with Attempts(provider.port) as attempts:
            warm = run("warm", "replay", cache, urls, attempts.since(), python_suite())
            others = [
                run(name, "replay", cache, urls, attempts.since(), suite)
                for name, suite in [
                    ("Node", node_suite(Path(folder) / "node")),
                    ("Go", go_suite()),
                ]
            ]
        in_c = replay_in_c(cache, Path(folder))
        same = digest(cache) == recorded

        print("What reached the provider in the cold run:")
        for endpoint, count in sorted(by_endpoint.items()):
            print(f"  {count:3}  {endpoint}")
        print(f"\n{'run':<6}{'calls':>7}{'hits':>7}{'wall time':>12}")
        for one in (cold, warm, *others):
            print(f"{one.name:<6}{one.calls:>7}{one.hits:>7}{one.seconds:>10.2f} s")
        print("(The mock answers at once: the time is the SDKs' own. A provider adds its seconds.)")
        print(
            f"\nThe file: {cache.stat().st_size:,} bytes, {'byte-identical' if same else 'CHANGED'}"
        )
        print(in_c)
        print("The replays in their own words:")
        for one in (warm, *others):
            print(f"  {one.summary}")
        print("Traces of yesterday against another model, `replay(...)`:")
        print("\n".join(changed))
        replayed = all(one.calls == 0 and one.hits > 0 for one in (warm, *others))
        return 0 if same and cold.calls > 0 and replayed else 1


def run(name, mode, cache, variables, calls, suite):
    """Runs a suite in `mode` and returns what it did; ends the demo if it fails."""
    print(f"--- {name} run, mode {mode} " + "-" * 40, flush=True)
    summary = ""
    began = time.perf_counter()
    with suite.start(mode, cache, variables) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("f3dx-cache: "):
                summary = line.strip()
    seconds = time.perf_counter() - began
    print(flush=True)
    hits = re.search(r"([\d,]+) hits?", summary)
    if process.returncode != 0 or hits is None:
        sys.exit(f"the {name} run of the suite failed")
    return Run(name, calls(), seconds, int(hits[1].replace(",", "")), summary)


def replay_in_c(cache, folder):
    """Builds and runs a C program on the file; returns what it says."""
    program = folder / "replay"
    root = HERE.parents[1]
    library = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "release"
    flags = ["-std=c11", "-Wall", "-Wextra", f"-I{root / 'include'}"]
    archive = [str(library / "libf3dx_cache.a"), "-lpthread", "-ldl", "-lm"]
    build = [os.environ.get("CC", "cc"), *flags, str(HERE / "replay.c"), *archive]
    subprocess.run([*build, "-o", str(program)], check=True)
    done = subprocess.run([str(program), str(cache)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
