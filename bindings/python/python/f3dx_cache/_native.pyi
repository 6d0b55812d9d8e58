"""The part of f3dx_cache that is written in Rust."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, final, type_check_only

from .calls import Calls
from .errors import (
    CacheMiss,
    ConfigError,
    Error,
    FileError,
    JsonError,
    JsonTypeError,
    TraceError,
)
from .models import ModelCall
from .rows import BadRow, Source, ToolCall
from .rows import Usage as _Usage

@type_check_only
class _Model(Protocol):
    def model_dump(self, *, mode: Literal["json"]) -> Any: ...

# JSON text, a model (pydantic), or a value that JSON has. `Any` below the top: values are
# looked at when they are walked, and a TypedDict of an SDK must fit.
_Request: TypeAlias = (
    str
    | bytes
    | bytearray
    | memoryview
    | _Model
    | Mapping[str, Any]
    | Sequence[Any]
    | int
    | float
    | None
)
_Bytes: TypeAlias = bytes | bytearray | memoryview | str
_Path: TypeAlias = str | os.PathLike[str]
_Mode: TypeAlias = Literal["replay", "record", "refresh", "read_only", "off"]

_Format: TypeAlias = Literal[
    "f3dx", "f3dx_parquet", "otel", "otlp", "openai_batch", "anthropic_batch", "plain"
]

@type_check_only
class _Rule(TypedDict, total=False):
    at: str
    pattern: str
    replace: str

@type_check_only
class _Refusal(TypedDict):
    call: str
    why: str
    times: int

@type_check_only
class Summary(TypedDict):
    hits: int
    misses: int
    recorded: int
    refused: int
    without_claim: int
    tokens_saved_input: int
    tokens_saved_output: int
    time_saved_ms: int
    refusals: list[_Refusal]

@type_check_only
class Flaw(TypedDict):
    fingerprint: str | None
    what: str

@type_check_only
class Verification(TypedDict):
    entries: int
    intact: int
    flaws: list[Flaw]

@type_check_only
class Recovery(TypedDict):
    recovered: int
    lost: list[str]
    flaws: list[Flaw]

@type_check_only
class Stats(TypedDict):
    entries: int
    hits: int
    misses: int
    bytes_requests: int
    bytes_responses: int
    file_bytes: int
    format_version: int

@type_check_only
class Usage(TypedDict):
    input_tokens: int
    output_tokens: int
    total_tokens: int

@type_check_only
class Difference(TypedDict):
    path: str
    recorded: str | None
    requested: str | None

@type_check_only
class _Nearest(TypedDict):
    fingerprint: str
    differences: list[Difference]
    more: int

@type_check_only
class Nearest(_Nearest, total=False):
    source: str

__all__ = [
    "Cache",
    "CacheMiss",
    "ConfigError",
    "Entries",
    "Entry",
    "Error",
    "Exchange",
    "Explanation",
    "FileError",
    "JsonError",
    "JsonTypeError",
    "Replay",
    "Reply",
    "Row",
    "TraceError",
    "Traces",
    "__version__",
    "canonicalize",
    "diff",
    "fingerprint",
    "merge_summaries",
    "mode_for_tests",
    "recover",
    "render",
    "replay",
    "replay_key_placeholders",
    "summary_line",
    "verify",
]

__version__: str

def canonicalize(request: _Request) -> bytes:
    """Return the canonical form (RFC 8785) of a request, as UTF-8.

    A request is a dict or another value that JSON has, a pydantic model, or JSON text as str
    or bytes.
    """

def fingerprint(request: _Request) -> str:
    """Return the BLAKE3 of a request's canonical form, 64 hexadecimal digits.

    It depends on nothing but the request: no policy, no file.
    """

def verify(path: _Path) -> Verification:
    """Check a whole file, and list what is wrong with it.

    Every page and row is checked against its checksum, every request against the address that
    it stands at. Other processes may use the file meanwhile. FileError if it cannot be read, or
    does not even begin like a cache.
    """

def recover(path: _Path, new: _Path) -> Recovery:
    """Copy every entry that is intact in a file into a new one; list what was lost.

    The new file must not exist. The old one is left as it is.
    """

def merge_summaries(summaries: Sequence[Summary]) -> Summary:
    """Add up what several workers or sessions did (`Cache.summary`)."""

def summary_line(summary: Summary, mode: str, path: _Path) -> list[str]:
    """Return the lines that end a run: what it did, then what was not recorded."""

def mode_for_tests(**options: Any) -> _Mode:
    """Return the mode that Cache.for_tests would choose; no file is opened or made."""

def replay_key_placeholders() -> list[str]:
    """Return the names of the variables that SDKs read their keys from.

    In replay those that are unset get a placeholder, since SDKs refuse to start without one.
    """

def diff(
    before: Any,
    after: Any,
    options: Mapping[str, Any],
    *,
    system: str | None = None,
    prompt: str | None = None,
    cache: Cache | None = None,
    call: ModelCall | None = None,
    embed: ModelCall | None = None,
    calls: Calls | None = None,
) -> dict[str, Any]:
    """Compare two outputs; return the comparison as a dict.

    calls runs call and embed.
    """

def replay(
    traces: Traces | Iterator[Row],
    target: Callable[[Row], Any],
    options: Mapping[str, Any],
    calls: Calls,
    *,
    total: int | None = None,
    cache: Cache | None = None,
    call: ModelCall | None = None,
    embed: ModelCall | None = None,
    progress: Callable[[dict[str, Any]], object] | None = None,
) -> str:
    """Replay traces; return the report as JSON text.

    total is how many rows the iterator has, if that is known. calls runs target, call and
    embed; progress is called by this thread.
    """

def render(report: str, format: Literal["json", "markdown", "junit", "html"] | str) -> str:
    """Return a report, given as JSON text, in another form."""

@final
class Cache:
    """An open cache file.

    Opened by hand, its mode is the argument's, else F3DX_CACHE_MODE's, else "record"; its path
    the argument's, else F3DX_CACHE_PATH's, else .f3dx-cache/cache.redb at the top of the
    repository. It may be used from any thread, and in a forked child.

    >>> with Cache("llm.redb") as cache:
    ...     answer = cache.get({"model": "gpt-4o", "messages": []})
    """

    def __new__(
        cls,
        path: _Path | None = None,
        mode: _Mode | str | None = None,
        ignore: Sequence[str] | None = None,
        *,
        hosts: Sequence[str] | None = None,
        ignore_hosts: Sequence[str] | None = None,
        host_aliases: Mapping[str, str] | None = None,
        match_headers: Sequence[str] | None = None,
        record_status: Sequence[int] | None = None,
        record_paths: Sequence[str] | None = None,
        redact: Sequence[str] | None = None,
        redact_responses: bool | None = None,
        normalize: Sequence[str | _Rule] | None = None,
        repeats: Literal["same", "sequence"] | None = None,
        scope: Literal["shared", "test"] | None = None,
        lock_timeout_ms: int | None = None,
        claim_timeout_ms: int | None = None,
        max_bytes: int | None = None,
        persist_hits: bool | None = None,
        replay_timing: bool | None = None,
    ) -> Cache:
        """Open a file by hand; without one, record and refresh make it."""

    @staticmethod
    def for_tests(*, mode_reason: str | None = None, **options: Any) -> Cache:
        """Open the cache that the options, the environment and f3dx-cache.toml name.

        As test hooks do: replay if CI is set, and a file that is missing is an empty cache
        where the mode makes none. The options are those of Cache; mode_reason says in
        explanations who gave the option mode.
        """

    def session(self, test: str | None = None, command: str | None = None) -> Cache:
        """Return a handle on the same open file that counts for itself: one test's.

        test names it, for scope, meta and messages; command is what records its misses, for
        explanations.
        """

    @property
    def path(self) -> str:
        """The cache file, absolute."""

    @property
    def mode(self) -> _Mode:
        """What the cache does on a hit, a miss and a put."""

    @property
    def mode_reason(self) -> str:
        """Where the mode comes from."""

    @property
    def closed(self) -> bool:
        """Whether the cache was closed."""

    def get(self, request: _Request) -> bytes | None:
        """Return the recorded response of a request; None is a miss.

        A request is a dict or another value that JSON has, a pydantic model, or JSON text as
        str or bytes.
        """

    def peek(self, request: _Request) -> bytes | None:
        """Return what get would, and count nothing."""

    def put(
        self,
        request: _Request,
        response: _Bytes,
        *,
        model: str | None = None,
        system_fingerprint: str | None = None,
        response_duration_ms: float | None = None,
    ) -> str:
        """Record a response, durably when this returns; return the request's fingerprint.

        In record the first recording of a request stays, in refresh it is replaced, in replay
        this is an error, in read_only and off it does nothing. Model, system fingerprint and
        token usage are read from the response where they stand in it.
        """

    def fingerprint(self, request: _Request) -> str:
        """Return the address of a request in this file, 64 hexadecimal digits.

        That is the fingerprint after the file's identity policy: secrets, normalize, ignore.
        """

    def __contains__(self, request: _Request, /) -> bool:
        """Whether a response is recorded for a request, or for a fingerprint in hexadecimal."""

    def delete(self, request: _Request) -> bool:
        """Remove the entry of a request or fingerprint; False if there was none."""

    def entries(self) -> Iterator[Entry]:
        """Iterate over the entries in fingerprint order, as they are now."""

    def meta(self, request: _Request) -> dict[str, Any] | None:
        """Return what is known about the entry of a request or fingerprint, as a dict."""

    def request(self, fingerprint: str) -> bytes | None:
        """Return the canonical request of an entry, secrets as placeholders."""

    def stats(self) -> Stats:
        """Return counters: entries, hits, misses, bytes_requests, bytes_responses, file_bytes
        and format_version."""

    def explain(self, request: _Request) -> Explanation:
        """Say why a request misses: the nearest recorded one, what differs, and the way out."""

    def flush(self) -> None:
        """Write the hit counts, if something was recorded or persist_hits is on."""

    def compact(self) -> bool:
        """Give back the space that recording left behind, if that saves a third of the file.

        For the owner of a run, at its end: True if it did. A peer that reads the file makes
        it skip, and a mode that does not record, too.
        """

    def close(self) -> None:
        """Flush and close, with every session of this opening. Closing twice does nothing."""

    def release(self) -> None:
        """Drop the snapshot that lookups hold: the end of a test."""

    def summary(self) -> Summary:
        """Return what this session did, and what its replays saved."""

    def refused_misses(self) -> list[str]:
        """Return the explanations of the intercepted calls that this session refused.

        A test that swallowed one must fail.
        """

    def warnings(self) -> list[str]:
        """Return what the session's owner should hear, such as a secret in a response."""

    def concerns(self, method: str, url: str, headers: list[tuple[str, str]]) -> bool:
        """Say whether a call is any business of the cache, whatever its body.

        Asked before a body that is generated while it is sent is read for intercept.
        """

    def check_connection(self, host: str, port: int) -> None:
        """Raise CacheMiss for a connection to a provider, if the mode is replay."""

    def intercept(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: _Bytes
    ) -> Replay | Exchange | None:
        """Say what to do with an HTTP call that is about to be sent.

        None: it is none of the cache's business. A Replay answers it. An Exchange sends it,
        and is told what comes back. CacheMiss is raised where the mode sends nothing.
        """

    def __enter__(self) -> Cache: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        exception: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

