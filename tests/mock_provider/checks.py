"""Checks of what a request holds, with the message and code a provider would give."""

from mock_provider.exchange import Rejected

KINDS = {str: "a string", int: "an integer", bool: "a boolean", list: "an array", dict: "an object"}


def require(request: dict, name: str, *kinds: type) -> None:
    """Rejects a request without the member `name`, or where it is of another kind."""
    if request.get(name) is None:
        raise Rejected(
            400, f"{name}: field required", param=name, code="missing_required_parameter"
        )
    allow(request, name, *kinds)


def allow(request: dict, name: str, *kinds: type) -> None:
    """Rejects a request where the member `name` is there and of another kind."""
    value = request.get(name)
    if value is not None and type(value) not in kinds:
        expected = " or ".join(KINDS[kind] for kind in kinds)
        raise wrong_type(name, expected)


def wrong_type(where: str, expected: str) -> Rejected:
    return Rejected(400, f"{where}: must be {expected}", param=where, code="invalid_type")


def wrong_value(where: str, message: str) -> Rejected:
    return Rejected(400, f"{where}: {message}", param=where, code="invalid_value")


def whole(request: dict, name: str, least: int, most: int) -> None:
    """Rejects a member that is there and not a whole number within bounds."""
    allow(request, name, int)
    value = request.get(name)
    if value is not None and not least <= value <= most:
        raise wrong_value(name, f"must be {least} to {most}")


def objects(values: object, where: str) -> list[dict]:
    """Rejects anything but a list of objects."""
    if not isinstance(values, list):
        raise wrong_type(where, "an array")
    for index, value in enumerate(values):
        if not isinstance(value, dict):
            raise wrong_type(f"{where}[{index}]", "an object")
    return values


def text_or_parts(message: dict, where: str) -> None:
    """Rejects content that is neither text nor a list of parts with text as text."""
    content = message.get("content")
    if isinstance(content, list):
        for part in objects(content, f"{where}.content"):
            if not isinstance(part.get("text", ""), str):
                raise wrong_type(f"{where}.content.text", "a string")
    elif not (content is None or isinstance(content, str)):
        raise wrong_type(f"{where}.content", "a string or an array")


def text_of(content: object) -> str:
    """The text of content that passed `text_or_parts`."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if "text" in part)
    return ""


def last_user_text(messages: list[dict]) -> str:
    """The text of the last message that a user wrote."""
    for message in reversed(messages):
        if message.get("role") == "user" and (text := text_of(message.get("content"))):
            return text
    return ""
