"""From Python values to canonical bytes."""

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import random
import string
import sys
import types
import typing

import pydantic
import pytest

from f3dx_cache import JsonError, JsonTypeError, canonicalize, fingerprint


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ({"b": 1, "a": [None, True, False]}, '{"a":[null,true,false],"b":1}'),
        ((1, (2, [])), "[1,[2,[]]]"),
        ([1.0, -0.0, 0.1, 1e21, 1e-7, 5e-324], "[1,0,0.1,1e+21,1e-7,5e-324]"),
        (
            [0, -7, 2**53, 2**53 + 1, -(2**63)],
            "[0,-7,9007199254740992,9007199254740993,-9223372036854775808]",
        ),
        ([2**64, -(10**30), 10**21 + 1], "[18446744073709551616,-1e+30,1000000000000000000001]"),
        (['é\n"\\/\x00', "\U0001f600"], '["é\\n\\"\\\\/\\u0000","\U0001f600"]'),
        ({}, "{}"),
        ([], "[]"),
        (None, "null"),
        (7, "7"),
    ],
)
def test_a_value_has_the_canonical_form_of_its_json(value, canonical):
    assert canonicalize(value).decode() == canonical
    assert fingerprint(value) == fingerprint(canonical)


def test_members_are_sorted_by_utf16():
    names = ["€", "\r", "דּ", "1", "\U0001f600", "\x80", "ö", "", "a", "aa", "B"]
    expected = sorted(names, key=lambda name: name.encode("utf-16-be"))
    found = json.loads(canonicalize(dict.fromkeys(names)), object_pairs_hook=list)
    assert [name for name, _ in found] == expected


def test_random_values_are_canonicalized_like_their_text():
    draw = random.Random(7)
    letters = string.printable + "éß€דּ\U0001f600\x80"

    def value(levels):
        kinds = 5 if levels == 0 else 7
        match draw.randrange(kinds):
            case 0:
                return draw.choice([None, True, False])
            case 1:
                return draw.randrange(-(10 ** draw.randrange(1, 40)), 10 ** draw.randrange(1, 40))
            case 2:
                return draw.choice(
                    [draw.random(), draw.random() * 10.0 ** draw.randrange(-300, 300)]
                )
            case 3 | 4:
                return "".join(draw.choices(letters, k=draw.randrange(12)))
            case 5:
                return [value(levels - 1) for _ in range(draw.randrange(5))]
            case _:
                return {str(value(0)): value(levels - 1) for _ in range(draw.randrange(6))}

    for _ in range(2000):
        request = [value(4)]
        text = json.dumps(request, ensure_ascii=draw.random() < 0.5)
        assert canonicalize(request) == canonicalize(text), text


class Role(str, enum.Enum):
    USER = "user"

    def __str__(self):
        return "not the value"


class Size(enum.IntEnum):
    BIG = 2**70


class Color(enum.Enum):
    RED = "red"
    RGB = (255, 0, 0)


class Name(str):
    __slots__ = ()


class Count(int):
    def __repr__(self):
        return "many"


class Ratio(float):
    def __repr__(self):
        return "some"


class Pair(typing.NamedTuple):
    one: int
    two: int


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        (Role.USER, '"user"'),
        (Size.BIG, "1180591620717411303424"),
        (Color.RED, '"red"'),
        (Color.RGB, "[255,0,0]"),
        (Name("a"), '"a"'),
        (Count(3), "3"),
        (Count(2**65), "36893488147419103232"),
        (Ratio(0.5), "0.5"),
        (Pair(1, 2), "[1,2]"),
        (collections.OrderedDict(b=1, a=2), '{"a":2,"b":1}'),
        (collections.defaultdict(list, a=[1]), '{"a":[1]}'),
        ({Role.USER: 1}, '{"user":1}'),
        ({Color.RED: 1}, '{"red":1}'),
        ({Name("b"): 1, "a": 2}, '{"a":2,"b":1}'),
    ],
)
def test_subclasses_and_members_of_enumerations_go_by_value(value, canonical):
    assert canonicalize([value]).decode() == f"[{canonical}]"


class Tool(pydantic.BaseModel):
    name: str
    since: datetime.date
    color: Color = Color.RED


def test_a_pydantic_model_is_dumped_in_json_mode():
    tool = Tool(name="t", since=datetime.date(2026, 1, 2))
    expected = '{"color":"red","name":"t","since":"2026-01-02"}'
    assert canonicalize(tool).decode() == expected
    assert canonicalize({"tools": [tool]}).decode() == f'{{"tools":[{expected}]}}'


def test_a_model_may_use_the_library_while_it_is_dumped():
    class Curious:
        def model_dump(self, mode):
            return {"mode": mode, "inner": fingerprint({"b": [1], "a": 2})}

    inner = fingerprint('{"a":2,"b":[1]}')
    expected = f'{{"a":{{"inner":"{inner}","mode":"json"}},"b":1}}'
    assert canonicalize({"b": 1, "a": Curious()}).decode() == expected


def test_what_a_model_raises_is_raised():
    class Broken:
        def model_dump(self, mode):
            raise LookupError("no such field")

    with pytest.raises(LookupError, match="no such field"):
        canonicalize({"a": [Broken()]})


