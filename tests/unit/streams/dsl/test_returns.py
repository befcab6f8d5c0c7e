"""Types of results come from what is written down, and from nothing else."""

from __future__ import annotations

import functools
import operator
from collections.abc import Generator, Iterable, Iterator
from typing import Any, TypeVar

import pytest

from streams.dsl.returns import UNKNOWN, element_of, pair_of, returned

T = TypeVar("T")


class Bid:
    def __init__(self, price: float) -> None:
        self.price = price

    def doubled(self) -> float:
        return self.price * 2

    def __call__(self, value: int) -> bytes:
        return b""


def named(value: str) -> list[str]:
    return [value]


def silent(value: str):  # type: ignore[no-untyped-def]
    return value


def anything(value: str) -> Any:
    return value


def same(value: T) -> T:
    return value


def nothing(value: str) -> None:
    return None


def unfindable(value: str) -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
    return value


@functools.lru_cache
def cached(value: str) -> int:
    return len(value)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (named, list[str]),
        (cached, int),
        (functools.partial(named, "a"), list[str]),
        (Bid, Bid),
        (int, int),
        (list[str], list[str]),
        (Bid.doubled, float),
        (Bid(1).doubled, float),
        (Bid(1), bytes),
        (str.split, list[str]),
        (str.lower, str),
        (str.encode, bytes),
        (bytes.decode, str),
        (len, int),
        (lambda value: 5, UNKNOWN),
        (silent, UNKNOWN),
        (anything, UNKNOWN),
        (same, UNKNOWN),
        (nothing, UNKNOWN),
        (unfindable, UNKNOWN),
        (operator.itemgetter(0), UNKNOWN),
        (print, UNKNOWN),
        ("a".join, UNKNOWN),
        (type, UNKNOWN),
    ],
)
def test_what_a_function_returns(function: Any, kind: Any) -> None:
    assert returned(function) == kind


@pytest.mark.parametrize(
    ("iterable", "kind"),
    [
        (list[str], str),
        (Iterable[int], int),
        (Iterator[bytes], bytes),
        (Generator[int, None, None], int),
        (tuple[int, ...], int),
        (tuple[int, int], int),
        (tuple[int, str], UNKNOWN),
        (list[str] | None, str),
        (set[int], int),
        (dict[str, int], str),
        (str, str),
        (list, UNKNOWN),
        (int, UNKNOWN),
        (UNKNOWN, UNKNOWN),
        (list[Any], UNKNOWN),
    ],
)
def test_what_an_iterable_yields(iterable: Any, kind: Any) -> None:
    assert element_of(iterable) == kind


@pytest.mark.parametrize(
    ("pair", "kinds"),
    [
        (tuple[str, int], (str, int)),
        (tuple[str, int] | None, (str, int)),
        (tuple[Any, int], (UNKNOWN, int)),
        (tuple[int, ...], (UNKNOWN, UNKNOWN)),
        (tuple[int, int, int], (UNKNOWN, UNKNOWN)),
        (UNKNOWN, (UNKNOWN, UNKNOWN)),
    ],
)
def test_what_a_pair_holds(pair: Any, kinds: Any) -> None:
    assert pair_of(pair) == kinds
