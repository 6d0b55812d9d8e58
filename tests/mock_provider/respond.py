"""From a call to its reply: routing, keys, JSON, checks, faults, and then the answer."""

import json
import re
from urllib.parse import unquote, urlencode

from mock_provider import (
    anthropic_messages,
    bedrock_converse,
    gemini,
    gemini_embeddings,
    mistral,
    models,
    openai_chat,
    openai_embeddings,
    openai_responses,
    sse,
)
from mock_provider.exchange import Call, Rejected, Reply
from mock_provider.faults import DirectiveError, Directives, parse
from mock_provider.providers import ANTHROPIC, AWS, GOOGLE, OPENAI, Endpoint, Provider
from mock_provider.state import State

ENDPOINTS = {
    ("POST", "/v1/chat/completions"): openai_chat.ENDPOINT,
    ("POST", "/v1/responses"): openai_responses.ENDPOINT,
    ("POST", "/v1/embeddings"): openai_embeddings.ENDPOINT,
    ("POST", "/v1/messages"): anthropic_messages.ENDPOINT,
    ("POST", "/v1/messages/count_tokens"): anthropic_messages.COUNT_TOKENS,
}
# The same paths, where the body names a model of Mistral.
OF_MISTRAL = {
    openai_chat.ENDPOINT: mistral.CHAT,
    openai_embeddings.ENDPOINT: mistral.EMBEDDINGS,
}
GEMINI = r"/v1(?:beta)?/models/([^/:]+)"
# Paths that name the model.
PATTERNS = (
    (GEMINI + ":generateContent", gemini.ENDPOINT),
    (GEMINI + ":streamGenerateContent", gemini.STREAM),
    (GEMINI + ":embedContent", gemini_embeddings.ENDPOINT),
    (GEMINI + ":batchEmbedContents", gemini_embeddings.BATCH),
    ("/model/([^/]+)/converse", bedrock_converse.ENDPOINT),
    ("/model/([^/]+)/converse-stream", bedrock_converse.STREAM),
)
KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
KEY_PARAMETERS = ("key", "api_key", "api-key")


def respond(call: Call, state: State) -> Reply:
    """Answers a call as the provider that it is meant for."""
    provider = spoken_to(call)
    try:
        endpoint = route(call)
        provider = endpoint.provider
        read(call, endpoint)
        if mistral.is_named(call):
            endpoint = OF_MISTRAL.get(endpoint, endpoint)
            provider = endpoint.provider
        reply = answered(call, endpoint, state)
    except Rejected as rejected:
        reply = provider.rejection(call, rejected)
    reply.headers = provider.headers(call) | reply.headers
    return reply


def spoken_to(call: Call) -> Provider:
    """The provider whose client this looks like."""
    if "anthropic-version" in call.headers or "x-api-key" in call.headers:
        return ANTHROPIC
    if "x-goog-api-key" in call.headers or call.path.startswith("/v1beta/"):
        return GOOGLE
    if call.path.startswith("/model/"):
        return AWS
    return OPENAI


def route(call: Call) -> Endpoint:
    endpoint = ENDPOINTS.get((call.method, call.path))
    if endpoint is not None:
        return endpoint
    for pattern, endpoint in PATTERNS:
        found = re.fullmatch(pattern, call.path)
        if found and call.method == "POST":
            call.path_model = unquote(found[1])
            call.path_streams = endpoint.streams
            return endpoint
    if call.method == "GET" and (call.path + "/").startswith("/v1/models/"):
        anthropic = spoken_to(call) is ANTHROPIC
        return models.ANTHROPIC_ENDPOINT if anthropic else models.OPENAI_ENDPOINT
    paths = [re.escape(path) for _, path in ENDPOINTS] + [pattern for pattern, _ in PATTERNS]
    if any(re.fullmatch(path, call.path) for path in paths):
        raise Rejected(405, f"not allowed to {call.method} on {call.path}")
    raise Rejected(404, f"unknown URL ({call.method} {call.path})", code="unknown_url")


def read(call: Call, endpoint: Endpoint) -> None:
    """Reads the body of a call that has a key."""
    if not has_key(call):
        message = "no API key was sent; put one into the key header"
        raise Rejected(endpoint.provider.keyless, message)
    if call.method == "POST":
        call.request = parsed(call.body)


def answered(call: Call, endpoint: Endpoint, state: State) -> Reply:
    if call.method == "POST":
        endpoint.check(call.request)
        call.prompt = endpoint.prompt(call.request)
    call.directives = directives(call, state)
    content = json.dumps(call.request, ensure_ascii=False)
    call.scripted = state.answer_for(f"{call.method} {call.path}", content)
    call.vectors = state.vectors
    return faulty(call, endpoint) or endpoint.answer(call)


def has_key(call: Call) -> bool:
    """Whether a key came along, as a header or in the query."""
    in_header = any(call.headers.get(name) for name in KEY_HEADERS)
    return in_header or any(name in call.query for name in KEY_PARAMETERS)


def parsed(body: bytes) -> dict:
    try:
        value = json.loads(body.decode(), parse_constant=refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Rejected(400, f"the body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise Rejected(400, "the body must be a JSON object")
    return value


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def directives(call: Call, state: State) -> Directives:
    try:
        written = parse(call.prompt)
    except DirectiveError as error:
        raise Rejected(400, str(error), code="mock_directive") from error
    content = f"{call.method} {call.path} {call.digest} {call.streams}"
    in_force = state.in_force(written, content)
    in_force.update(state.take_script(f"{call.method} {call.path}"))
    return in_force


def faulty(call: Call, endpoint: Endpoint) -> Reply | None:
    """The reply of a directive that stands in place of an answer, if there is one."""
    wanted = call.directives
    if "drop" in wanted:
        return Reply(dropped=True)
    if "redirect" in wanted and "redirected" not in call.query:
        location = f"{call.path}?{urlencode(call.query | {'redirected': 1}, doseq=True)}"
        return Reply(wanted["redirect"].value, {"location": location})
    if "status" in wanted:
        return failing(call, endpoint)
    if "failed" in wanted and endpoint.failed:
        return endpoint.failed(call)
    streamed_error = "error-event" in wanted and call.streams and endpoint.error_event
    if streamed_error:
        return interrupted(call, endpoint)
    if "error-object" in wanted or "error-event" in wanted or "failed" in wanted:
        rejected = Rejected(500, "the mock model failed while answering")
        reply = endpoint.provider.rejection(call, rejected)
        reply.status = 200
        return reply
    return None


def failing(call: Call, endpoint: Endpoint) -> Reply:
    wanted = call.directives["status"]
    code, param = wanted.options.get("code"), wanted.options.get("param")
    message = f"this request was asked to fail with status {wanted.value}"
    if param:
        message = f"{param} is not supported by this model"
    rejected = Rejected(wanted.value, message, param=param, code=code)
    reply = endpoint.provider.rejection(call, rejected)
    for name in ("retry-after", "retry-after-ms", "x-should-retry"):
        if name in wanted.options:
            reply.headers[name] = wanted.options[name]
    return reply


def interrupted(call: Call, endpoint: Endpoint) -> Reply:
    wanted = call.directives["error-event"]
    reply = endpoint.answer(call)
    before = reply.events[: min(wanted.value, len(reply.events) - 1)]
    done = "done" in wanted.options
    if done and endpoint is gemini.STREAM and gemini.as_events(call):
        before.append(reply.events[-1])
    reply.events = [*before, endpoint.error_event(call, len(before))]
    if done and endpoint in (openai_chat.ENDPOINT, mistral.CHAT):
        reply.events.append(sse.DONE)
    return reply
