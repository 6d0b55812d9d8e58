"""Directives in a prompt, `[[name:value option=value]]`, that make the provider misbehave."""

import re
from dataclasses import dataclass, field

PATTERN = re.compile(r"\[\[([a-z][a-z0-9-]*)(?::([^\[\]]*)|(\s[^\[\]]*))?\]\]")

# What the value of each directive must be: a range of whole numbers, or None for no value.
# A value that may be left out has its default behind the range.
VALUES: dict[str, tuple[range, int | None] | None] = {
    "status": (range(400, 600), None),
    "redirect": (range(301, 309), 307),
    "drop": None,
    "cut": (range(100_000), None),
    "reset": (range(100_000), None),
    "eof": (range(100_000), None),
    "error-event": (range(100_000), 1),
    "error-object": None,
    "failed": None,
    "slow": None,
    "delay": None,
    "hold": (range(100_000), 0),
    "words": (range(100_001), None),
    "echo": None,
    "tools": (range(1, 17), None),
    "gzip": None,
    "chunk": (range(1, 1_000_001), None),
}

OPTIONS: dict[str, tuple[str, ...]] = {
    "status": ("retry-after", "retry-after-ms", "x-should-retry", "code", "param"),
    "error-event": ("done",),
    "slow": ("ms",),
    "delay": ("ms",),
}


class DirectiveError(ValueError):
    """A directive that does not exist or whose value makes no sense."""


@dataclass(frozen=True)
class Directive:
    """One directive as written, with its value and options."""

    text: str
    name: str
    value: int = 0
    options: dict[str, str] = field(default_factory=dict)

    @property
    def times(self) -> int | None:
        """How many calls of the same content it is for; None is all of them."""
        return int(self.options["times"]) if "times" in self.options else None

    @property
    def seconds(self) -> float:
        return int(self.options["ms"]) / 1000


class Directives(dict[str, Directive]):
    """The directives that are in force for one call, by name."""

    def value(self, name: str) -> int | None:
        """The value of a directive, or None where it was not given."""
        return self[name].value if name in self else None

    def seconds(self, name: str) -> float:
        """The length of a pause, 0 where none was asked for."""
        return self[name].seconds if name in self else 0.0


def strip(prompt: str) -> str:
    """Returns the prompt without its directives."""
    return PATTERN.sub("", prompt).strip()


def parse(prompt: str) -> Directives:
    """Reads the directives of a prompt; a misspelt one is an error, not a silent success."""
    found = Directives()
    for match in PATTERN.finditer(prompt):
        name, after_colon, after_space = match.groups()
        found[name] = directive(match.group(), name, after_colon or after_space or "")
    return found


def directive(text: str, name: str, rest: str) -> Directive:
    if name not in VALUES:
        raise DirectiveError(f"unknown directive {text}; there are {', '.join(sorted(VALUES))}")
    words = rest.split()
    options = dict(word.split("=", 1) for word in words if "=" in word)
    bare = [word for word in words if "=" not in word]
    allowed = ("times", *OPTIONS.get(name, ()))
    for option, value in options.items():
        if option not in allowed:
            raise DirectiveError(f"{text}: unknown option {option}, it takes {', '.join(allowed)}")
        if option in ("times", "ms") and not (value.isascii() and value.isdigit()):
            raise DirectiveError(f"{text}: {option} must be a whole number")
        if not value.isprintable() or not value.isascii():
            raise DirectiveError(f"{text}: {option} must be printable ASCII")
    if "ms" in allowed and "ms" not in options:
        raise DirectiveError(f"{text}: ms=<milliseconds> is missing")
    return Directive(text, name, number(text, name, bare), options)


def number(text: str, name: str, bare: list[str]) -> int:
    rule = VALUES[name]
    if rule is None:
        if bare:
            raise DirectiveError(f"{text}: {name} takes no value")
        return 0
    within, default = rule
    if not bare and default is not None:
        return default
    if len(bare) != 1 or not (bare[0].isascii() and bare[0].isdigit()) or len(bare[0]) > 9:
        raise DirectiveError(f"{text}: {name} takes one whole number")
    if int(bare[0]) not in within:
        raise DirectiveError(f"{text}: {name} must be {within.start} to {within.stop - 1}")
    return int(bare[0])
