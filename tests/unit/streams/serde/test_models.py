"""JSON through models: the bytes, the checks, and names that are the same in every run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serde import models, resolve


@dataclass
class Bid:
    auction: int
    price: float


class Struct(msgspec.Struct):
    auction: int
    tags: list[str] = []


class Dictionary(TypedDict):
    auction: int


class Model(pydantic.BaseModel):
    auction: int
    bidder: int = pydantic.Field(alias="bidderId")


class Colour(Enum):
    RED = "red"


class Whole(int):
    """A subclass of int is written as the number that it is."""


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (int, 5, b"5"),
        (int, Whole(5), b"5"),
        (int, 2**70, b"1180591620717411303424"),
        (float, 1.5, b"1.5"),
        (float, 2, b"2.0"),
        (bool, True, b"true"),
        (list[int], [1, 2], b"[1,2]"),
        (dict[str, Bid], {"a": Bid(1, 2.0)}, b'{"a":{"auction":1,"price":2.0}}'),
        (Bid, Bid(1, 2.5), b'{"auction":1,"price":2.5}'),
        (Struct, Struct(1, ["x"]), b'{"auction":1,"tags":["x"]}'),
        (Dictionary, Dictionary(auction=1), b'{"auction":1}'),
        (Model, Model(auction=1, bidderId=2), b'{"auction":1,"bidderId":2}'),
        (list[Model], [Model(auction=1, bidderId=2)], b'[{"auction":1,"bidderId":2}]'),
        (Colour, Colour.RED, b'"red"'),
        (int | str, "x", b'"x"'),
    ],
    ids=str,
)
def test_round_trip(kind: Any, value: Any, written: bytes) -> None:
    serde = resolve(kind)
    assert serde.encode(value) == written
    assert serde.decode(written) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, "5"),
        (int, True),
        (int, 5.0),
        (float, "1"),
        (float, True),
        (bool, 1),
        (Bid, {"auction": 1, "price": 1.0}),
        (Struct, Bid(1, 1.0)),
        (Dictionary, Bid(1, 1.0)),
        (Model, {"auction": 1}),
        (list[int], "12"),
        (Colour, "red"),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused(kind: Any, value: Any) -> None:
    """JSON could write all of these; then a later reader would be the one to fail."""
    with pytest.raises(TypeError, match="expected"):
        resolve(kind).encode(value)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (int, b"\x00\x00\x00\x01"),
        (int, b'"5"'),
        (Bid, b"{}"),
        (Model, b'{"auction":"x"}'),
        (list[Model], b"{}"),
        (bool, b"1"),
    ],
    ids=str,
)
def test_other_bytes_are_a_value_error(kind: Any, data: bytes) -> None:
    with pytest.raises(ValueError):
        resolve(kind).decode(data)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_float_without_json_is_refused(number: float) -> None:
    """JSON would make it null, and null is the absence of a value."""
    with pytest.raises(ValueError, match=r"serde\.float64"):
        models.floating.encode(number)


def test_a_model_with_a_field_of_another_type_is_refused() -> None:
    """pydantic only warns; a warning is no way to keep state readable."""
    broken = Model.model_construct(auction="five", bidder=2)
    with pytest.raises(ValueError, match="auction"):
        resolve(Model).encode(broken)


@given(st.integers())
def test_integers_round_trip(value: int) -> None:
    assert models.integer.decode(models.integer.encode(value)) == value


@pytest.mark.parametrize("kind", [int, Bid, Struct, Dictionary, Model, list[int]], ids=str)
def test_the_shortcut_writes_the_same(kind: Any) -> None:
    value: Any = {
        int: 5,
        Bid: Bid(1, 1.0),
        Struct: Struct(1),
        Dictionary: {"auction": 1},
        Model: Model(auction=1, bidderId=2),
        list[int]: [1],
    }[kind]
    serde = resolve(kind)
    assert serde.fast is not None
    assert type(value) is serde.fast.exact
    assert serde.fast.encode(value) == serde.encode(value)
    assert not hasattr(serde.fast.encode, "__code__"), "a C function was promised"


def test_names_are_stable_and_tell_types_apart() -> None:
    module = __name__
    assert models.type_name(int) == "int"
    assert models.type_name(Bid) == f"{module}.Bid"
    assert models.type_name(list[Bid]) == f"list[{module}.Bid]"
    assert models.type_name(dict[str, list[int]]) == "dict[str,list[int]]"
    assert models.type_name(int | str) == "int|str"


def test_a_class_of_the_main_file_has_the_files_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """``python app.py`` and ``streams run app.py`` must agree on the manifest."""
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/somewhere/auctions.py", raising=False)
    local = type("Local", (), {"__module__": "__main__"})
    assert models.type_name(local) == "auctions.Local"
