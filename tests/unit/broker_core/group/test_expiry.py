"""Offsets expire by their own age, durably, and never while a transaction is about to move them."""

from __future__ import annotations

from random import Random

from broker_core.config import BrokerConfig
from broker_core.decision import RecordOrigin
from broker_core.group.expiry import MAX_TOMBSTONES, OffsetExpiry, decide_expiry
from broker_core.group.groups import Groups
from broker_core.group.membership import MembershipTable
from broker_core.group.records import CommittedOffset, to_record
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset
from tests.unit.broker_core.coordinator_world import A
from tests.unit.broker_core.group.group_world import GroupWorld, subscription
from tests.unit.broker_core.group.test_admin import WORDS, commit, listed

MINUTE_MS = 60_000


def no_groups() -> Groups:
    return Groups(BrokerConfig(), MembershipTable(), Random(1))


def test_offsets_expire_one_by_one() -> None:
    kit = Kit(config=BrokerConfig(offsets_retention_minutes=60)).open()
    kit.create("words", partitions=3)
    commit(kit, "a", WORDS[0], 1)
    kit.tick(30 * MINUTE_MS)
    commit(kit, "a", WORDS[1], 2)
    kit.tick(29 * MINUTE_MS)
    assert [committed_offset(kit, "a", word)[1] for word in WORDS[:2]] == [1, 2]
    for _ in range(11):
        kit.tick(MINUTE_MS)
    kit.sync_all()
    assert [committed_offset(kit, "a", word)[1] for word in WORDS[:2]] == [-1, 2]
    kit.restart(crash="drop")
    assert [committed_offset(kit, "a", word)[1] for word in WORDS[:2]] == [-1, 2]
    for _ in range(60):
        kit.tick(MINUTE_MS)
    assert listed(kit) == []
    assert kit.broker._coordinator._expiry.next_ms is None, "nothing left to look at"


def test_an_offset_that_a_transaction_is_about_to_move_stays() -> None:
    kit = Kit(config=BrokerConfig(offsets_retention_minutes=1, transaction_max_timeout_ms=10**9)).open()
    kit.create("words", partitions=3)
    commit(kit, "a", WORDS[0], 1)
    producer = TransactionalProducer(kit)
    producer.init()
    producer.send_offsets("a", WORDS[0], 7)
    coordinator = kit.broker._coordinator
    decided = decide_expiry(coordinator.offsets, coordinator.groups, kit.now_ms + 10**8, MINUTE_MS)
    assert decided == ()


def test_applications_of_the_embedded_log_keep_theirs() -> None:
    kit = Kit(config=BrokerConfig(offsets_retention_minutes=-1)).open()
    kit.create("words")
    commit(kit, "a", WORDS[0], 1)
    kit.tick(10**11)
    assert committed_offset(kit, "a", WORDS[0]) == (0, 1)


def test_many_offsets_are_forgotten_in_batches() -> None:
    table = OffsetTable(1)
    for index in range(2 * MAX_TOMBSTONES + 1):
        record = to_record("g", TopicPartition("t", index), CommittedOffset(offset=1, committed_ms=0))
        table.replay(record.key, record.value, RecordOrigin(0, index))
    decided = decide_expiry(table, no_groups(), MINUTE_MS, MINUTE_MS)
    assert [len(decision.records) for decision in decided] == [MAX_TOMBSTONES, MAX_TOMBSTONES, 1]
    assert decide_expiry(table, no_groups(), MINUTE_MS - 1, MINUTE_MS) == ()


def test_a_clock_that_went_back_does_not_stop_the_looking() -> None:
    table = OffsetTable(1)
    record = to_record("g", TopicPartition("t", 0), CommittedOffset(offset=1, committed_ms=0))
    table.replay(record.key, record.value, RecordOrigin(0, 0))
    expiry = OffsetExpiry(BrokerConfig(), table, no_groups())
    expiry.arm(10**12)
    assert expiry.due(10**11)
    assert expiry.next_ms is None


# Groups with members.

TEN_MINUTES_MS = 10 * MINUTE_MS


def with_offset() -> GroupWorld:
    world = GroupWorld(offsets_retention_minutes=30)
    world.join("a", session_ms=1_800_000)
    world.sync_group("a")
    world.settle()
    world.simple_commit({A: 5}, generation=1, member=world.who("a").member_id)
    world.take()
    return world


def wait(world: GroupWorld, minutes: int) -> None:
    for _ in range(minutes // 10):
        world.heartbeat("a")
        world.tick(TEN_MINUTES_MS)
        world.settle()
    world.take()


def test_offsets_of_a_stable_group_stay() -> None:
    world = with_offset()
    wait(world, 120)
    assert world.fetch() == {A: 5}


def test_offsets_count_from_when_the_last_member_left_and_then_the_group_goes() -> None:
    world = with_offset()
    wait(world, 60)
    world.leave("a")
    world.settle()
    wait(world, 20)
    assert world.fetch() == {A: 5}
    wait(world, 20)
    assert (world.fetch(), world.group_state, world.stored) == ({}, "Dead", None)
    world.crash()
    assert world.group_state == "Dead"


def test_offsets_of_a_topic_that_nobody_subscribes_to_go() -> None:
    world = with_offset()
    protocols = {"range": subscription("another")}
    world.join("a", protocols=protocols, session_ms=1_800_000, rebalance_ms=10**9)
    wait(world, 60)
    assert (world.fetch(), world.group_state) == ({A: 5}, "CompletingRebalance"), "not while members come and go"
    world.sync_group("a")
    world.settle()
    wait(world, 20)
    assert (world.fetch(), world.group_state) == ({}, "Stable")


def test_an_empty_group_without_offsets_goes_at_the_next_look() -> None:
    world = GroupWorld()
    world.settle_group("a")
    world.leave("a")
    world.settle()
    assert world.group_state == "Empty"
    world.tick(TEN_MINUTES_MS)
    world.settle()
    assert (world.group_state, world.stored) == ("Dead", None)
    world.take()
    world.who("a").member_id = ""
    world.join("a")
    assert world.one("a").generation_id == 1
