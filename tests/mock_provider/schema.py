"""Makes a value that fits a simple JSON schema, always the same for the same seed."""

import hashlib

DEEPEST = 12
MOST_VALUES = 5_000


def fitting(schema: object, seed: str) -> object:
    """Returns a value for `schema`; what it does not understand becomes short text."""
    return Fitter(schema).value(schema, seed, 0)


class Fitter:
    """Follows references within one root schema, and ends even where that is recursive."""

    def __init__(self, root: object) -> None:
        self.root = root
        self.made = 0

    def at_bottom(self, depth: int) -> bool:
        return depth > DEEPEST or self.made > MOST_VALUES

    def value(self, schema: object, seed: str, depth: int) -> object:
        self.made += 1
        if depth > 2 * DEEPEST:
            return None
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if listed(schema, "enum"):
            return schema["enum"][number(seed) % len(schema["enum"])]
        options = listed(schema, "anyOf") or listed(schema, "oneOf")
        if options:
            # At the bottom of a recursive schema only an alternative without members ends it.
            return self.value(options[-1 if self.at_bottom(depth) else 0], seed, depth + 1)
        if listed(schema, "allOf"):
            merged: dict = {}
            for part in schema["allOf"]:
                merged |= self.resolved(part)
            return self.value(merged, seed, depth + 1)
        match kind(schema):
            case "object":
                return self.members(schema, seed, depth)
            case "array":
                return self.items(schema, seed, depth)
            case "integer":
                return whole(schema, seed)
            case "number":
                return whole(schema, seed) + (0.0 if bounded(schema) else 0.5)
            case "boolean":
                return number(seed) % 2 == 0
            case "null":
                return None
            case _:
                return text(schema, seed)

    def resolved(self, schema: object) -> dict:
        for _ in range(DEEPEST):
            reference = schema.get("$ref") if isinstance(schema, dict) else None
            if not isinstance(reference, str):
                break
            schema = self.root
            for step in reference.lstrip("#/").split("/") if reference != "#" else ():
                schema = schema.get(step) if isinstance(schema, dict) else None
        return schema if isinstance(schema, dict) else {}

    def members(self, schema: dict, seed: str, depth: int) -> dict:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or self.at_bottom(depth):
            return {}
        return {
            name: self.value(member, f"{seed}/{name}", depth + 1)
            for name, member in properties.items()
        }

    def items(self, schema: dict, seed: str, depth: int) -> list:
        least = count(schema, "minItems", 0)
        wanted = max(least, min(2, count(schema, "maxItems", 2)))
        if self.at_bottom(depth):
            wanted = 0
        each = schema.get("items", {})
        return [self.value(each, f"{seed}/{i}", depth + 1) for i in range(min(wanted, 100))]


def kind(schema: dict) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = next((name for name in named if name != "null"), "null")
    if not isinstance(named, str):
        named = "object" if "properties" in schema else "array" if "items" in schema else "string"
    # Google spells the types in capitals.
    return named.lower()


def listed(schema: dict, name: str) -> list:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def bounded(schema: dict) -> bool:
    return "minimum" in schema or "maximum" in schema


def whole(schema: dict, seed: str) -> int:
    low, high = schema.get("minimum"), schema.get("maximum")
    least = int(low) if isinstance(low, int | float) else None
    most = int(high) if isinstance(high, int | float) else None
    if least is None:
        least = 0 if most is None else most - 100
    if most is None:
        most = least + 100
    return least + number(seed) % max(1, most - least + 1)


def text(schema: dict, seed: str) -> str:
    match schema.get("format"):
        case "date":
            return f"2024-0{1 + number(seed) % 9}-1{number(seed) % 7}"
        case "date-time":
            return f"2024-0{1 + number(seed) % 9}-1{number(seed) % 7}T12:00:00Z"
        case "email":
            return f"user{number(seed) % 1000}@example.com"
        case "uuid":
            digits = hashlib.md5(seed.encode()).hexdigest()
            return "-".join(
                digits[start:end] for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
            )
    made = f"text-{number(seed) % 100_000}"
    made = made.ljust(count(schema, "minLength", 0), "x")
    return made[: count(schema, "maxLength", len(made))]


def count(schema: dict, name: str, default: int) -> int:
    value = schema.get(name)
    usable = isinstance(value, int) and 0 <= value <= 10_000
    return value if usable else default


def number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6])
