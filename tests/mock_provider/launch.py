"""Starts the mock provider from a Python test: `with mock_provider() as provider: ...`."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


class MockProvider:
    """A running mock provider; its control calls go past every HTTP library under test."""

    def __init__(self, process: subprocess.Popen, url: str, port: int) -> None:
        self.process = process
        self.url = url
        self.port = port
        self.openai_url = url + "/v1"

    @property
    def pid(self) -> int:
        return self.process.pid

    def calls(self) -> dict:
        """The counts and the log: `{"total": n, "by_endpoint": {...}, "log": [...]}`."""
        return self.control("GET", "/_calls")

    def total(self) -> int:
        """How many calls arrived since the start or the last reset."""
        return self.calls()["total"]

    def requests(self) -> list[dict]:
        """The last requests: `n`, `method`, `target`, `headers`, `body`, `body_base64`."""
        return self.control("GET", "/_requests")

    def reset(self) -> None:
        """Forgets calls, requests, scripts and used-up directives."""
        self.control("POST", "/_reset")

    def script(self, *faults: dict) -> None:
        """Makes coming calls fail, e.g. `{"status": 429, "retry_after": 0, "times": 2}`."""
        self.control("POST", "/_script", {"faults": list(faults)})

    def answer(self, *answers: dict) -> None:
        """Scripts what the model says, e.g. `{"contains": "vote 1", "text": "…"}`."""
        self.control("POST", "/_script", {"answers": list(answers)})

    def embed(self, vectors: dict[str, list[float]]) -> None:
        """Scripts the embeddings of these texts."""
        self.control("POST", "/_script", {"vectors": vectors})

    def wait_for(self, total: int, timeout: float = 10) -> dict:
        """Blocks until so many calls have arrived; raises RuntimeError if they do not."""
        return self.control("GET", f"/_wait?total={total}&timeout={timeout}", timeout=timeout + 10)

    def release(self) -> None:
        """Lets the calls go on that `[[hold]]` holds."""
        self.control("POST", "/_release")

    def stop(self) -> None:
        """Ends the process; later connections are refused. May be called twice."""
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def control(
        self, method: str, path: str, value: object = None, timeout: float = 30
    ) -> dict | list:
        """Calls a control endpoint."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=None if value is None else json.dumps(value))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"mock provider: {method} {path}: {answer['error']}")
        return answer


@contextlib.contextmanager
def mock_provider(port: int = 0) -> Iterator[MockProvider]:
    """Runs a mock provider until the end of the block."""
    folder = Path(__file__).resolve().parent
    process = subprocess.Popen(
        [sys.executable, str(folder), "--exit-with-stdin", "--port", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"the mock provider did not start, exit code {process.wait()}")
    started = json.loads(line)
    provider = MockProvider(process, started["url"], started["port"])
    try:
        yield provider
    finally:
        provider.stop()
