"""SyncGroup, Heartbeat and LeaveGroup in each state."""

from __future__ import annotations

import pytest

from broker_core.errors import BrokerError, ErrorCode
from broker_core.model import CONSUMER_OFFSETS_TOPIC, TopicPartition
from broker_core.protocol.leave_group import LeaveGroupRequest, MemberIdentity
from tests.unit.broker_core.group.group_world import GroupWorld
from tests.unit.broker_core.group.test_joining import code, stable, static_pair

OFFSETS = TopicPartition(CONSUMER_OFFSETS_TOPIC, 0)


def completing() -> GroupWorld:
    """Two members of generation 3, the assignment of which ``a`` is to make."""
    world = stable("a", "b")
    world.join("a")
    world.join("b")
    world.take()
    assert world.group_state == "CompletingRebalance"
    return world


def test_followers_wait_for_the_leader_and_the_disk() -> None:
    world = completing()
    world.sync_group("b")
    world.sync_group("a", {"b": b"everything"})
    assert world.take() == []
    world.settle()
    assert world.one("b").assignment == b"everything"
    assert world.one("a").assignment == b"", "whom the leader leaves out gets nothing"
    assert world.group_state == "Stable"


def test_a_lost_disk_loses_no_assignment_that_was_told() -> None:
    world = completing()
    world.sync_group("a", {"a": b"new"})
    world.crash()
    assert world.stored is not None
    assert world.stored.generation == 2
    world.heartbeat("a")
    assert code(world, "a") is ErrorCode.ILLEGAL_GENERATION


def test_only_one_assignment_per_generation() -> None:
    world = completing()
    world.sync_group("a", {"a": b"first"})
    world.sync_group("a", {"a": b"second"})
    assert code(world, "a") is ErrorCode.REBALANCE_IN_PROGRESS, "its first request, whose connection is gone"
    world.settle()
    assert world.one("a").assignment == b"first"
    world.sync_group("a", {"a": b"third"})
    assert world.one("a").assignment == b"first"


def test_an_assignment_that_cannot_be_stored_is_told_to_all_and_tried_again() -> None:
    world = completing()
    world.sync_group("b")
    world.logs.logs[OFFSETS].failed = True
    world.sync_group("a", {"a": b"new"})
    assert [each.code for each in world.take()] == [ErrorCode.NOT_COORDINATOR] * 2
    assert world.group_state == "PreparingRebalance"
    world.logs.logs[OFFSETS].failed = False
    world.settle_group("a", "b")
    assert world.group_state == "Stable"


def test_an_assignment_that_no_segment_has_room_for_is_refused_and_the_group_goes_on() -> None:
    world = completing()
    log = world.logs.logs[OFFSETS]
    log.failed, log.refusal = True, BrokerError(ErrorCode.RECORD_LIST_TOO_LARGE)
    world.sync_group("a", {"a": b"too much"})
    assert code(world, "a") is ErrorCode.UNKNOWN_SERVER_ERROR
    log.failed = False
    world.settle_group("a", "b")
    assert world.group_state == "Stable"


def test_a_log_that_fails_in_its_sync_tells_all() -> None:
    world = completing()
    world.sync_group("b")
    world.sync_group("a", {"a": b"new"})
    world._keep(world.coordinator.on_failed(OFFSETS, world.now_ms))
    assert [each.code for each in world.take()] == [ErrorCode.NOT_COORDINATOR] * 2
    assert world.group_state == "PreparingRebalance"


def test_who_may_not_sync() -> None:
    world = completing()
    for changes, expected in (
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"group_id": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": "x"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group_instance_id": "i"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"generation_id": 2}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 4}, ErrorCode.ILLEGAL_GENERATION),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_name": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ):
        world.sync_group("b", **changes)
        assert code(world, "b") is expected, changes
    world.sync_group("b", protocol_type="consumer", protocol_name="range")
    assert world.is_waiting("b")


def test_preparing_a_sync_is_told_to_join() -> None:
    world = stable("a", "b")
    world.join("a")
    world.sync_group("b")
    assert code(world, "b") is ErrorCode.REBALANCE_IN_PROGRESS


