"""From types to serdes: the formats that types have, and what is said of those that have none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Optional, TypeVar

import pytest

from streams import serde
from streams.errors import SerdeError
from streams.serde import resolve

T = TypeVar("T")


class Plain:
    """Neither a dataclass nor a model."""


@dataclass
class Holder:
    inner: Plain


@dataclass
class Tree:
    children: list[Tree]


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        (str, "utf8"),
        (bytes, "bytes"),
        (int, "json:int"),
        (float, "json:float"),
        (bool, "json:bool"),
        (Optional[str], "utf8"),  # noqa: UP045
        (str | None, "utf8"),
        (list[int], "json:list[int]"),
        (serde.int64, "int64"),
        (serde.json, "json"),
        (dict, "json:dict"),
    ],
)
def test_each_type_has_its_format(kind: Any, identity: str) -> None:
    assert resolve(kind).id == identity


def test_a_serde_stands_for_itself() -> None:
    assert resolve(serde.int64) is serde.int64


def test_a_type_that_contains_itself() -> None:
    tree = Tree([Tree([])])
    assert resolve(Tree).decode(resolve(Tree).encode(tree)) == tree


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("str", "write str without the quotes"),
        ("two words", "is a string, not a type"),
        (5, "write int"),
        ([1], "not a type"),
        (None, "null needs no serde"),
        (Any, "serde.json"),
        (object, "serde.json"),
        (T, "says nothing"),
        (math, "is a module"),
        (len, r"serde\.of\(encode, decode\)"),
        (lambda value: value, r"serde\.of\(encode, decode\)"),
        (Plain, "Make it one, for example with @dataclass"),
        (list[Plain], r"inside list\["),
        (Holder, r"no format for .*Plain \(inside .*Holder"),
        (dict[str, object], "typing.Any"),
        (list["Nowhere"], "no format"),  # type: ignore[name-defined]  # noqa: F821
    ],
)
def test_what_is_no_type_gets_advice(kind: Any, advice: str) -> None:
    with pytest.raises(SerdeError, match=advice):
        resolve(kind)
