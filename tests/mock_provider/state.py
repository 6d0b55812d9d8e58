"""What the provider remembers: calls, their requests, scripts, held answers."""

import base64
import secrets
import threading
import time
from collections import Counter, deque

from mock_provider.faults import Directive, Directives
from mock_provider.script import read

LOG_LENGTH = 20_000
REQUESTS_KEPT = 1_000


class State:
    """Counts and remembers calls; safe to use from every connection's thread."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.run = secrets.token_hex(4)
        self.number = 0
        self.releases = 0
        self.clear()

    def clear(self) -> None:
        """Forgets everything but the running number, so that ids stay unique."""
        with self.changed:
            self.by_endpoint: Counter[str] = Counter()
            self.log: deque[dict] = deque(maxlen=LOG_LENGTH)
            self.requests: deque[dict] = deque(maxlen=REQUESTS_KEPT)
            self.seen: Counter[tuple[str, str]] = Counter()
            self.script: list[dict] = []
            self.answers: list[dict] = []
            self.vectors: dict[str, list[float]] = {}
            self.releases += 1
            self.changed.notify_all()

    def begin(self, method: str, target: str, headers: dict[str, str], body: bytes) -> dict:
        """Counts a call on arrival and returns its log entry, to be completed later."""
        path = target.partition("?")[0]
        with self.changed:
            self.number += 1
            self.by_endpoint[f"{method} {path}"] += 1
            entry = {"n": self.number, "method": method, "path": path, "status": None}
            entry |= {"model": None, "stream": False, "authorization_present": False}
            entry |= {"digest": None, "events_sent": 0, "complete": False}
            self.log.append(entry)
            self.requests.append(
                {
                    "n": self.number,
                    "method": method,
                    "target": target,
                    "headers": headers,
                    "body": body.decode(errors="replace"),
                    "body_base64": base64.b64encode(body).decode(),
                }
            )
            self.changed.notify_all()
            return entry

    def calls(self) -> dict:
        """The counts and the log since the last reset."""
        with self.changed:
            return {
                "total": self.by_endpoint.total(),
                "by_endpoint": dict(self.by_endpoint),
                "log": [dict(entry) for entry in self.log],
            }

    def kept_requests(self) -> list[dict]:
        """The last requests as they came in."""
        with self.changed:
            return list(self.requests)

    def wait_for(self, total: int, seconds: float) -> bool:
        """Blocks until so many calls have arrived; False if they did not in time."""
        with self.changed:
            return self.changed.wait_for(lambda: self.by_endpoint.total() >= total, seconds)

    def release(self) -> None:
        """Lets every call go on that has arrived and is held."""
        with self.changed:
            self.releases += 1
            self.changed.notify_all()

    def hold(self, since: int, seconds: float = 60.0) -> None:
        """Blocks until a release later than `since`."""
        deadline = time.monotonic() + seconds
        with self.changed:
            self.changed.wait_for(
                lambda: self.releases > since, max(0.0, deadline - time.monotonic())
            )

    def in_force(self, directives: Directives, content: str) -> Directives:
        """Drops the directives whose `times` are used up for this content."""
        with self.changed:
            return Directives(
                (name, directive)
                for name, directive in directives.items()
                if self._counts(directive, content)
            )

    def _counts(self, directive: Directive, content: str) -> bool:
        if directive.times is None:
            return True
        self.seen[content, directive.text] += 1
        return self.seen[content, directive.text] <= directive.times

    def add_script(self, script: object) -> None:
        """Adds to what coming calls come to; raises ScriptError for what makes no sense."""
        faults, answers, vectors = read(script)
        with self.changed:
            self.script += faults
            self.answers += answers
            self.vectors |= vectors

    def answer_for(self, endpoint: str, content: str) -> str | None:
        """Uses up one call of the first answer that is scripted for this content."""
        with self.changed:
            for answer in self.answers:
                if answer["endpoint"] in (None, endpoint) and answer["contains"] in content:
                    if answer["times"] is not None:
                        answer["times"] -= 1
                        if answer["times"] == 0:
                            self.answers.remove(answer)
                    return answer["text"]
        return None

    def take_script(self, endpoint: str) -> Directives:
        """Uses up one call of the first fault queued for this endpoint."""
        with self.changed:
            for fault in self.script:
                if fault["endpoint"] in (None, endpoint):
                    fault["times"] -= 1
                    if fault["times"] == 0:
                        self.script.remove(fault)
                    return fault["directives"]
        return Directives()
