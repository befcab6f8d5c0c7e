"""The clock jumps: backwards nothing waits for the time to come again, far forwards nothing written is hurt."""

from __future__ import annotations

import pytest

from broker_core.config import BrokerConfig, Durability
from broker_core.errors import ErrorCode
from broker_core.model import TopicPartition
from tests.unit.broker_core.broker_kit import NOW, Kit, TransactionalProducer, fetched, produce_request, produced

DAY_MS = 24 * 3_600_000
YEARS_MS = 3_650 * DAY_MS
WORDS = TopicPartition("words", 0)


def world(durability: Durability = Durability.SYNCED) -> Kit:
    kit = Kit(config=BrokerConfig(durability=durability), now_ms=NOW + YEARS_MS).open()
    kit.create("words")
    return kit


@pytest.mark.parametrize("jump_ms", [-DAY_MS, -YEARS_MS, YEARS_MS])
def test_writing_and_reading_go_on(jump_ms: int) -> None:
    kit = world()
    assert kit.produce("words", "a").error_code == 0
    kit.tick(jump_ms)
    assert kit.produce("words", "b").base_offset == 1
    assert kit.values("words") == ["a", "b"]
    assert kit.list_offset("words", -3) == (1 if jump_ms > 0 else 0)
    kit.restart(crash="drop")
    assert kit.values("words") == ["a", "b"]


def test_a_long_poll_from_the_future_is_answered() -> None:
    kit = world()
    token = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    kit.now_ms -= DAY_MS
    assert kit.broker.is_due(kit.now_ms)
    kit.tick()
    assert fetched(kit.answer(token)).error_code == 0
    assert not kit.broker.is_due(kit.now_ms)


def test_syncs_and_checkpoints_do_not_wait_for_the_time_to_come_again() -> None:
    kit = world(Durability.INTERVAL)
    kit.produce("words", "a")
    kit.now_ms -= YEARS_MS // 2
    kit.tick()
    kit.sync_all()
    kit.restart(crash="drop")
    assert kit.values("words") == ["a"]


def test_records_from_before_the_jump_back_are_refused_only_as_from_the_future() -> None:
    """A producer with the old time is told so (Kafka's rule: an hour ahead at most); with the new one it goes on."""
    kit = world()
    late = produce_request("words", "a", now_ms=kit.now_ms)
    kit.tick(-DAY_MS)
    assert produced(kit.call(late)).error_code == ErrorCode.INVALID_TIMESTAMP
    assert kit.produce("words", "b").error_code == 0


def test_a_small_step_back_is_no_event() -> None:
    kit = world()
    token = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    kit.tick(-900)
    assert kit.answer(token) is None
    assert not kit.events.named("broker.clock_went_back")
    kit.tick(1_400)
    assert fetched(kit.answer(token)).error_code == 0


@pytest.mark.parametrize("jump_ms", [-DAY_MS, YEARS_MS])
def test_a_transaction_ends_one_way_or_the_other(jump_ms: int) -> None:
    """Forwards it times out, as in Kafka, and its producer is fenced; backwards it goes on."""
    kit = world()
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    assert producer.add(WORDS) == [0]
    assert producer.produce(WORDS, "a") == 0
    kit.tick(jump_ms)
    kit.sync_all()
    if jump_ms < 0:
        assert producer.end(commit=True) == 0
        kit.sync_all()
        assert kit.values("words", committed=True) == ["a"]
        return
    assert producer.end(commit=True) in (ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED)
    kit.sync_all()
    assert kit.values("words", committed=True) == []
    assert producer.init() == 0
