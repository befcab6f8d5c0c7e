"""The table of reducers that are associative, and the user's word for others."""

from __future__ import annotations

import operator
from typing import Any

import pytest

from streams.dsl.associative import is_associative
from streams.dsl.flow import Flow
from streams.errors import TopologyError
from streams.serde import float64, int64, resolve


@pytest.mark.parametrize(
    ("reducer", "kind", "expected"),
    [
        (min, resolve(int), True),
        (max, resolve(str), True),
        (operator.add, int64, True),
        (operator.add, resolve(float), False),
        (max, float64, False),
        (lambda one, other: one + other, resolve(int), False),
        (operator.sub, resolve(int), False),
    ],
)
def test_the_obvious_ones(reducer: Any, kind: Any, expected: bool) -> None:
    assert is_associative(reducer, Flow(serde=kind), None, "") is expected


def test_the_users_word_counts() -> None:
    assert is_associative(operator.sub, Flow(), True, "")
    assert not is_associative(max, Flow(serde=resolve(int)), False, "")


def test_a_sum_of_floats_is_refused() -> None:
    with pytest.raises(TopologyError, match=r"app\.py:3: .*the order of a sum of floats shows"):
        is_associative(operator.add, Flow(serde=resolve(float)), True, "app.py:3")
