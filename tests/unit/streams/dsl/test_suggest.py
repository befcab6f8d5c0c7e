"""Proposals for messages: right where a function gives its type away, silent elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from streams.dsl.flow import Flow
from streams.dsl.functions import shape_function
from streams.dsl.suggest import suggested
from streams.serde import resolve


@dataclass
class Seller:
    name: str


@dataclass
class Bid:
    auction: int
    seller: Seller
    tags: list[str]


def helper(bid: Bid) -> float:
    return 1.0


def body(bid):  # type: ignore[no-untyped-def]
    if bid.auction:
        return 1
    return "x"


BID = Flow(serde=resolve(Bid))
TEXT = Flow(serde=resolve(str))


@pytest.mark.parametrize(
    ("function", "proposal"),
    [
        (lambda bid: bid, "Bid"),
        (lambda key, bid: key, "str"),
        (lambda bid: bid.auction, "int"),
        (lambda bid: bid.seller.name, "str"),
        (lambda bid: bid.tags, "list[str]"),
        (lambda bid: bid.seller.name.split(), "list[str]"),
        (lambda bid: bid.seller.name.upper(), "str"),
        (lambda bid: bid.seller.name.split(","), "list[str]"),
        (lambda bid: bid.seller.name[0].upper(), ""),
        (lambda bid: helper(bid), "float"),  # noqa: PLW0108
        (lambda bid: Seller("x"), "Seller"),
        (lambda bid: 5, "int"),
        (lambda bid: "x", "str"),
        (lambda bid: len(bid.tags), "int"),
        (lambda bid: bid.auction + 1, ""),
        (lambda bid: bid.nothing, ""),
        (lambda bid: None, ""),
        (lambda bid: bid.tags[0], ""),
        (body, ""),
        (len, ""),
    ],
)
def test_a_type_is_proposed_where_it_shows(function: Any, proposal: str) -> None:
    shaped = shape_function(function, "map_values", "")
    assert suggested(shaped, TEXT, BID) == proposal


def test_of_one_element() -> None:
    shaped = shape_function(lambda bid: bid.tags, "flat_map_values", "")
    assert suggested(shaped, TEXT, BID, each=True) == "str"


@pytest.mark.parametrize(("function", "proposal"), [(lambda: 0, "int"), (lambda: [], "list"), (lambda: {}, "dict")])
def test_of_an_initializer(function: Any, proposal: str) -> None:
    assert suggested(shape_function(function, "initializer", ""), Flow(), Flow()) == proposal
