"""Shapes: the number of required parameters chooses, and what fits no shape is told what would."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

import pytest

from streams.dsl.functions import SHAPES, display_name, shape_function, timestamp_function
from streams.errors import TopologyError


def optional(value: int, scale: int = 2) -> int:
    return value * scale


def all_optional(value: int = 0, key: int = 0) -> int:
    return value


def starred(*values: int) -> int:
    return len(values)


def two_and_more(key: int, value: int, *more: int) -> int:
    return key


def keyword_only(value: int, *, scale: int) -> int:
    return value * scale


async def coroutine(value: int) -> int:
    return value


async def async_generator(value: int) -> AsyncIterator[int]:
    yield value


def generator(value: int) -> Iterator[int]:
    yield value


class Callable:
    def __call__(self, key: int, value: int) -> int:
        return key

    def method(self, value: int) -> int:
        return value


class AsyncCallable:
    async def __call__(self, value: int) -> int:
        return value


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lambda value: value, ("value",)),
        (lambda key, value: value, ("key", "value")),
        (lambda key, value, context: value, ("key", "value", "context")),
        (lambda whatever, it_is_called: 1, ("key", "value")),
        (optional, ("value",)),
        (all_optional, ("value",)),
        (starred, ("value",)),
        (two_and_more, ("key", "value")),
        (int, ("value",)),
        (str.upper, ("value",)),
        (str.split, ("value",)),
        (len, ("value",)),
        (print, ("value",)),
        (operator.itemgetter("a"), ("value",)),
        (operator.add, ("key", "value")),
        (functools.partial(two_and_more, 1), ("value",)),
        (functools.partial(keyword_only, scale=2), ("value",)),
        (Callable(), ("key", "value")),
        (Callable().method, ("value",)),
    ],
)
def test_the_number_of_required_parameters_chooses(function: Any, arguments: tuple[str, ...]) -> None:
    assert shape_function(function, "map_values", "").arguments == arguments


@pytest.mark.parametrize(
    ("operator_name", "function", "arguments"),
    [
        ("aggregate", lambda total, value: total, ("aggregate", "value")),
        ("aggregate", lambda key, total, value: total, ("key", "aggregate", "value")),
        ("reduce", max, ("aggregate", "value")),
        ("initializer", lambda: 0, ()),
        ("initializer", dict, ()),
        ("timestamp", lambda value: 0, ("value",)),
        ("partitioner", lambda topic, key, value, partitions: 0, ("topic", "key", "value", "partitions")),
        ("flat_map_values", generator, ("value",)),
    ],
)
def test_each_operator_has_its_shapes(operator_name: str, function: Any, arguments: tuple[str, ...]) -> None:
    assert shape_function(function, operator_name, "").arguments == arguments


@pytest.mark.parametrize(
    ("operator_name", "function", "message"),
    [
        ("filter", lambda: True, r"with \(value\) or \(key, value\) or .*; lambda\(\) takes no parameters"),
        ("filter", lambda a, b, c, d: True, r"lambda\(a, b, c, d\) requires 4 parameters"),
        ("reduce", lambda value: value, r"with \(aggregate, value\); lambda\(value\) requires 1 parameter$"),
        ("aggregate", lambda a, b, c, d: a, r"\(aggregate, value\) or \(key, aggregate, value\); .* requires 4"),
        ("initializer", lambda value: 0, r"with \(\); lambda\(value\) requires 1"),
        ("partitioner", lambda key: 0, r"\(topic, key, value, partitions\)"),
        (
            "map_values",
            keyword_only,
            r"keyword_only its keyword-only parameter 'scale'; .*functools\.partial\(keyword_only",
        ),
        ("filter", "price > 5", r"takes a function, not 'price > 5' \(str\): for a field"),
        ("filter", "price", r"write lambda value: value\.price"),
        ("filter", None, r"not None: pass the function itself, without calling it"),
        ("filter", True, r"takes a function, not True \(bool\)"),
        ("filter", [1], r"takes a function, not \[1\] \(list\)"),
        ("map_values", coroutine, r"coroutine is async\. Write it as a plain function"),
        ("flat_map_values", async_generator, r"is async"),
        ("map_values", AsyncCallable(), r"AsyncCallable is async"),
        ("map_values", generator, r"is a generator .*use flat_map_values"),
    ],
)
def test_what_fits_no_shape_is_told_what_would(operator_name: str, function: Any, message: str) -> None:
    with pytest.raises(TopologyError, match=message) as caught:
        shape_function(function, operator_name, "app.py:3")
    assert str(caught.value).startswith(f"app.py:3: {operator_name}(...)")


def test_a_name_for_conversation() -> None:
    assert display_name(lambda value: value) == "lambda"
    assert display_name(optional) == "optional"
    assert display_name(operator.itemgetter("a")) == "itemgetter"


@dataclass
class Bid:
    price: float
    when: datetime


class Dictionary(TypedDict):
    when: int


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Bid, Bid(1.0, datetime(2026, 1, 1))),
        (Dictionary, {"when": 7}),
        (dict[str, int], {"when": 7}),
        (dict, {"when": 7}),
    ],
)
def test_a_field_gives_the_timestamp(kind: Any, value: Any) -> None:
    function = timestamp_function("when", kind, "")
    assert function.arguments == ("value",)
    assert function.call(value) == (value["when"] if isinstance(value, dict) else value.when)


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TopologyError, match=r"timestamp='whne'\): Bid has no such field; it has price, when"):
        timestamp_function("whne", Bid, "app.py:1")


def test_the_reference_has_every_shape() -> None:
    """docs/reference/functions.md is the table of this module."""
    page = (Path(__file__).parents[4] / "docs" / "reference" / "functions.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.M))
    for name, shapes in SHAPES.items():
        assert rows[name] == ", ".join(f"`({', '.join(shape)})`" for shape in shapes)
