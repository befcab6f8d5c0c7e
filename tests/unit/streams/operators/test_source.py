"""Sources: timestamps, extractors, offsets, parts of batches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.errors import ProcessingError
from streams.operators.drops import NEGATIVE_TIMESTAMP
from streams.operators.source import PreparedBatch, milliseconds, offsets_of
from tests.unit.streams.chains import Runner, aggregate, batch_of, chain, function, run, sink, source


def test_a_negative_timestamp_is_dropped_and_counted() -> None:
    runner = Runner(chain(source(), sink())).send((b"a", b"1", -1), (b"b", b"2", 0))
    assert runner.rows() == [(b"b", b"2", 0)]
    assert runner.dropped == {("in", NEGATIVE_TIMESTAMP): 1}


def test_a_negative_timestamp_is_dropped_before_a_counted_column() -> None:
    runner = Runner(chain(source(), aggregate("counts", "count")), cache=True).send((b"a", b"1", -1), (b"b", b"2", 0))
    assert runner.flush().stored("counts-store") == {b"b": b"1"}
    assert runner.dropped == {("in", NEGATIVE_TIMESTAMP): 1}


def test_the_extractor_gives_the_timestamp_and_null_values_keep_their_own() -> None:
    node = source(timestamp=function(lambda value: value * 100 - 200))
    assert run((node, sink()), (b"a", b"5", 1), (b"b", None, 2), (b"c", b"1", 3)) == [
        (b"a", b"5", 300),
        (b"b", None, 2),
    ]


def test_an_extractor_over_a_counted_column() -> None:
    node = source(timestamp=function(lambda value: value))
    runner = Runner(chain(node, aggregate("counts", "count")), cache=True)
    runner.send((b"a", b"5", 1), (b"a", b"-3", 2)).flush()
    assert runner.stores.store("counts-store").get_with_timestamp(b"a") == (b"1", 5)


@pytest.mark.parametrize(
    ("bad", "why"), [(b"x", "value's 1 byte is not value=int"), (b"0", "ZeroDivisionError"), (b"8", "aware datetime")]
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_failing_extractor_fails_when_its_records_turn_comes(bad: bytes, why: str, at: int) -> None:
    """Records before it in the batch are processed: preparing a batch ahead of time stops nothing."""
    node = source(timestamp=function(lambda value: "late" if value == 8 else 100 // value))
    runner = Runner(chain(node, sink()))
    rows = [(b"k%d" % index, bad if index == at else b"%d" % (index + 1), 7) for index in range(3)]
    batch = runner.bound.prepare(batch_of("in", rows, base=40))
    assert isinstance(batch, PreparedBatch)
    runner.bound.process["in"](batch, 0, at)
    with pytest.raises(ProcessingError, match=why) as caught:
        runner.bound.process["in"](batch, 0, len(batch.keys))
    assert (caught.value.operator, caught.value.offset, caught.value.key) == ("in", 40 + at, f"k{at}")
    assert caught.value.__cause__ is not None
    assert [row[0] for row in runner.rows()] == [b"k%d" % index for index in (*range(at), *range(at))]


def test_points_in_time() -> None:
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)) == 1500
    assert milliseconds(7) == 7
    with pytest.raises(ValueError, match="time zone"):
        milliseconds(datetime(2024, 1, 1))
    for wrong in (1.5, "1", True, None):
        with pytest.raises(TypeError, match="int of milliseconds"):
            milliseconds(wrong)


def test_offsets_with_and_without_gaps() -> None:
    rows = [(None, None, 0)] * 4
    assert list(offsets_of(batch_of("in", rows, base=10), 1, 3)) == [11, 12]
    assert list(offsets_of(batch_of("in", rows, base=10, offsets=[10, 12, 15, 19]), 1, 3)) == [12, 15]


def test_only_the_asked_part_of_a_batch_is_processed() -> None:
    runner = Runner(chain(source(), sink()))
    batch = batch_of("in", [(b"%d" % index, b"1", index) for index in range(5)])
    runner.bound.process["in"](batch, 1, 3)
    assert [row[0] for row in runner.rows()] == [b"1", b"2"]
