"""What all endpoints of a provider share: the shape of its errors and its headers."""

from collections.abc import Callable
from dataclasses import dataclass

from mock_provider.exchange import Call, Rejected, Reply, unary


@dataclass(frozen=True)
class Provider:
    """A provider's manner: how it spells errors and which headers every reply has."""

    name: str
    error_body: Callable[[Call, Rejected], dict]
    headers: Callable[[Call], dict[str, str]]
    keyless: int = 401
    error_headers: Callable[[Rejected], dict[str, str]] = lambda _: {}

    def rejection(self, call: Call, rejected: Rejected) -> Reply:
        """Spells a rejection as the provider would."""
        reply = unary(self.error_body(call, rejected), rejected.status)
        reply.headers |= self.error_headers(rejected)
        return reply


@dataclass(frozen=True)
class Endpoint:
    """One path of a provider: `check` raises `Rejected`, `answer` gets what passed it."""

    provider: Provider
    check: Callable[[dict], None]
    prompt: Callable[[dict], str]
    answer: Callable[[Call], Reply]
    error_event: Callable[[Call, int], bytes] | None = None
    failed: Callable[[Call], Reply] | None = None
    streams: bool = False


OPENAI_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "server_overloaded"),
}

ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

MISTRAL_TYPES = {
    401: "unauthorized",
    404: "not_found",
    422: "invalid_request_error",
    429: "rate_limited",
    503: "service_unavailable",
}

GOOGLE_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

AWS_TYPES = {
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def openai_error(call: Call, rejected: Rejected) -> dict:
    kind, code = OPENAI_TYPES.get(rejected.status, (None, None))
    if kind is None:
        kind = "server_error" if rejected.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": rejected.message,
            "type": kind,
            "param": rejected.param,
            "code": rejected.code or code,
        }
    }


def openai_headers(call: Call) -> dict[str, str]:
    return {
        "openai-organization": "mock-organization",
        "openai-processing-ms": "7",
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-requests": str(max(0, 10_000 - call.number)),
        "x-ratelimit-remaining-tokens": "1999990",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": "0s",
        "x-request-id": call.id("req_"),
        "set-cookie": f"__cf_bm={call.id('mock-cookie-')}; path=/; HttpOnly",
    }


def anthropic_error(call: Call, rejected: Rejected) -> dict:
    fallback = "api_error" if rejected.status >= 500 else "invalid_request_error"
    kind = ANTHROPIC_TYPES.get(rejected.status, fallback)
    return {
        "type": "error",
        "error": {"type": kind, "message": rejected.message},
        "request_id": call.id("req_"),
    }


def anthropic_headers(call: Call) -> dict[str, str]:
    return {
        "anthropic-organization-id": "mock-organization",
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": str(max(0, 4_000 - call.number)),
        "anthropic-ratelimit-requests-reset": "2030-01-01T00:00:00Z",
        "request-id": call.id("req_"),
        "set-cookie": f"_cfuvid={call.id('mock-cookie-')}; path=/; HttpOnly",
    }


def google_error(call: Call, rejected: Rejected) -> dict:
    fallback = "INTERNAL" if rejected.status >= 500 else "INVALID_ARGUMENT"
    error: dict = {
        "code": rejected.status,
        "message": rejected.message,
        "status": GOOGLE_STATUSES.get(rejected.status, fallback),
    }
    if rejected.param:
        violation = {"field": rejected.param, "description": rejected.message}
        kind = "type.googleapis.com/google.rpc.BadRequest"
        error["details"] = [{"@type": kind, "fieldViolations": [violation]}]
    return {"error": error}


def google_headers(call: Call) -> dict[str, str]:
    return {
        "server-timing": "gfet4t7; dur=7",
        "vary": "Origin, X-Origin, Referer",
        "x-content-type-options": "nosniff",
        "x-gemini-service-tier": "standard",
    }


def mistral_error(call: Call, rejected: Rejected) -> dict:
    kind = MISTRAL_TYPES.get(rejected.status)
    if kind is None:
        kind = "internal_server_error" if rejected.status >= 500 else "invalid_request_error"
    return {
        "object": "error",
        "message": rejected.message,
        "type": kind,
        "param": rejected.param,
        "code": rejected.code,
    }


def mistral_headers(call: Call) -> dict[str, str]:
    return {
        "mistral-correlation-id": call.id("mock-"),
        "x-envoy-upstream-service-time": "7",
        "x-kong-request-id": call.id("mock-"),
        "set-cookie": f"__cf_bm={call.id('mock-cookie-')}; path=/; HttpOnly",
    }


def aws_error(call: Call, rejected: Rejected) -> dict:
    return {"message": rejected.message}


def aws_error_headers(rejected: Rejected) -> dict[str, str]:
    fallback = "InternalServerException" if rejected.status >= 500 else "ValidationException"
    kind = AWS_TYPES.get(rejected.status, fallback)
    return {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}


def aws_headers(call: Call) -> dict[str, str]:
    return {"x-amzn-requestid": call.id("mock-")}


OPENAI = Provider("openai", openai_error, openai_headers)
ANTHROPIC = Provider("anthropic", anthropic_error, anthropic_headers)
MISTRAL = Provider("mistral", mistral_error, mistral_headers)
GOOGLE = Provider("google", google_error, google_headers, keyless=403)
AWS = Provider("aws", aws_error, aws_headers, keyless=403, error_headers=aws_error_headers)
