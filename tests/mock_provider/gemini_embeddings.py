"""Gemini embeddings: `POST /v1beta/models/{model}:embedContent` and `:batchEmbedContents`."""

from mock_provider.checks import objects, require, whole, wrong_value
from mock_provider.exchange import Call, Reply, unary
from mock_provider.gemini import check_parts, text_of
from mock_provider.openai_embeddings import embed, size
from mock_provider.providers import GOOGLE, Endpoint


def check(request: dict) -> None:
    require(request, "content", dict)
    check_parts(request["content"], "content")


def check_batch(request: dict) -> None:
    require(request, "requests", list)
    if not 1 <= len(request["requests"]) <= 100:
        raise wrong_value("requests", "must be 1 to 100 requests")
    for each in objects(request["requests"], "requests"):
        check(each)


def prompt(request: dict) -> str:
    return text_of(request["content"])


def prompt_of_batch(request: dict) -> str:
    return "\n".join(prompt(each) for each in request["requests"])


def answer(call: Call) -> Reply:
    return unary({"embedding": embedding(call, call.request)}, indent=2)


def answer_batch(call: Call) -> Reply:
    return unary({"embeddings": [embedding(call, each) for each in call.request["requests"]]})


def embedding(call: Call, request: dict) -> dict:
    whole(request, "outputDimensionality", 1, size(call.model))
    dimensions = request.get("outputDimensionality") or size(call.model)
    return {"values": embed(call.model, prompt(request), dimensions).tolist()}


ENDPOINT = Endpoint(GOOGLE, check, prompt, answer)
BATCH = Endpoint(GOOGLE, check_batch, prompt_of_batch, answer_batch)