@final
class Entry:
    """One recorded request: its address, and what is known about it."""

    @property
    def fingerprint(self) -> str:
        """The address, 64 hexadecimal digits."""

    @property
    def created_at_ms(self) -> int:
        """When it was recorded, milliseconds since the Unix epoch."""

    @property
    def hit_count(self) -> int:
        """How often it was replayed, as far as that was written."""

    @property
    def model(self) -> str | None:
        """The model that answered."""

    @property
    def system_fingerprint(self) -> str | None:
        """The provider's fingerprint of the system that answered."""

    @property
    def response_duration_ms(self) -> int | None:
        """How long the provider took, milliseconds."""

    @property
    def usage(self) -> Usage | None:
        """The tokens that the provider charged."""

    @property
    def source(self) -> str | None:
        """The test that recorded it."""

    @property
    def meta(self) -> dict[str, Any]:
        """All that is known about it, members of newer versions included."""

@final
class Entries(Iterator[Entry]):
    """Iterates over the entries, as they were when it began."""

    def __next__(self) -> Entry: ...

@final
class Explanation:
    """Why a request missed, and the way out; str() of it is for people."""

    @property
    def reason(self) -> str:
        """What happened, in one line."""

    @property
    def call(self) -> str | None:
        """Method and URL of an HTTP call."""

    @property
    def model(self) -> str | None:
        """The model that was asked."""

    @property
    def mode(self) -> _Mode:
        """The mode's name."""

    @property
    def mode_reason(self) -> str:
        """Why that mode."""

    @property
    def path(self) -> str:
        """The cache file."""

    @property
    def entries(self) -> int:
        """How many entries it holds."""

    @property
    def fingerprint(self) -> str:
        """The address that was looked up."""

    @property
    def nearest(self) -> Nearest | None:
        """The nearest recorded request, and where it differs."""

    @property
    def suggestion(self) -> str | None:
        """What would make it a hit, if something simple would."""

    @property
    def command(self) -> str:
        """The command that records it."""

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as a dict."""

@final
class Replay:
    """A recorded HTTP response."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names and values of the headers that were kept."""

    @property
    def body(self) -> bytes:
        """The body, content-encoding undone."""

    @property
    def chunks(self) -> list[bytes]:
        """The body in its recorded chunks; one for a body that came as one."""

    @property
    def delays(self) -> list[float]:
        """Seconds to wait before each chunk if replay_timing is on, else empty."""

    @property
    def stream(self) -> bool:
        """Whether it was recorded as a stream."""

