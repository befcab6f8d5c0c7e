"""How long is waited, for whom, and who is given up."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from tests.unit.broker_core.group.group_world import GroupWorld
from tests.unit.broker_core.group.test_joining import code, stable, static_pair
from tests.unit.broker_core.group.test_syncing import completing

DELAY_MS = 3_000


def test_the_initial_delay_lets_more_members_arrive() -> None:
    world = GroupWorld(group_initial_rebalance_delay_ms=DELAY_MS)
    world.join("a")
    world.tick(DELAY_MS - 1)
    assert world.is_waiting("a")
    world.join("b")
    world.tick(1)
    assert world.is_waiting("a"), "it is extended once somebody came"
    world.tick(DELAY_MS - 1)
    assert world.is_waiting("a")
    world.tick(1)
    assert len(world.one("a").members) == 2


def test_the_initial_delay_ends_with_the_rebalance_timeout() -> None:
    world = GroupWorld(group_initial_rebalance_delay_ms=DELAY_MS)
    for index in range(8):
        world.join(f"m{index}", rebalance_ms=7_000)
        world.tick(1_000)
        if index < 7:
            assert not world.answers
    assert len(world.one("m0").members) == 7
    assert world.is_waiting("m7") is False


def test_an_initial_delay_in_which_everybody_left() -> None:
    world = GroupWorld(group_initial_rebalance_delay_ms=DELAY_MS)
    world.join("a", 3)
    world.who("a").member_id = world.described.members[0].member_id
    world.leave("a")
    assert sorted((each.kind, each.body.error_code) for each in world.take()) == [("join", 25), ("leave", 0)]
    world.tick(DELAY_MS)
    world.settle()
    assert (world.group_state, world.stored and world.stored.generation) == ("Empty", 1)


def test_later_rebalances_wait_for_all_known_members() -> None:
    world = stable("a", "b", "c")
    world.join("d")
    world.join("a")
    world.join("c")
    assert not world.answers
    world.join("b")
    assert len(world.take()) == 4


def test_dynamic_members_that_do_not_join_in_time_are_out() -> None:
    world = stable("a", "b")
    world.join("c", rebalance_ms=20_000)
    world.join("b")
    for _ in range(12):
        world.heartbeat("a")
        assert code(world, "a") is ErrorCode.REBALANCE_IN_PROGRESS
        world.tick(5_000)
    assert {world.one(name).generation_id for name in ("b", "c")} == {3}
    world.heartbeat("a")
    assert code(world, "a") is ErrorCode.UNKNOWN_MEMBER_ID
    leader = next(member.member_id for member in world.described.members)
    assert leader == world.who("b").member_id, "the leader is out: the next one leads"


def test_static_members_stay_until_their_session_ends() -> None:
    world = GroupWorld()
    world.join("a", instance="ia", session_ms=100_000)
    world.join("b", instance="ib", session_ms=100_000)
    world.join("a", session_ms=100_000)
    world.sync_group("a")
    world.sync_group("b")
    world.settle()
    world.take()
    world.join("a", session_ms=100_000)
    world.tick(60_000)
    answer = world.one("a")
    assert [member.group_instance_id for member in answer.members] == ["ia", "ib"]
    world.sync_group("a")
    world.settle()
    world.take()
    world.tick(39_999)
    assert len(world.described.members) == 2
    world.heartbeat("a")
    world.tick(1)
    assert [member.group_instance_id for member in world.described.members] == ["ia"]


def test_a_rebalance_that_nobody_joins_waits_on_for_static_members() -> None:
    world = static_pair()
    world.who("x").instance_id = "ix"
    world.join("x", session_ms=6_000, rebalance_ms=300_000)
    world.leave("x")
    world.take()
    for name in ("a", "b"):
        world.heartbeat(name)
    for _ in range(70):
        world.tick(5_000)
        for name in ("a", "b"):
            world.heartbeat(name)
    assert (world.group_state, len(world.described.members)) == ("PreparingRebalance", 2)
    world.take()
    world.join("b")
    world.tick(60_000)
    assert world.one("b").leader == world.who("b").member_id, "the leader died"


def test_members_that_never_sync_are_out() -> None:
    world = completing()
    world.sync_group("b")
    for _ in range(6):
        world.heartbeat("a")
        world.tick(10_000 - 1)
    world.take()
    assert world.is_waiting("b")
    world.heartbeat("a")
    world.tick(6)
    assert code(world, "a") is ErrorCode.NONE
    assert code(world, "b") is ErrorCode.REBALANCE_IN_PROGRESS
    world.heartbeat("a")
    assert code(world, "a") is ErrorCode.UNKNOWN_MEMBER_ID
    world.join("b")
    assert world.one("b").leader == world.who("b").member_id


def test_a_follower_that_never_syncs_is_out_of_a_stable_group() -> None:
    world = completing()
    world.sync_group("a", {"a": b"1"})
    world.settle()
    assert world.group_state == "Stable"
    for _ in range(13):
        world.tick(5_000)
        world.heartbeat("a")
        world.heartbeat("b")
    assert len(world.described.members) == 1
    assert world.group_state == "PreparingRebalance"


@pytest.mark.parametrize("leader", ["a", "b"])
def test_a_member_that_dies_is_out_after_its_session(leader: str) -> None:
    world = stable("a", "b")
    dead, alive = ("a", "b") if leader == "a" else ("b", "a")
    world.tick(9_999)
    world.heartbeat(alive)
    assert code(world, alive) is ErrorCode.NONE
    world.tick(1)
    world.heartbeat(alive)
    assert code(world, alive) is ErrorCode.REBALANCE_IN_PROGRESS
    world.join(alive)
    assert [member.member_id for member in world.one(alive).members] == [world.who(alive).member_id]
    world.heartbeat(dead)
    assert code(world, dead) is ErrorCode.UNKNOWN_MEMBER_ID


def test_parked_members_do_not_die_and_begin_anew_when_answered() -> None:
    world = stable("a", "b")
    world.join("b", protocols=("range", "sticky"), session_ms=6_000)
    for _ in range(10):
        world.tick(5_000)
        world.heartbeat("a")
    assert len(world.described.members) == 2
    world.join("a")
    world.take()
    world.sync_group("b")
    for _ in range(6):
        world.tick(5_000)
        world.heartbeat("a")
    assert world.is_waiting("b")
    world.sync_group("a")
    world.settle()
    world.take()
    world.tick(5_999)
    assert len(world.described.members) == 2
    world.tick(1)
    assert [member.client_id for member in world.described.members] == ["a"]


def test_a_new_member_that_waits_too_long_is_given_up() -> None:
    """It may be gone without anybody noticing: its connection is held back by its own join (KAFKA-7610)."""
    world = static_pair()
    world.join("c", rebalance_ms=3_600_000)
    for _ in range(59):
        world.tick(5_000)
        world.heartbeat("a")
        world.heartbeat("b")
    assert world.is_waiting("c")
    world.take()
    world.tick(5_000)
    assert code(world, "c") is ErrorCode.UNKNOWN_MEMBER_ID
    assert len(world.described.members) == 2
