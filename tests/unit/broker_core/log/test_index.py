from __future__ import annotations

import pytest

from broker_core.log.index import BadIndexError, OffsetIndex, TimeIndex
from tests.unit.broker_core.log.documents import hex_example

PAGE = "segment.md"


def offset_index(*entries: tuple[int, int]) -> OffsetIndex:
    index = OffsetIndex()
    for offset, position in entries:
        index.append(offset, position)
    return index


def time_index(*entries: tuple[int, int]) -> TimeIndex:
    index = TimeIndex()
    for timestamp, offset in entries:
        index.append_larger(timestamp, offset)
    return index


def test_the_offset_index_is_written_as_documented() -> None:
    assert offset_index((40, 4200), (83, 8466)).encode() == hex_example(PAGE, 0)


def test_the_offset_index_is_read_as_documented() -> None:
    index = OffsetIndex.decode(hex_example(PAGE, 0), 9000)
    assert [index.lookup(offset) for offset in (39, 40, 82, 83, 500)] == [
        None, (40, 4200), (40, 4200), (83, 8466), (83, 8466),
    ]  # fmt: skip


def test_the_index_knows_where_batches_begin() -> None:
    index = offset_index((40, 4200), (83, 8466))
    assert [index.boundary(position) for position in (0, 4199, 4200, 8465, 8466, 9999)] == [
        0,
        0,
        4200,
        4200,
        8466,
        8466,
    ]


def test_the_time_index_is_written_and_read_as_documented() -> None:
    entries = ((1_700_000_000_000, 40), (1_700_000_000_250, 77))
    assert time_index(*entries).encode() == hex_example(PAGE, 1)
    index = TimeIndex.decode(hex_example(PAGE, 1))
    assert index.last == (1_700_000_000_250, 77)
    assert len(index) == 2


def test_time_lookup_is_where_all_before_is_older() -> None:
    """A record with exactly the timestamp that is looked for may lie at the entry's own offset."""
    index = time_index((100, 4), (200, 9))
    assert [index.lookup(timestamp) for timestamp in (99, 100, 101, 200, 201)] == [None, None, 4, 4, 9]


def test_the_time_index_only_grows() -> None:
    index = time_index((100, 4), (100, 6), (90, 8))
    assert index.last == (100, 4)
    assert time_index((-1, 3)).last == (-1, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 7,
        offset_index((40, 4200), (83, 4200)).encode(),
        offset_index((83, 4200), (40, 8466)).encode(),
        offset_index((-1, 10)).encode(),
        offset_index((40, 9000)).encode(),
    ],
    ids=["torn", "same position", "offsets fall", "negative", "beyond the log"],
)
def test_an_implausible_offset_index_is_refused(data: bytes) -> None:
    with pytest.raises(BadIndexError):
        OffsetIndex.decode(data, 9000)


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 11,
        time_index((100, 4)).encode() * 2,
        time_index((100, 4)).encode() + time_index((200, 3)).encode(),
        time_index((100, -4)).encode(),
    ],
    ids=["torn", "same time", "offsets fall", "negative"],
)
def test_an_implausible_time_index_is_refused(data: bytes) -> None:
    with pytest.raises(BadIndexError):
        TimeIndex.decode(data)
