"""The conformance vectors that every language runs."""

import json
import pathlib

import pytest

from f3dx_cache import Cache, JsonError, canonicalize, fingerprint

FIXTURES = pathlib.Path(__file__).parents[3] / "tests" / "fixtures"
VECTORS = [json.loads(line) for line in (FIXTURES / "fingerprints.jsonl").read_text().splitlines()]
ACCEPTED = [vector for vector in VECTORS if vector["expect"] == "ok"]
REFUSED = [vector for vector in VECTORS if vector["expect"] == "error"]


def named(vectors):
    return pytest.mark.parametrize("vector", vectors, ids=[vector["id"] for vector in vectors])


def text_of(vector):
    return bytes.fromhex(vector["input_hex"])


def test_the_vectors_are_there():
    assert len(ACCEPTED) > 50
    assert len(REFUSED) > 50


@named(ACCEPTED)
def test_a_text_has_its_canonical_form_and_fingerprint(vector):
    text = text_of(vector)
    assert canonicalize(text).hex() == vector["canonical_hex"]
    assert fingerprint(text) == vector["blake3"]
    assert fingerprint(text.decode()) == vector["blake3"]


@named(REFUSED)
def test_a_text_that_breaks_a_rule_is_refused_by_name(vector):
    for refuse in (canonicalize, fingerprint):
        with pytest.raises(JsonError) as caught:
            refuse(text_of(vector))
        assert caught.value.json_kind == vector["error"]
        assert caught.value.kind == "invalid_json"
        assert 0 <= caught.value.at <= len(text_of(vector))


@named(ACCEPTED)
def test_the_value_of_a_text_has_the_same_canonical_form(vector):
    value = json.loads(text_of(vector))
    if isinstance(value, str):
        # A str at the top is JSON text, so look at it one level down.
        assert canonicalize([value]).hex() == "5b" + vector["canonical_hex"] + "5d"
        return
    assert canonicalize(value).hex() == vector["canonical_hex"]
    assert fingerprint(value) == vector["blake3"]


def test_a_cache_without_policy_addresses_by_the_pure_fingerprint(tmp_path):
    with Cache(tmp_path / "llm.redb") as cache:
        for vector in ACCEPTED:
            assert cache.fingerprint(text_of(vector)) == vector["blake3"], vector["id"]
