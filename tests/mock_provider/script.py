"""Scripts: what a test makes coming calls come to, checked when it is handed over."""

from mock_provider.faults import parse

# What can be scripted, and as what.
SCRIPTED = {"faults": list, "answers": list, "vectors": dict}
JSON_NAMES = {list: "array", dict: "object"}


class ScriptError(ValueError):
    """A script that makes no sense."""


def read(script: object) -> tuple[list[dict], list[dict], dict[str, list[float]]]:
    """Returns the faults, answers and vectors of a script; ScriptError if it makes no sense."""
    if not isinstance(script, dict) or not script or script.keys() - SCRIPTED.keys():
        raise ScriptError(f"expected an object with {', '.join(SCRIPTED)}")
    for name, value in script.items():
        if not isinstance(value, SCRIPTED[name]):
            raise ScriptError(f"{name} must be a JSON {JSON_NAMES[SCRIPTED[name]]}")
    faults = [scripted_fault(fault) for fault in script.get("faults", [])]
    answers = [scripted_answer(answer) for answer in script.get("answers", [])]
    vectors = script.get("vectors", {})
    for text, vector in vectors.items():
        if not (isinstance(vector, list) and all(type(x) in (int, float) for x in vector)):
            raise ScriptError(f"the vector of {text!r} must be a list of numbers")
    return faults, answers, vectors


def scripted_answer(answer: object) -> dict:
    answer = known(answer, "an answer", {"endpoint", "times", "contains", "text"})
    times, text, contains = answer.get("times"), answer.get("text"), answer.get("contains", "")
    if times is not None:
        times = times_of(answer)
    if not (isinstance(text, str) and isinstance(contains, str)):
        raise ScriptError("text and contains must be text")
    return {"endpoint": endpoint_of(answer), "times": times, "contains": contains, "text": text}


def scripted_fault(fault: object) -> dict:
    members = {"endpoint", "times", "status", "retry_after", "directives"}
    fault = known(fault, "a fault", members)
    endpoint, times = endpoint_of(fault), times_of(fault)
    text = fault.get("directives", "")
    if not isinstance(text, str):
        raise ScriptError('directives must be text such as "[[cut:3]]"')
    if "status" in fault:
        after = f" retry-after={fault['retry_after']}" if "retry_after" in fault else ""
        text += f"[[status:{fault['status']}{after}]]"
    directives = parse(text)
    if not directives:
        raise ScriptError("a fault needs status or directives")
    return {"endpoint": endpoint, "times": times, "directives": directives}


def known(scripted: object, what: str, members: set[str]) -> dict:
    if not isinstance(scripted, dict):
        raise ScriptError(f"{what} must be an object")
    unknown = scripted.keys() - members
    if unknown:
        raise ScriptError(f"unknown member {', '.join(sorted(unknown))}")
    return scripted


def endpoint_of(scripted: dict) -> str | None:
    endpoint = scripted.get("endpoint")
    if not (endpoint is None or isinstance(endpoint, str)):
        raise ScriptError('endpoint must be text such as "POST /v1/messages"')
    return endpoint


def times_of(scripted: dict) -> int:
    times = scripted.get("times", 1)
    if type(times) is not int or times < 1:
        raise ScriptError("times must be a whole number from 1")
    return times
