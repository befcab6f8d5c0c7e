from __future__ import annotations

import pytest

from broker_core.log.aborted import AbortedTransaction, IndexedAbort, collect_aborts, decode_aborts, encode_aborts
from broker_core.log.index import BadIndexError
from tests.unit.broker_core.log.documents import hex_example

ENTRIES = [IndexedAbort(4000, 95, 120, 90), IndexedAbort(4001, 130, 140, 141)]


def test_the_index_is_written_and_read_as_documented() -> None:
    assert encode_aborts(ENTRIES) == hex_example("transaction_index.md")
    assert decode_aborts(hex_example("transaction_index.md"), 100, 141) == ENTRIES


@pytest.mark.parametrize(
    ("data", "base", "end"),
    [
        (encode_aborts(ENTRIES)[:-1], 100, 141),
        (b"\0\1" + encode_aborts(ENTRIES)[2:], 100, 141),
        (encode_aborts(ENTRIES), 121, 141),
        (encode_aborts(ENTRIES), 100, 140),
        (encode_aborts(ENTRIES[::-1]), 100, 141),
        (encode_aborts([IndexedAbort(1, 120, 120, 0)]), 100, 141),
        (bytes(68), 0, 141),
    ],
    ids=["torn", "version", "marker before", "marker behind", "order", "no data", "zeros"],
)
def test_an_implausible_index_is_refused(data: bytes, base: int, end: int) -> None:
    with pytest.raises(BadIndexError):
        decode_aborts(data, base, end)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, 95, []), (0, 96, [4000]), (96, 97, [4000]), (120, 130, [4000]), (121, 130, []), (110, 131, [4000, 4001])],
)
def test_a_read_is_told_what_overlaps_it(start: int, stop: int, expected: list[int]) -> None:
    """Also a transaction that begins before the read, or whose marker is the only thing in it."""
    found = collect_aborts([ENTRIES], start, stop)
    assert [aborted.producer_id for aborted in found] == expected


def test_markers_may_lie_segments_behind_the_data() -> None:
    assert collect_aborts([[], [], ENTRIES], 95, 96) == (AbortedTransaction(4000, 95),)


def test_the_search_stops_where_later_aborts_cannot_reach_back() -> None:
    """Once the last stable offset had passed the end of the read, no transaction with data in it was undecided."""

    def unreachable() -> object:
        raise AssertionError("searched on")

    def segments() -> object:
        yield [IndexedAbort(1, 10, 20, 21)]
        unreachable()

    assert collect_aborts(segments(), 0, 15) == (AbortedTransaction(1, 10),)  # type: ignore[arg-type]
