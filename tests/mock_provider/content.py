"""What the model says: text, JSON and tool calls, each a function of the request's content."""

import hashlib
import json
import re
from dataclasses import dataclass, field

from mock_provider.exchange import Call
from mock_provider.faults import strip
from mock_provider.schema import fitting

VOCABULARY = (
    "amber anchor apple autumn basalt beacon birch bramble bridge café canyon cedar cinder clover "
    "comet copper coral cotton crystal delta ember falcon fern fjord flint forest garnet ginger "
    "glacier granite harbor hazel heron indigo island ivory jasmine jungle lagoon lantern lemon "
    "lichen maple marble meadow mesa naïve nectar oasis ochre olive opal orchid pebble pepper "
    "prairie quartz raven river saffron straße summit thistle über violet walnut willow zephyr"
)
WORDS = VOCABULARY.split()


@dataclass
class Tool:
    """A function that the request offers."""

    name: str
    schema: object


@dataclass
class ToolUse:
    """A function that the answer calls."""

    name: str
    arguments: dict

    @property
    def text(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False, separators=(",", ":"))


@dataclass
class Wish:
    """What the request asks of the answer, in the words of no provider."""

    tools: list[Tool] = field(default_factory=list)
    forced: str | None = None
    json_schema: object = None
    max_tokens: int | None = None


@dataclass
class Content:
    """An answer: text, or the functions to call."""

    text: str = ""
    tools: list[ToolUse] = field(default_factory=list)
    truncated: bool = False

    @property
    def tokens(self) -> int:
        return tokens(self.text) + sum(tokens([use.name, use.arguments]) for use in self.tools)


def compose(call: Call, wish: Wish, index: int = 0) -> Content:
    """Composes the answer; `index` tells apart the choices of one request."""
    if call.scripted is not None:
        return scripted(call.scripted, wish)
    seed = f"{call.digest}/{index}"
    if wish.tools:
        return Content(tools=uses(call, wish, seed))
    if wish.json_schema is not None:
        value = fitting(wish.json_schema, seed)
        return Content(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    text = strip(call.prompt) if "echo" in call.directives else prose(call, seed)
    room = len(text) if wish.max_tokens is None else wish.max_tokens * 4
    return Content(text[:room], truncated=len(text) > room)


def scripted(text: str, wish: Wish) -> Content:
    """Answers with a scripted text: as the arguments of a forced tool, if it can be them."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if wish.forced is not None and isinstance(value, dict):
        return Content(tools=[ToolUse(wish.forced, value)])
    return Content(text)


def uses(call: Call, wish: Wish, seed: str) -> list[ToolUse]:
    tools = [tool for tool in wish.tools if tool.name == wish.forced] or wish.tools
    count = call.directives.value("tools") or 1
    chosen = [tools[turn % len(tools)] for turn in range(count)]
    return [ToolUse(tool.name, arguments(tool, f"{seed}/{i}")) for i, tool in enumerate(chosen)]


def arguments(tool: Tool, seed: str) -> dict:
    value = fitting(tool.schema, seed)
    return value if isinstance(value, dict) else {}


def prose(call: Call, seed: str) -> str:
    count = call.directives.value("words")
    if count is None:
        count = 8 + pick(f"{seed}/length", 13)
    return " ".join(WORDS[pick(f"{seed}/{i}", len(WORDS))] for i in range(count))


def pick(seed: str, choices: int) -> int:
    """Picks one of so many choices, always the same for the same seed."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]) % choices


def pieces(text: str) -> list[str]:
    """Cuts an answer into what a stream sends at a time: words with the space behind them."""
    return re.findall(r"\s*\S{1,12}\s?|\s+", text)


def fragments(text: str) -> list[str]:
    """Cuts the arguments of a tool call without regard to their grammar."""
    return [text[start : start + 7] for start in range(0, len(text), 7)]


def tokens(value: object) -> int:
    """Counts tokens the simple way: four characters each, whatever else is there is one."""
    if isinstance(value, str):
        return (len(value) + 3) // 4
    if isinstance(value, dict):
        return sum(tokens(member) for member in value.values())
    if isinstance(value, list):
        return sum(tokens(item) for item in value)
    return 0 if value is None else 1
