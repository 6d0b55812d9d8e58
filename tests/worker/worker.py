"""The worker of `tests/src/bin/worker.rs` in Python: its commands, its answers.

`ask` goes through the openai SDK, under the `use` that `hook` began.
"""

import json
import sys
from collections import Counter
from itertools import cycle, islice

import f3dx_cache

OPTIONS = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}


def request(n):
    return f'{{"model":"m","n":{n},"prompt":"prompt {n}"}}'.encode()


def response(n):
    return bytes(islice(cycle(b"answer %d\n" % n), 200 + n * 977 % 5000))


def before(first, n):
    return first + n * 7919 % (n - first + 1)


class Usage(Exception):
    """A command that makes no sense here."""


class Asked(Exception):
    """A call that the provider did not answer."""


class Handle:
    """One opening."""

    def __init__(self, how, mode, path):
        self.use = None
        if how == "hook":
            self.use = f3dx_cache.use(path=path, mode=mode, **OPTIONS)
            self.cache = self.use.__enter__()
        else:
            self.cache = f3dx_cache.Cache(path, mode, **OPTIONS)

    def close(self):
        if self.use:
            self.use.__exit__(None, None, None)
        else:
            self.cache.close()

    def put(self, n):
        self.cache.put(request(n), response(n))
        say(f"put {n}")

    def get(self, n):
        found = self.cache.get(request(n))
        return "misses" if found is None else "hits" if found == response(n) else "wrong"

    def entry(self, n):
        fingerprint = self.cache.fingerprint(request(n))
        return f"{fingerprint} {json.dumps(self.cache.meta(fingerprint))}"

    def explain(self, n):
        return str(self.cache.explain(request(n)))

    def ask(self, port, prompt):
        # Most workers are started for less, and this import takes a second.
        import openai

        with openai.OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-test", max_retries=0
        ) as client:
            try:
                answer = client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": prompt}]
                )
            except openai.OpenAIError as error:
                raise Asked(str(error)) from error
        return answer.id

    def summary(self):
        did = self.cache.summary()
        names = ("hits", "misses", "recorded", "refused", "without_claim")
        return " ".join(str(did[name]) for name in names)


class Worker:
    """The openings, and which of them is meant."""

    def __init__(self):
        self.handles = {}
        self.at = 0

    @property
    def handle(self):
        if self.at not in self.handles:
            raise Usage("nothing is open")
        return self.handles[self.at]

    def obey(self, command, rest):
        match command:
            case "open" | "hook":
                self.handles[self.at] = Handle(command, *rest.split(" ", 1))
            case "handle":
                self.at = int(rest)
            case "put":
                for n in numbers(rest):
                    self.handle.put(n)
            case "get":
                return got(self.handle.get(n) for n in numbers(rest))
            case "mix":
                return got(self.mixed(numbers(rest)))
            case "entry" | "explain":
                return f"{command} {getattr(self.handle, command)(int(rest))}"
            case "ask":
                return f"answer {self.handle.ask(*rest.split(' ', 1))}"
            case "summary":
                return f"summary {self.handle.summary()}"
            case "compact":
                self.handle.cache.compact()
            case "close":
                self.handle.close()
                del self.handles[self.at]
            case _:
                raise Usage(f"no command {command!r}")
        return "ok"

    def mixed(self, wanted):
        for n in wanted:
            self.handle.put(n)
            yield self.handle.get(before(wanted.start, n))


def numbers(rest):
    return range(*map(int, rest.split(" ")))


def got(found):
    met = Counter(found)
    return f"got {met['hits']} {met['misses']} {met['wrong']}"


def say(line):
    print(line, flush=True)


def main():
    worker = Worker()
    for line in sys.stdin:
        command, _, rest = line.rstrip("\n").partition(" ")
        try:
            said = worker.obey(command, rest)
        except f3dx_cache.Error as error:
            said = f"error {error.kind} {error}"
        except f3dx_cache.CacheMiss as miss:
            said = f"error miss {miss}"
        except Asked as error:
            said = f"error http {error}"
        except (Usage, ValueError) as error:
            said = f"error usage {error}"
        say(said.replace("\n", " "))


if __name__ == "__main__":
    main()
