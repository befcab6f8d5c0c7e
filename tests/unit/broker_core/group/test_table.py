"""Offsets change by replay; the later record wins, whenever its transaction ends."""

from broker_core.decision import RecordOrigin
from broker_core.group.records import CommittedOffset, to_record, to_tombstone
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition

TARGET = TopicPartition("a", 0)


class Log:
    """An offsets partition that replays as it goes."""

    def __init__(self) -> None:
        self.table = OffsetTable(1)
        self.end = 0

    def commit(self, offset: int, producer_id: int = -1, target: TopicPartition = TARGET) -> None:
        record = to_record("g", target, CommittedOffset(offset=offset, committed_ms=0))
        self.table.replay(*record, RecordOrigin(0, self.end, producer_id))
        self.end += 1

    def forget(self, target: TopicPartition = TARGET) -> None:
        self.table.replay(*to_tombstone("g", target), RecordOrigin(0, self.end))
        self.end += 1

    def mark(self, producer_id: int, commit: bool = True) -> None:
        self.table.replay_marker(0, producer_id, commit=commit)
        self.end += 1

    def offset(self) -> int | None:
        found = self.table.committed("g").get(TARGET)
        return None if found is None else found.offset


def test_the_last_plain_commit_wins() -> None:
    log = Log()
    log.commit(5)
    log.commit(3)
    assert log.offset() == 3


def test_a_pending_commit_shows_with_its_marker() -> None:
    log = Log()
    log.commit(5, producer_id=1)
    assert (log.offset(), log.table.unstable("g")) == (None, {TARGET})
    log.mark(1)
    assert (log.offset(), log.table.unstable("g")) == (5, frozenset())


def test_an_abort_drops_it() -> None:
    log = Log()
    log.commit(2)
    log.commit(5, producer_id=1)
    log.mark(1, commit=False)
    assert (log.offset(), log.table.unstable("g")) == (2, frozenset())


def test_a_plain_commit_that_overtook_the_pending_one_stays() -> None:
    log = Log()
    log.commit(5, producer_id=1)
    log.commit(9)
    log.mark(1)
    assert log.offset() == 9


def test_of_two_transactions_the_later_record_wins_not_the_later_marker() -> None:
    log = Log()
    log.commit(5, producer_id=1)
    log.commit(6, producer_id=2)
    log.mark(2)
    log.mark(1)
    assert log.offset() == 6


def test_within_a_transaction_the_last_commit_counts() -> None:
    log = Log()
    log.commit(5, producer_id=1)
    log.commit(6, producer_id=1)
    log.mark(1)
    assert log.offset() == 6


def test_markers_of_other_producers_and_repeated_ones_do_nothing() -> None:
    log = Log()
    log.commit(5, producer_id=1)
    log.mark(2)
    assert log.offset() is None
    log.mark(1)
    log.mark(1)
    assert log.offset() == 5


def test_a_tombstone_forgets_pending_ones_too() -> None:
    """Of a topic that was deleted nothing may come back with a late marker."""
    log = Log()
    log.commit(4)
    log.commit(5, producer_id=1)
    log.forget()
    log.mark(1)
    assert log.offset() is None
    assert not log.table.knows("g")
    assert list(log.table) == []


def test_markers_are_per_partition_of_the_offsets_topic() -> None:
    log = Log()
    log.commit(5, producer_id=1)
    log.table.replay_marker(1, 1, commit=True)
    assert log.offset() is None
