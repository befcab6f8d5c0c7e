"""The applications that are measured, by their names in the peers' comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streams import App, Windowed, hopping, tumbling
from tests.benchmarks.inputs import MIN_PRICE, Row, auctions, bids, few_bids, lines, many_bids


class Bid(msgspec.Struct):
    """The fields that the work uses; the others are skipped by the decoder."""

    auction: int
    price: int
    ts: int


class Converted(msgspec.Struct):
    auction: int
    euros: int
    ts: int


class Counted(msgspec.Struct):
    """A windowed count as the peers write it."""

    auction: int
    start: int
    count: int


def to_euros(bid: Bid) -> Converted:
    return Converted(bid.auction, bid.price * 908 // 1000, bid.ts)


def itself(word: str) -> str:
    return word


def counted(window: Windowed[bytes], count: int) -> Counted:
    return Counted(int(window.key), window.start, count)


class Auction(msgspec.Struct):
    seller: int
    category: int


class Sold(msgspec.Struct):
    auction: int
    price: int
    ts: int
    seller: int
    category: int


def sold(bid: Bid, auction: Auction) -> Sold:
    return Sold(bid.auction, bid.price, bid.ts, auction.seller, auction.category)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One application, its input, and how many units (records, or words) an input row is."""

    name: str
    topic: str
    rows: Callable[[int], Iterator[Row]]
    build: Callable[[Path, dict[str, Any]], App]
    units_per_row: float
    table: tuple[str, Callable[[], Iterator[Row]]] | None = None
    """A compacted topic and its rows, on the log before the input."""


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


def tumbling_count(data_dir: Path, settings: dict[str, Any]) -> App:
    """W3: a count per auction and 10 s; nothing looks at a bid. Updates leave with windowed keys."""
    app = App("w3", data_dir=data_dir, **settings)
    counts = app.stream("bids", key=bytes, value=Bid).group_by_key().windowed_by(tumbling("10s")).count(store="counts")
    counts.to_stream().to("bids-per-auction")
    return app


def tumbling_count_kept(data_dir: Path, settings: dict[str, Any]) -> App:
    """W3 whose windows can be queried for an hour: all keys stay in the store."""
    app = App("w3", data_dir=data_dir, **settings)
    windows = app.stream("bids", key=bytes, value=Bid).group_by_key().windowed_by(tumbling("10s"))
    windows.count(store="counts", retention="1h").to_stream().to("bids-per-auction")
    return app


def tumbling_count_decoded(data_dir: Path, settings: dict[str, Any]) -> App:
    """W3 as the peers do it: the bid is decoded for its event time, and the updates are rows of JSON."""
    app = App("w3", data_dir=data_dir, **settings)
    bids_by_time = app.stream("bids", key=bytes, value=Bid, timestamp="ts")
    counts = bids_by_time.group_by_key().windowed_by(tumbling("10s")).count(store="counts")
    counts.to_stream().map_values(counted, value=Counted).to("bids-per-auction")
    return app


def hopping_count(data_dir: Path, settings: dict[str, Any]) -> App:
    """W4: as W3, in windows of 10 s that begin every 2 s."""
    app = App("w4", data_dir=data_dir, **settings)
    windows = app.stream("bids", key=bytes, value=Bid).group_by_key().windowed_by(hopping("10s", advance="2s"))
    windows.count(store="counts").to_stream().to("bids-per-auction")
    return app


def stream_table_join(data_dir: Path, settings: dict[str, Any]) -> App:
    """W5: every bid meets its auction's row, of 100 000; JSON out."""
    app = App("w5", data_dir=data_dir, **settings)
    table = app.table("auctions", key=bytes, value=Auction)
    app.stream("bids", key=bytes, value=Bid).join(table, sold).to("sold")
    return app


WORKS = {
    "w5": Work(
        name="w5", topic="bids", rows=bids, build=stream_table_join, units_per_row=1.0, table=("auctions", auctions)
    ),
    "w1": Work(name="w1", topic="bids", rows=bids, build=filter_map, units_per_row=1.0),
    "w3": Work(name="w3", topic="bids", rows=bids, build=tumbling_count, units_per_row=1.0),
    "w3-decoded": Work(name="w3", topic="bids", rows=bids, build=tumbling_count_decoded, units_per_row=1.0),
    "w3-2k": Work(name="w3", topic="bids", rows=few_bids, build=tumbling_count_decoded, units_per_row=1.0),
    "w3-1m": Work(name="w3", topic="bids", rows=many_bids, build=tumbling_count, units_per_row=1.0),
    "w3-1m-kept": Work(name="w3", topic="bids", rows=many_bids, build=tumbling_count_kept, units_per_row=1.0),
    "w4": Work(name="w4", topic="bids", rows=bids, build=hopping_count, units_per_row=1.0),
    "w2": Work(name="w2", topic="lines", rows=lines, build=word_count, units_per_row=10.0),
}
