"""`model_call`: the client of an SDK as what asks models to compare outputs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from .calls import checked

#: Takes an endpoint ("embeddings", "chat_completions" or "messages") and a request, and returns
#: the response: a dict, JSON text, or a model of an SDK.
ModelCall = Callable[[str, dict[str, Any]], Any]
#: Takes texts and returns a vector for each.
Embed = Callable[[list[str]], Sequence[Sequence[float]] | Awaitable[Sequence[Sequence[float]]]]

_PATHS = {
    "openai": {"chat_completions": "/chat/completions", "embeddings": "/embeddings"},
    "anthropic": {"messages": "/v1/messages"},
}


class model_call:
    """Sends model calls by a client of `openai` or `anthropic`, sync or async, Azure's too.

        diff(before, after, mode="judge", judge_model="gpt-4o", call=model_call(OpenAI()))

    Requests and responses pass as they are: the SDK adds the key, retries, and reads nothing.
    A function of an endpoint and a request does as well.
    """

    def __init__(self, client: Any) -> None:
        packages = [base.__module__.partition(".")[0] for base in type(client).__mro__]
        known = [name for name in packages if name in _PATHS]
        if not known or not callable(getattr(client, "post", None)):
            given = client if isinstance(client, type) else type(client)
            raise TypeError(
                "model_call: a client such as openai.OpenAI() or anthropic.Anthropic() is "
                f"needed, not {given.__module__}.{given.__qualname__}; a function of an "
                "endpoint and a request does as well, without model_call"
            )
        self._client = client
        #: The requests that the client's provider understands, for `judge_api`.
        self.judge_api = known[0]

    def __call__(self, endpoint: str, request: dict[str, Any]) -> Any:
        path = _PATHS[self.judge_api].get(endpoint)
        if path is None:
            way = "pass embed=" if endpoint == "embeddings" else "check judge_api="
            raise TypeError(f"the client of {self.judge_api} has no {endpoint}; {way}")
        return self._client.post(path, body=request, cast_to=object)


def with_api(options: dict[str, Any], call: ModelCall | None) -> dict[str, Any]:
    """Returns the options with the `judge_api` that the call knows, unless they have one."""
    api = getattr(call, "judge_api", None)
    if api is None or options.get("judge_api") is not None:
        return options
    return {**options, "judge_api": api}


def embedder(embed: Embed | None) -> ModelCall | None:
    """Returns a function of texts as one that answers requests for embeddings."""
    if embed is None:
        return None
    checked("embed", embed)

    def call(endpoint: str, request: dict[str, Any]) -> Any:
        vectors = embed(request["input"])
        return _awaited(vectors) if isinstance(vectors, Awaitable) else _response(vectors)

    return call


async def _awaited(vectors: Awaitable[Any]) -> dict[str, Any]:
    return _response(await vectors)


def _response(vectors: Any) -> dict[str, Any]:
    # `tolist` is that of arrays, whose numbers are no Python floats.
    lists = [vector.tolist() if hasattr(vector, "tolist") else list(vector) for vector in vectors]
    return {"data": [{"index": at, "embedding": vector} for at, vector in enumerate(lists)]}
