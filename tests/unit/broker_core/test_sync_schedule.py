"""Syncs fall due by the broker's rule, or earlier where a topic asks for it."""

from __future__ import annotations

from broker_core.config import LONG_MAX, Durability, LogConfig
from broker_core.model import TopicPartition
from broker_core.sync_schedule import SyncSchedule

A, B = TopicPartition("a", 0), TopicPartition("b", 0)
PLAIN = LogConfig()


def test_the_first_append_since_a_sync_starts_the_clock() -> None:
    schedule = SyncSchedule(Durability.INTERVAL, 100)
    assert not schedule.appended(A, 1, PLAIN, 1_000)
    assert not schedule.appended(B, 1, PLAIN, 1_050)
    assert not schedule.appended(A, 2, PLAIN, 1_060)
    assert schedule.next_ms == 1_100
    assert (schedule.due(1_099), schedule.due(1_100), schedule.due(1_100)) == ([], [A], [])
    assert schedule.next_ms == 1_150
    schedule.taken(B)
    assert schedule.due(9_999) == []
    assert schedule.next_ms == LONG_MAX


def test_a_clock_that_went_back_delays_no_sync_for_longer_than_the_interval_after_it() -> None:
    schedule = SyncSchedule(Durability.INTERVAL, 100)
    schedule.appended(A, 1, PLAIN, 50_000)
    schedule.taken(A)
    schedule.appended(A, 2, PLAIN, 10)
    assert schedule.due(110) == [A]


def test_without_an_interval_only_topics_ask() -> None:
    schedule = SyncSchedule(Durability.NONE, 100)
    assert not schedule.appended(A, 10**6, PLAIN, 0)
    assert schedule.next_ms == LONG_MAX
    assert not schedule.appended(A, 2, LogConfig(flush_messages=3), 0)
    assert schedule.appended(A, 3, LogConfig(flush_messages=3), 0)
    schedule.appended(A, 1, LogConfig(flush_ms=7), 0)
    assert schedule.next_ms == 7


def test_who_waits() -> None:
    assert SyncSchedule(Durability.SYNCED, 0).waits(PLAIN)
    assert SyncSchedule(Durability.SYNCED, 0).syncs_everything
    assert not SyncSchedule(Durability.INTERVAL, 9).waits(PLAIN)
    assert SyncSchedule(Durability.NONE, 0).waits(LogConfig(flush_messages=1))
