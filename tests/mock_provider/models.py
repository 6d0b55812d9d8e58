"""The lists of models: `GET /v1/models`, in the shape of the provider that is asked."""

from mock_provider.exchange import Call, Rejected, Reply, unary
from mock_provider.providers import ANTHROPIC, OPENAI, Endpoint

OPENAI_MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-large", "text-embedding-3-small")
ANTHROPIC_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5")


def nothing_to_check(_: dict) -> None:
    return None


def no_prompt(_: dict) -> str:
    return ""


def openai(call: Call) -> Reply:
    models = [
        {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "mock"}
        for name in OPENAI_MODELS
    ]
    return one_of(call, models) or unary({"object": "list", "data": models}, indent=2)


def anthropic(call: Call) -> Reply:
    models = [
        {
            "type": "model",
            "id": name,
            "display_name": name,
            "created_at": "2025-01-01T00:00:00Z",
            "lifecycle": "active",
        }
        for name in ANTHROPIC_MODELS
    ]
    pages = {"has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]}
    return one_of(call, models) or unary({"data": models} | pages)


def one_of(call: Call, models: list[dict]) -> Reply | None:
    wanted = call.path.removeprefix("/v1/models").strip("/")
    if not wanted:
        return None
    for model in models:
        if model["id"] == wanted:
            return unary(model)
    raise Rejected(404, f"the model {wanted} does not exist", param="model")


OPENAI_ENDPOINT = Endpoint(OPENAI, nothing_to_check, no_prompt, openai)
ANTHROPIC_ENDPOINT = Endpoint(ANTHROPIC, nothing_to_check, no_prompt, anthropic)
