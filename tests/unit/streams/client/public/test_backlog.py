"""How far an application has got in the columns that are there."""

from __future__ import annotations

import pytest

from streams.client.public.backlog import Backlog
from streams.errors import SerdeError
from streams.model import ColumnBatch, TopicPartition
from streams.serde.resolve import resolve

PLACE, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)


def batch(place: TopicPartition, base: int, *values: bytes | None, offsets: list[int] | None = None) -> ColumnBatch:
    count = len(values)
    return ColumnBatch(place, base, base + count, [None] * count, list(values), [1] * count, None, offsets)


def backlog(*batches: ColumnBatch, value: object = bytes) -> Backlog:
    made = Backlog(resolve(bytes), resolve(value))
    made.add(batches)
    return made


def test_a_record_counts_as_had_when_it_is_handed_out() -> None:
    """Whoever breaks out of a loop has had the record that it broke at, and not the next one."""
    made = backlog(batch(PLACE, 10, b"a", b"b", b"c"))
    for record in made.decoded():
        if record.value == b"b":
            break
    assert made.held() == {PLACE: 12}
    assert [record.value for record in made.decoded()] == [b"c"]
    assert (bool(made), made.held()) == (False, {})


def test_columns_are_the_rest_of_what_was_begun() -> None:
    made = backlog(batch(PLACE, 10, b"a", b"b"), batch(OTHER, 3, b"x"))
    next(made.decoded())
    first, second = made.take()
    assert (first.base_offset, first.values, second.values) == (11, [b"b"], [b"x"])
    assert not made


def test_gaps_in_offsets_are_kept() -> None:
    made = backlog(batch(PLACE, 10, b"a", b"b", offsets=[10, 17]))
    assert next(made.decoded()).offset == 10
    assert made.held() == {PLACE: 17}
    assert made.take()[0].base_offset == 17


def test_what_cannot_be_decoded_names_its_place_and_stays_the_next_one() -> None:
    made = backlog(batch(PLACE, 10, b"1", b"x", b"3"), value=int)
    taken = made.decoded()
    assert next(taken).value == 1
    with pytest.raises(SerdeError, match=r"topic t, partition 0, offset 11: .*seek to offset 12"):
        next(taken)
    assert made.held() == {PLACE: 11}


def test_null_values_are_nobodys_to_decode() -> None:
    assert [record.value for record in backlog(batch(PLACE, 0, None), value=int).decoded()] == [None]


def test_partitions_that_go_take_their_records_along_also_in_the_middle() -> None:
    made = backlog(batch(PLACE, 0, b"a", b"b"), batch(OTHER, 0, b"x", b"y"), batch(PLACE, 2, b"c"))
    taken = made.decoded()
    next(taken)
    made.forget([PLACE])
    assert list(taken) == []
    assert made.held() == {OTHER: 0}
    assert [record.value for record in made.decoded(1)] == [b"x"]
