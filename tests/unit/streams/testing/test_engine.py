"""The tasks under the driver: what one step does, before the driver makes a test's step of several."""

from __future__ import annotations

from streams.runtime.plan import partition_counts
from streams.testing import engine as engine_module
from streams.testing.clock import ManualClock
from streams.testing.engine import DriverEngine
from streams.testing.memory_log import LoggedRecord, MemoryLog
from tests.unit.streams.testing.apps import word_count


def make(*, transactional: bool = True, cache: bool = False) -> tuple[DriverEngine, MemoryLog]:
    topology = word_count()[0].topology()
    counts = partition_counts(topology, {"lines": 2})
    log = MemoryLog(lambda topic: counts.get(topic, 2), transactional=transactional)
    found = DriverEngine(
        topology, counts, log, transactional=transactional, cache=cache, cache_max_bytes=1 << 20, clock=ManualClock()
    )
    return found, log


def rows(engine: DriverEngine) -> dict[bytes, bytes]:
    return {key: value for partition in engine.rows("counts") for key, value in partition.range()}


def test_nothing_goes_beyond_an_internal_topic_before_the_commit() -> None:
    engine, log = make()
    log.send("lines", LoggedRecord(None, b"a b", 0), None)
    assert engine.process() == 0, "not delivered yet"
    engine.deliver()
    assert engine.process() == 1
    engine.deliver()
    assert engine.process() == 0
    engine.commit()
    engine.deliver()
    assert engine.process() == 2
    assert rows(engine) == {}
    engine.commit()
    assert rows(engine) == {b"a": b"1", b"b": b"1"}


def test_finishing_commits_until_internal_topics_are_empty() -> None:
    for cache in (False, True):
        engine, log = make(cache=cache)
        log.send("lines", LoggedRecord(None, b"a b a", 0), None)
        engine.deliver()
        engine.process()
        engine.finish()
        assert rows(engine) == {b"a": b"2", b"b": b"1"}
        assert log.output_counts()["counted"] == (2 if cache else 3)


def test_a_stop_takes_back_what_is_open() -> None:
    engine, log = make()
    log.send("lines", LoggedRecord(None, b"a", 0), None)
    engine.deliver()
    engine.process()
    engine.stop()
    assert log.output_counts() == {}
    engine.crash()
    engine.process()
    engine.finish()
    assert rows(engine) == {b"a": b"1"}


def test_state_that_was_flushed_is_replayed_from_where_it_reaches() -> None:
    """A crash after a flush: rows from the back end, the rest from the changelog, nothing twice."""
    engine, log = make()
    for number in range(7):
        log.send("lines", LoggedRecord(None, b"a", number), None)
        engine.deliver()
        engine.process()
        engine.finish()
        if number == 3:
            for running in engine._tasks:
                running.stores.flush_backend()
    engine.crash()
    assert rows(engine) == {b"a": b"7"}


def test_state_is_flushed_now_and_then() -> None:
    """What a crash has to replay, and what undoing it takes, is bounded."""
    engine, log = make()
    for number in range(engine_module.FLUSH_EVERY_COMMITS // 2 + 1):
        if number == 1:
            assert sum(engine._state.unflushed_batches().values()) > 0
        log.send("lines", LoggedRecord(None, b"a", number), None)
        engine.deliver()
        engine.process()
        engine.finish()
    assert sum(engine._state.unflushed_batches().values()) <= 4
    assert rows(engine) == {b"a": str(number + 1).encode()}