def test_heartbeats_by_state() -> None:
    world = stable("a", "b")
    world.heartbeat("b")
    assert code(world, "b") is ErrorCode.NONE
    world.join("a")
    world.heartbeat("b")
    assert code(world, "b") is ErrorCode.REBALANCE_IN_PROGRESS
    world.join("b")
    world.take()
    world.heartbeat("b")
    assert code(world, "b") is ErrorCode.NONE, "completing"
    for changes, expected in (
        ({"group_id": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"group_id": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": "x"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"generation_id": 2}, ErrorCode.ILLEGAL_GENERATION),
    ):
        world.heartbeat("b", **changes)
        assert code(world, "b") is expected, changes
    world.leave("a", "b")
    world.settle()
    assert world.group_state == "Empty"
    world.take()
    world.heartbeat("b")
    assert code(world, "b") is ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize("state", ["Stable", "PreparingRebalance", "CompletingRebalance"])
def test_heartbeats_keep_members_alive_in_every_state(state: str) -> None:
    world = stable("a", "b")
    if state != "Stable":
        world.join("a")
    if state == "CompletingRebalance":
        world.join("b")
    world.take()
    for _ in range(5):
        world.tick(9_000)
        for name in ("a", "b"):
            if not world.is_waiting(name):
                world.heartbeat(name)
    assert len(world.described.members) == 2
    world.tick(10_000)
    assert len(world.described.members) == (1 if state == "PreparingRebalance" else 0), "a parked join needs none"


@pytest.mark.parametrize("version", range(6))
def test_every_version_of_leave(version: int) -> None:
    world = stable("a", "b")
    world.leave("b", version=version)
    answer = world.one("b")
    assert answer.error_code == 0
    if version >= 3:
        assert [(each.member_id, each.error_code) for each in answer.members] == [(world.who("b").member_id, 0)]
    assert world.group_state == "PreparingRebalance"
    world.leave("b", version=version)
    answer = world.one("b")
    assert (answer.members[0] if version >= 3 else answer).error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_leaving_a_group_that_is_not_there() -> None:
    world = GroupWorld()
    world.who("a").member_id = "m"
    world.leave("a")
    assert world.one("a").members[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID
    world.leave("a", version=2)
    assert code(world, "a") is ErrorCode.UNKNOWN_MEMBER_ID
    world.send("a", "leave", LeaveGroupRequest(), 5)
    assert code(world, "a") is ErrorCode.INVALID_GROUP_ID


def test_an_administrator_removes_by_instance_id() -> None:
    world = static_pair()
    world.remove("ib", "nobody")
    answer = world.one("admin")
    assert (answer.error_code, [each.error_code for each in answer.members]) == (0, [0, ErrorCode.UNKNOWN_MEMBER_ID])
    assert [member.group_instance_id for member in world.described.members] == ["ia"]
    world.heartbeat("b")
    assert code(world, "b") is ErrorCode.UNKNOWN_MEMBER_ID
    nobody = MemberIdentity()
    world.send("admin", "leave", LeaveGroupRequest(group_id="g", members=(nobody,)), 5)
    assert world.one("admin").members[0].error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_leaving_with_the_id_of_a_former_self_is_fenced() -> None:
    world = static_pair()
    world.join("b*", instance="ib")
    world.settle()
    world.take()
    world.leave("b")
    assert world.one("b").members[0].error_code == ErrorCode.FENCED_INSTANCE_ID
    world.leave("b*")
    assert world.one("b*").members[0].error_code == 0


def answered(world: GroupWorld, name: str) -> dict[str, int]:
    return {each.kind: each.body.error_code for each in world.take(name)}


def test_who_leaves_with_a_parked_request_gets_its_answer() -> None:
    world = completing()
    world.sync_group("b")
    world.leave("b")
    assert answered(world, "b") == {"sync": 25, "leave": 0}
    world.join("a")
    world.take()
    world.join("c")
    world.leave("c")
    assert answered(world, "c") == {"join": 25, "leave": 0}


def test_the_last_one_out_leaves_an_empty_group_on_disk() -> None:
    world = stable("a")
    world.leave("a")
    assert world.is_waiting("a")
    world.settle()
    assert world.one("a").members[0].error_code == 0
    world.crash()
    assert (world.group_state, world.described.protocol_type) == ("Empty", "consumer")
    world.who("a").member_id = ""
    world.join("a")
    assert world.one("a").generation_id == 3, "generations go on"


def test_the_last_one_out_is_told_even_if_that_cannot_be_stored() -> None:
    world = stable("a")
    world.logs.logs[OFFSETS].failed = True
    world.leave("a")
    assert world.one("a").members[0].error_code == 0
    assert world.group_state == "Empty"