def test_a_model_that_changes_its_surroundings_does_no_harm():
    class Vandal:
        def model_dump(self, mode):
            request.clear()
            items.clear()
            return "done"

    items = [Vandal(), "b" * 1000]
    request = {"a": items, "b": {"c": "d" * 1000}}
    assert canonicalize(request).decode() == '{"a":["done"],"b":{"c":"' + "d" * 1000 + '"}}'


@dataclasses.dataclass
class Data:
    n: int = 1


@pytest.mark.parametrize(
    ("value", "type_name", "advice"),
    [
        (b"x", "bytes", "base64"),
        (bytearray(b"x"), "bytearray", "base64"),
        (memoryview(b"x"), "memoryview", "base64"),
        ({1}, "set", "sorted list"),
        (frozenset(), "frozenset", "sorted list"),
        (Data(), "Data", "dataclasses.asdict"),
        (datetime.datetime(2026, 1, 1), "datetime.datetime", "convert"),
        (decimal.Decimal(1), "decimal.Decimal", "convert"),
        (1j, "complex", "convert"),
        (object(), "object", "convert"),
        (Tool, "ModelMetaclass", "convert"),
        (range(3), "range", "convert"),
        (types.MappingProxyType({}), "mappingproxy", "convert"),
        ((n for n in [1]), "generator", "convert"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unknown_object_is_a_type_error_that_names_the_path(value, type_name, advice):
    with pytest.raises(TypeError) as caught:
        canonicalize({"messages": [{"content": 1}, {"a/b~c": value}]})
    error = caught.value
    assert isinstance(error, JsonTypeError)
    assert (error.kind, error.json_kind) == ("invalid_json", "unsupported_type")
    assert error.at == "/messages/1/a~1b~0c"
    assert '"/messages/1/a~1b~0c"' in str(error)
    assert type_name in str(error)
    assert advice in str(error)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, Ratio("nan")])
def test_nan_and_infinity_are_refused_with_their_path(number):
    with pytest.raises(TypeError) as caught:
        canonicalize({"temperature": number})
    assert caught.value.at == "/temperature"
    assert caught.value.json_kind == "syntax"
    assert "is not JSON; pass None, or leave it out" in str(caught.value)


@pytest.mark.parametrize("key", [1, None, True, 1.5, b"a", ("a",), Size.BIG, Color.RGB])
def test_a_key_that_is_no_str_is_refused_with_its_place(key):
    with pytest.raises(TypeError, match="a key is of type") as caught:
        canonicalize({"logit_bias": {key: 1}})
    assert caught.value.at == "/logit_bias"


@pytest.mark.parametrize(
    "request_", [{"a": "\ud800"}, {"a": {"x\udfff": 1}}, {"a": Name("\udc00")}]
)
def test_a_lone_surrogate_is_refused_with_its_path(request_):
    with pytest.raises(JsonError) as caught:
        canonicalize(request_)
    assert (caught.value.json_kind, caught.value.at) == ("lone_surrogate", "/a")


def test_a_lone_surrogate_in_json_text_is_refused():
    with pytest.raises(JsonError) as caught:
        canonicalize('"\ud800"')
    assert caught.value.json_kind == "lone_surrogate"


def test_keys_that_read_the_same_are_refused():
    class Other(str):
        __slots__ = ()
        __hash__ = object.__hash__

        def __eq__(self, other):
            return self is other

    with pytest.raises(JsonError, match='duplicate key "red"') as caught:
        canonicalize({"a": {Color.RED: 1, "red": 2}})
    assert (caught.value.json_kind, caught.value.at) == ("duplicate_key", "/a")
    with pytest.raises(JsonError, match='duplicate key "x"'):
        canonicalize({Other("x"): 1, "b": 1, Other("x"): 2})


def nested(levels):
    value = 0
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_127_levels_are_the_most():
    assert canonicalize(nested(127)) == canonicalize(json.dumps(nested(127)))
    with pytest.raises(JsonError) as caught:
        canonicalize(nested(128))
    assert caught.value.json_kind == "too_deep"


def test_a_value_that_holds_itself_is_too_deep():
    around: dict[str, object] = {}
    around["self"] = [around]
    with pytest.raises(JsonError, match="does one hold itself") as caught:
        canonicalize(around)
    assert caught.value.json_kind == "too_deep"
    assert caught.value.at.startswith("/self/0/self/0")


def test_a_model_that_dumps_itself_is_refused():
    class Mirror:
        def model_dump(self, mode):
            return self

    with pytest.raises(JsonTypeError, match="Mirror is not JSON"):
        canonicalize([Mirror()])


def test_an_integer_of_too_many_digits_is_refused_with_its_path():
    with pytest.raises(JsonError) as caught:
        canonicalize({"n": 10**5000})
    assert (caught.value.json_kind, caught.value.at) == ("number_out_of_range", "/n")


def test_a_walk_leaks_no_reference():
    name, value = "name".join(["a", "b"]), object()
    request = {name: [1, {"x": "y"}], "b": None}
    bad = {"a": [{"b": value}], name: 1}
    before = (sys.getrefcount(name), sys.getrefcount(value), sys.getrefcount(request))
    for _ in range(10):
        canonicalize(request)
        with pytest.raises(JsonTypeError):
            canonicalize(bad)
    assert (sys.getrefcount(name), sys.getrefcount(value), sys.getrefcount(request)) == before
