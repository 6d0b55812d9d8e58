"""The endpoints with which a test looks at the provider and steers it; they are never counted."""

import json

from mock_provider.exchange import Reply, unary
from mock_provider.state import State


def respond(state: State, method: str, path: str, query: dict, body: bytes) -> Reply:
    """Answers a control request; one that makes no sense gets 400 and the reason."""
    try:
        return unary(answer(state, f"{method} {path}", query, body))
    except (ValueError, RecursionError) as error:
        return unary({"error": str(error)}, 400)
    except TimeoutError as error:
        return unary({"error": str(error)}, 408)
    except LookupError as error:
        return unary({"error": str(error)}, 404)


def answer(state: State, endpoint: str, query: dict, body: bytes) -> object:
    match endpoint:
        case "GET /_calls":
            return state.calls()
        case "GET /_requests":
            return state.kept_requests()
        case "GET /_wait":
            return wait(state, query)
        case "POST /_reset":
            state.clear()
        case "POST /_release":
            state.release()
        case "POST /_script":
            state.add_script(json.loads(body))
        case _:
            raise LookupError(f"no control endpoint {endpoint}")
    return {"ok": True}


def wait(state: State, query: dict) -> dict:
    try:
        total = int(query.get("total", ["1"])[0])
        seconds = float(query.get("timeout", ["10"])[0])
    except ValueError:
        raise ValueError("total and timeout must be numbers") from None
    if not 0 <= seconds <= 600:
        raise ValueError("timeout must be 0 to 600 seconds")
    if not state.wait_for(total, seconds):
        arrived = state.calls()["total"]
        raise TimeoutError(f"{arrived} of {total} calls arrived within {seconds:g} s")
    return state.calls()
