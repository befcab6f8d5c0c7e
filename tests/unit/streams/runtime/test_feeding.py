"""A feed's items become columns; its position goes on where the last commit left it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from streams.errors import StreamsError
from streams.model import OffsetAndMetadata, OutputColumns, Record, TopicPartition
from streams.runtime.feeding import Feeder, feeds_group
from streams.serde import resolve
from streams.serde.own import own_type
from streams.topology.feed import Feed, Once


class Sent:
    """In a producer's place: keeps the columns."""

    def __init__(self) -> None:
        self.columns: list[OutputColumns] = []

    def append_output(self, columns: OutputColumns, partition_count: int) -> None:
        self.columns.append(columns)

    @property
    def values(self) -> list[bytes | None]:
        return [value for columns in self.columns for value in columns.values]


def feeder(source: Any, sent: Sent, *, committed: OffsetAndMetadata | None = None, **options: Any) -> Feeder:
    serdes = {"key_serde": own_type, "value_serde": resolve(int)}
    feed = Feed(topic="numbers", source=source, **{**serdes, **options})
    return Feeder(feed, sent, partitions=2, committed=committed)  # type: ignore[arg-type]


def test_items_go_in_portions_until_the_end() -> None:
    sent = Sent()
    fed = feeder(range(5), sent)
    assert [fed.feed(2, 7) for _ in range(4)] == [2, 2, 1, 0]
    assert sent.values == [b"0", b"1", b"2", b"3", b"4"]
    assert (fed.exhausted, fed.offset()) == (True, OffsetAndMetadata(5, ""))
    assert sent.columns[0].timestamps == [7, 7]
    assert fed.slot == TopicPartition("numbers", 0)


def test_an_iterable_goes_on_after_the_committed_count() -> None:
    sent = Sent()
    fed = feeder(range(5), sent, committed=OffsetAndMetadata(3, ""))
    assert fed.feed(10, 0) == 2
    assert sent.values == [b"3", b"4"]


def test_a_function_is_called_with_the_position() -> None:
    asked: list[Any] = []

    def source(position: Any) -> Iterable[int]:
        asked.append(position)
        return range(0 if position is None else position["next"], 4)

    fed = feeder(source, Sent(), position_of=lambda item: {"next": item + 1})
    fed.feed(2, 0)
    again = feeder(source, Sent(), position_of=lambda item: {"next": item + 1}, committed=fed.offset())
    assert again.feed(10, 0) == 2
    assert asked == [None, {"next": 2}]
    assert fed.offset() == OffsetAndMetadata(2, '{"next":2}')


def test_a_function_without_resume_gets_the_count() -> None:
    asked: list[Any] = []

    def source(position: Any) -> list[int]:
        asked.append(position)
        return []

    feeder(source, Sent()).feed(1, 0)
    feeder(source, Sent(), committed=OffsetAndMetadata(9, "")).feed(1, 0)
    assert asked == [None, 9]


def test_pairs_and_records() -> None:
    sent = Sent()
    feeder([("a", 1), (None, 2)], sent, keyed=True).feed(5, 3)
    feeder([Record(key="b", value=None, timestamp=9, headers=(("h", b"x"),)), 5], sent).feed(5, 4)
    assert [columns.keys for columns in sent.columns] == [[b"a", None], [b"b", None]]
    assert [columns.timestamps for columns in sent.columns] == [[3, 3], [9, 4]]
    assert sent.columns[1].values == [None, b"5"]
    assert sent.columns[1].headers == [(("h", b"x"),), ()]


def test_nothing_now_is_not_the_end() -> None:
    sent = Sent()
    fed = feeder(iter([1, None, 2]), sent)
    assert [fed.feed(5, 0) for _ in range(3)] == [1, 1, 0]
    assert fed.exhausted
    assert feeder([None, 1, None, 2, 3], sent, committed=OffsetAndMetadata(2, "")).feed(5, 0) == 1
    assert sent.values[-1] == b"3"


def failing() -> Iterator[int]:
    yield 1
    raise OSError("gone")


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (failing(), {}, "failed after 0 items: OSError: gone"),
        (["x"], {}, "item 0 fed into topic 'numbers' .*the value 'x' is of type str, but value=int is declared"),
        ([object()], {"value_serde": own_type}, "item 0 .*does not fit its types: .*object"),
        ([(1,)], {"keyed": True}, r"\(1,\) is no \(key, value\) pair"),
        ([1], {"position_of": lambda item: {1, 2}}, "set is not JSON serializable"),
    ],
)
def test_what_goes_wrong_is_told(source: Any, options: dict[str, Any], message: str) -> None:
    sent = Sent()
    fed = feeder(source, sent, **options)
    with pytest.raises(StreamsError, match=message):
        fed.feed(5, 0)
    assert (sent.columns, fed.dirty) == ([], False)


def test_the_group_is_the_applications_own() -> None:
    assert feeds_group("words") == "words-feeds"


def test_a_source_that_can_be_gone_through_once_goes_on_where_it_stands() -> None:
    """A second life in the same process skips what the first one took, not as much again."""
    source = Once(iter(range(6)))
    assert feeder(source, Sent()).feed(4, 0) == 4
    sent = Sent()
    assert feeder(source, sent, committed=OffsetAndMetadata(4, "")).feed(10, 0) == 2
    assert sent.values == [b"4", b"5"]


def test_what_such_a_source_gave_and_nobody_committed_is_not_lost_silently() -> None:
    source = Once(iter(range(6)))
    assert feeder(source, Sent()).feed(4, 0) == 4
    with pytest.raises(StreamsError, match=r"has given 4 items, of which 3 are committed.*run the program again"):
        feeder(source, Sent(), committed=OffsetAndMetadata(3, "")).feed(10, 0)


@pytest.mark.parametrize(
    "record", [Record(key=None, value=1, timestamp=-1), Record(key=None, value=1, timestamp=2**63)]
)
def test_a_timestamp_that_no_batch_can_hold(record: Record[None, int]) -> None:
    with pytest.raises(StreamsError, match=r"item 0 .*the timestamp"):
        feeder([record], Sent()).feed(1, 0)
