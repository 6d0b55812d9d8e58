"""OpenAI embeddings: `POST /v1/embeddings`."""

import base64
import hashlib
import math
import re
import sys
from array import array

from mock_provider.checks import allow, require, whole, wrong_type, wrong_value
from mock_provider.content import tokens
from mock_provider.exchange import Call, Reply, unary
from mock_provider.providers import OPENAI, Endpoint

SIZES = {"gemini-embedding-001": 3072, "mistral-embed": 1024, "text-embedding-3-large": 3072}
USUAL_SIZE = 1536


def check(request: dict) -> None:
    require(request, "model", str)
    require(request, "input", str, list)
    inputs = request["input"]
    if not inputs or (isinstance(inputs, list) and len(inputs) > 2048):
        raise wrong_value("input", "must be text that is not empty, or 1 to 2048 of them")
    if isinstance(inputs, list) and not (is_tokens(inputs) or all(map(usable, inputs))):
        raise wrong_type("input", "a string, an array of strings or of arrays of tokens")
    allow(request, "encoding_format", str)
    if request.get("encoding_format", "float") not in ("float", "base64"):
        raise wrong_value("encoding_format", "must be float or base64")
    if request.get("dimensions") is not None and request["model"].endswith("ada-002"):
        raise wrong_value("dimensions", "this model does not support specifying dimensions")
    for name in ("dimensions", "output_dimension"):
        whole(request, name, 1, size(request["model"]))


def is_tokens(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(each) is int for each in value)


def usable(value: object) -> bool:
    return is_tokens(value) or (isinstance(value, str) and value != "")


def size(model: str) -> int:
    return SIZES.get(model, USUAL_SIZE)


def texts(request: dict) -> list[str]:
    inputs = request["input"]
    if isinstance(inputs, str) or is_tokens(inputs):
        inputs = [inputs]
    return [each if isinstance(each, str) else " ".join(map(str, each)) for each in inputs]


def prompt(request: dict) -> str:
    return "\n".join(texts(request))


def answer(call: Call) -> Reply:
    return unary(document(call, call.request.get("dimensions")))


def document(call: Call, dimensions: int | None) -> dict:
    """Makes the answer with vectors of so many dimensions, or of the model's own."""
    request = call.request
    model = request["model"]
    dimensions = dimensions or size(model)
    data = []
    for index, text in enumerate(texts(request)):
        scripted = call.vectors.get(text)
        vector = array("f", scripted) if scripted else embed(model, text, dimensions)
        spelt = vector.tolist()
        if request.get("encoding_format") == "base64":
            spelt = base64.b64encode(little_endian(vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": spelt})
    sent = tokens(request["input"])
    counted = {"prompt_tokens": sent, "total_tokens": sent}
    return {"object": "list", "data": data, "model": model, "usage": counted}


def embed(model: str, text: str, dimensions: int) -> array:
    """Makes a unit vector; texts that share words have vectors that are alike."""
    whole_size = size(model)
    noise = array("h", hashlib.shake_256(f"{model}/{text}".encode()).digest(2 * whole_size))
    if sys.byteorder == "big":
        noise.byteswap()
    vector = [each / 200_000 for each in noise]
    for word in re.findall(r"\w+", text.lower()):
        drawn = hashlib.shake_256(f"{model}/{word}".encode()).digest(96)
        for start in range(0, len(drawn), 3):
            place = int.from_bytes(drawn[start : start + 2]) % whole_size
            vector[place] += 1.0 if drawn[start + 2] % 2 else -1.0
    length = math.sqrt(sum(each * each for each in vector[:dimensions])) or 1.0
    return array("f", [each / length for each in vector[:dimensions]])


def little_endian(vector: array) -> bytes:
    if sys.byteorder == "big":
        vector.byteswap()
    return vector.tobytes()


ENDPOINT = Endpoint(OPENAI, check, prompt, answer)
