"""Which segments may go: whole ones from the front, by age, size and start, nothing that is not durable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker_core.config import LogConfig
from broker_core.log.results import SegmentFacts
from broker_core.log.retention import RetentionPlan, plan_retention

NOW = 1_000_000
KEEP_ALL = LogConfig(retention_ms=-1, retention_bytes=-1)
SEGMENTS = [SegmentFacts(10 * index, 10 * index + 10, 100, NOW - 1_000 + 100 * index) for index in range(4)]


def plan(config: LogConfig, *, start: int = 0, durable: int = 40, now: int = NOW) -> RetentionPlan | None:
    return plan_retention(SEGMENTS, config, start_offset=start, durable_offset=durable, now_ms=now)


def test_nothing_is_deleted_without_a_limit() -> None:
    assert plan(KEEP_ALL) is None
    assert plan(replace(KEEP_ALL, cleanup_policy=frozenset({"compact"}))) is None


@pytest.mark.parametrize(("retention_ms", "count"), [(1_000, 0), (999, 1), (850, 2), (750, 3)])
def test_age_is_that_of_the_newest_record(retention_ms: int, count: int) -> None:
    found = plan(replace(KEEP_ALL, retention_ms=retention_ms))
    assert found == (RetentionPlan(roll=False, start_offset=10 * count, count=count) if count else None)


def test_when_everything_is_too_old_the_active_segment_is_rolled_first() -> None:
    assert plan(replace(KEEP_ALL, retention_ms=1)) == RetentionPlan(roll=True, start_offset=40, count=4)
    assert plan(replace(KEEP_ALL, retention_ms=1), durable=39) == RetentionPlan(roll=False, start_offset=30, count=3)


@pytest.mark.parametrize(("index", "timestamp", "count"), [(1, NOW + 10**9, 1), (1, -1, 4), (3, -1, 3)])
def test_a_time_in_the_future_holds_up_what_is_behind_it_and_none_goes_with_the_next(
    index: int, timestamp: int, count: int
) -> None:
    segments = [*SEGMENTS]
    segments[index] = segments[index]._replace(max_timestamp=timestamp)
    found = plan_retention(segments, replace(KEEP_ALL, retention_ms=1), start_offset=0, durable_offset=40, now_ms=NOW)
    assert found == RetentionPlan(roll=count == 4, start_offset=10 * count, count=count)


def test_a_clock_that_jumps_back_deletes_nothing() -> None:
    assert plan(replace(KEEP_ALL, retention_ms=1_000), now=0) is None


@pytest.mark.parametrize(("limit", "count"), [(400, 0), (301, 0), (300, 1), (200, 2), (101, 2), (0, 4)])
def test_at_least_retention_bytes_are_left(limit: int, count: int) -> None:
    found = plan(replace(KEEP_ALL, retention_bytes=limit))
    assert (found.count if found else 0) == count


def test_an_empty_active_segment_is_never_a_reason_to_roll() -> None:
    segments = [*SEGMENTS, SegmentFacts(40, 40, 0, -1)]
    found = plan_retention(
        segments, replace(KEEP_ALL, retention_bytes=0, retention_ms=1), start_offset=0, durable_offset=40, now_ms=NOW
    )
    assert found == RetentionPlan(roll=False, start_offset=40, count=4)


def test_what_lies_below_the_start_goes_whatever_the_policy_and_the_active_segment_stays() -> None:
    compacted = replace(KEEP_ALL, cleanup_policy=frozenset({"compact"}))
    assert plan(compacted, start=25) == RetentionPlan(roll=False, start_offset=25, count=2)
    assert plan(compacted, start=40) == RetentionPlan(roll=False, start_offset=40, count=3)


def test_a_compacted_topic_forgets_by_age_only_if_it_also_deletes() -> None:
    both = replace(KEEP_ALL, cleanup_policy=frozenset({"compact", "delete"}), retention_ms=850)
    assert plan(both) == RetentionPlan(roll=False, start_offset=20, count=2)
    assert plan(replace(both, cleanup_policy=frozenset({"compact"}))) is None
