"""The applications that are measured, by their names in the peers' comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streams import App
from tests.benchmarks.inputs import MIN_PRICE, Row, bids, lines


class Bid(msgspec.Struct):
    """The fields that the work uses; the others are skipped by the decoder."""

    auction: int
    price: int
    ts: int


class Converted(msgspec.Struct):
    auction: int
    euros: int
    ts: int


def to_euros(bid: Bid) -> Converted:
    return Converted(bid.auction, bid.price * 908 // 1000, bid.ts)


def itself(word: str) -> str:
    return word


@dataclass(frozen=True, kw_only=True)
class Work:
    """One application, its input, and how many units (records, or words) an input row is."""

    name: str
    topic: str
    rows: Callable[[int], Iterator[Row]]
    build: Callable[[Path, dict[str, Any]], App]
    units_per_row: float


def filter_map(data_dir: Path, settings: dict[str, Any]) -> App:
    """W1: JSON in, half of the bids kept, dollars to euros, JSON out."""
    app = App("w1", data_dir=data_dir, **settings)
    stream = app.stream("bids", key=bytes, value=Bid)
    stream.filter(lambda bid: bid.price > MIN_PRICE).map_values(to_euros).to("converted")
    return app


def word_count(data_dir: Path, settings: dict[str, Any]) -> App:
    """W2: lines to words, repartition by word, count in a changelogged store, updates out."""
    app = App("w2", data_dir=data_dir, **settings)
    words = app.stream("lines", key=bytes, value=str).flat_map_values(str.split, value=str).group_by(itself)
    words.count(store="counts").to_stream().to("word-counts")
    return app


WORKS = {
    "w1": Work(name="w1", topic="bids", rows=bids, build=filter_map, units_per_row=1.0),
    "w2": Work(name="w2", topic="lines", rows=lines, build=word_count, units_per_row=10.0),
}
