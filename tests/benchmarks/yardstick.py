"""The yardstick Y: a plain loop over the bids in memory, msgspec decode and a dict count, no durability.

Taken just before and after every measurement; the best of three each time. ``0.20 Y`` means a fifth of its rate.
"""

from __future__ import annotations

import time

import msgspec

from tests.benchmarks.inputs import bids


class Bid(msgspec.Struct):
    auction: int
    bidder: int
    price: int
    channel: str
    ts: int
    url: str


class Yardstick:
    """Rates in bids per CPU second."""

    def __init__(self, count: int = 200_000) -> None:
        self._values = [value for _, value, _ in bids(count)]

    def rate(self) -> float:
        return max(self._once() for _ in range(3))

    def _once(self) -> float:
        decode = msgspec.json.Decoder(Bid).decode
        counts: dict[int, int] = {}
        began = time.process_time()
        for value in self._values:
            auction = decode(value).auction
            counts[auction] = counts.get(auction, 0) + 1
        return len(self._values) / (time.process_time() - began)
