"""Deterministic inputs with a fixed seed, in the shapes that the peers are measured with too.

``bids``: JSON of 109 bytes on average, 80 % of them for 5 000 hot auctions. ``lines``: 8 to 12 words of a vocabulary
of 5 000, Zipf with exponent 1.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

SEED = 20240917
BASE_MS = 1_700_000_000_000
BIDS_PER_10_S = 100_000
AUCTIONS = 100_000
HOT_AUCTIONS = 5_000
MIN_PRICE = 5_000
CHANNELS = ("apple-store", "google-ads", "facebook-app", "baidu-search")
VOCABULARY = 5_000

Row = tuple[bytes, bytes, int]


def bids(count: int, *, auctions: int = AUCTIONS, hot_auctions: int = HOT_AUCTIONS) -> Iterator[Row]:
    """Key (auction id as text), JSON value, timestamp in ms."""
    draw = random.Random(SEED).random
    for index in range(count):
        hot = draw() < 0.8
        auction = 1000 + int(draw() * (hot_auctions if hot else auctions)) * 7919 % auctions
        timestamp = BASE_MS + index * 10_000 // BIDS_PER_10_S
        price = 1 + int(draw() * 10_000)
        value = (
            f'{{"auction":{auction},"bidder":{1000 + int(draw() * 50_000)},"price":{price},'
            f'"channel":"{CHANNELS[int(draw() * 4)]}","ts":{timestamp},"url":"/item/{int(draw() * 1e6):06d}"}}'
        )
        yield b"%d" % auction, value.encode(), timestamp


def few_bids(count: int) -> Iterator[Row]:
    """The same for 2 000 auctions: all of them in every window."""
    return bids(count, auctions=2_000, hot_auctions=500)


def many_bids(count: int) -> Iterator[Row]:
    """The same, each bid for an auction of its own: a million keys within a window of 100 s, to see what they take."""
    for index, (_, value, timestamp) in enumerate(bids(count)):
        yield b"%d" % (1_000_000 + index), value, timestamp


def auctions() -> Iterator[Row]:
    """One row per auction, keys as in ``bids``, before the first bid."""
    draw = random.Random(SEED + 1).random
    for index in range(AUCTIONS):
        value = (
            f'{{"id":{1000 + index},"seller":{int(draw() * 10_000)},"category":{10 + int(draw() * 10)},'
            f'"item":"item-{index:06d}"}}'
        )
        yield b"%d" % (1000 + index), value.encode(), BASE_MS - 1


def lines(count: int) -> Iterator[Row]:
    """Key (line number), text, timestamp in ms."""
    draw = random.Random(SEED + 3)
    words = _vocabulary()
    cumulative: list[float] = []
    total = 0.0
    for rank in range(len(words)):
        total += 1.0 / (rank + 1)
        cumulative.append(total)
    for index in range(count):
        text = " ".join(draw.choices(words, cum_weights=cumulative, k=draw.randint(8, 12)))
        yield b"%d" % index, text.encode(), BASE_MS + index


def _vocabulary() -> list[str]:
    draw = random.Random(SEED + 2)
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        words["".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(3, 9)))] = None
    return list(words)