@final
class Exchange:
    """A call on its way to the provider and back."""

    @property
    def records(self) -> bool:
        """Whether the response is to be recorded; if not, just send the call."""

    @property
    def drain_seconds(self) -> float:
        """How long to drain a stream that the caller leaves early."""

    @property
    def drain_bytes(self) -> int:
        """How many bytes to drain of a stream that the caller leaves early."""

    def claim(self, holder: int, thread: int | None = None) -> Replay | bool:
        """Ask for the right to send, without waiting.

        True: send now. A Replay: another one has recorded the response meanwhile. False:
        another one is calling; ask again in a few milliseconds. holder is the id of the asking
        thread, or of the asking task, with that of its thread.
        """

    def head(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Take the head of the response, before its body."""

    def chunk(self, data: _Bytes) -> bool:
        """Take the next piece of the body, content-encoding undone, as it passes.

        True: the stream is complete at its terminal event, so finish right away.
        """

    def finish(self, end: Literal["eof", "left", "failed"]) -> bool:
        """Record the response if it may be, and free the claim; True if it was recorded.

        end is "eof", "left" (the caller closed before the end) or "failed". Later calls do
        nothing.
        """

@final
class Traces(Iterator[Row]):
    """The rows of a trace file, read one at a time.

    A row that cannot be read is counted, kept in bad_rows and passed over; if strict, it ends
    the iteration with TraceError.
    """

    def __new__(
        cls,
        path: _Path,
        *,
        strict: bool | None = None,
        format: _Format | str | None = None,
        input: _Path | None = None,
    ) -> Traces:
        """Open a trace file, compressed with gzip or not, and tell its format."""

    def __next__(self) -> Row: ...
    @property
    def path(self) -> str:
        """The file."""

    @property
    def format(self) -> _Format | None:
        """The format; None until the first row shows it."""

    @property
    def bad(self) -> int:
        """How many rows could not be read so far."""

    @property
    def bad_rows(self) -> list[BadRow]:
        """The first 1,000 rows that could not be read so far: source, column and reason."""

    def close(self) -> None:
        """Close the file; what is known about it stays."""

    def __enter__(self) -> Traces: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        exception: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

@final
class Row:
    """One recorded call of a trace file. What a format does not tell is None, or empty.

    Row(prompt=..., output=...) makes one by hand; its members are those of the attributes.
    """

    def __new__(cls, *, prompt: str | None = None, **members: Any) -> Row:
        """Make a row by hand; prompt is a message of the user, after messages."""

    @property
    def source(self) -> Source:
        """Where it stands: file and line, of a parquet file the row."""

    @property
    def trace_id(self) -> str | None:
        """The run that it belongs to."""

    @property
    def case_id(self) -> str | None:
        """Its own name, such as the custom_id of a batch."""

    @property
    def model(self) -> str | None:
        """The model that answered; if that is not known, the one that was asked."""

    @property
    def provider(self) -> str | None:
        """The provider's name, as the file spells it."""

    @property
    def system(self) -> str | None:
        """The system prompt; an empty one is ""."""

    @property
    def prompt(self) -> str | None:
        """The text of the last message of the user."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages without the system prompt, as dicts."""

    @property
    def tools(self) -> list[Any]:
        """The tools that were offered, as the request had them."""

    @property
    def params(self) -> dict[str, Any]:
        """The other members of the request, such as temperature."""

    @property
    def output(self) -> str | None:
        """The text of the output."""

    @property
    def parts(self) -> list[Any]:
        """The output's parts, where it has more than text."""

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls of the output: id, name, and arguments, parsed where they are JSON."""

    @property
    def usage(self) -> _Usage:
        """The tokens that were counted: input_tokens and output_tokens."""

    @property
    def latency_ms(self) -> float | None:
        """How long the call took, in milliseconds."""

    @property
    def finish_reason(self) -> str | None:
        """Why the output ended, as the provider spells it."""

    @property
    def error(self) -> str | None:
        """What went wrong, if there is no output."""

    @property
    def extra(self) -> dict[str, Any]:
        """The fields of the row that no other attribute holds."""

    def own(self) -> dict[str, Any]:
        """Return the row as it stands in the file, a dict of its own fields."""

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as a dict."""

@final
class Reply:
    """Where calls.Calls puts what a call came to, once."""

    def answer(self, value: Any) -> None:
        """Take what the function returned; TypeError or JsonTypeError if it is not wanted."""

    def fail(self, why: str) -> None:
        """Take what went wrong, for people."""

    def end(self, raised: BaseException) -> None:
        """End all of it with an exception that is no answer."""
