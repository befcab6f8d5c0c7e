"""JoinGroup: who is let in, and what it sets off in each state."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from tests.unit.broker_core.group.group_world import GroupWorld, subscription


def code(world: GroupWorld, name: str) -> ErrorCode:
    return ErrorCode(world.one(name).error_code)


def stable(*names: str, **settings: int) -> GroupWorld:
    """A group to which these came one after the other; the first one leads."""
    world = GroupWorld(**settings)
    for count in range(1, len(names) + 1):
        world.settle_group(*reversed(names[:count]))
    assert world.group_state == "Stable"
    return world


@pytest.mark.parametrize(
    ("session_ms", "expected"), [(5_999, 26), (6_000, 0), (1_800_000, 0), (1_800_001, 26), (-1, 26)]
)
def test_session_timeouts_have_limits(session_ms: int, expected: int) -> None:
    world = GroupWorld()
    world.join("a", session_ms=session_ms)
    assert world.one("a").error_code == expected


def test_refused_before_there_is_a_group() -> None:
    world = GroupWorld()
    world.join("a", group="")
    assert code(world, "a") is ErrorCode.INVALID_GROUP_ID
    world.who("a").member_id = "made-up"
    world.join("a")
    assert code(world, "a") is ErrorCode.UNKNOWN_MEMBER_ID
    world.who("a").member_id = ""
    world.join("a", protocols=())
    assert code(world, "a") is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    world.join("a", kind="")
    assert code(world, "a") is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert world.group_state == "Dead"
    assert world.coordinator.groups.find("g") is None, "refusals leave nothing behind"


def test_a_member_id_is_pending_until_its_session_ends() -> None:
    world = GroupWorld()
    world.join("a", rounds=1, session_ms=6_000)
    assert code(world, "a") is ErrorCode.MEMBER_ID_REQUIRED
    world.heartbeat("a")
    assert code(world, "a") is ErrorCode.UNKNOWN_MEMBER_ID, "it is no member yet"
    world.tick(5_999)
    world.join("a", rounds=1)
    assert code(world, "a") is ErrorCode.NONE
    world.join("b", rounds=1, session_ms=6_000)
    world.take()
    world.tick(6_000)
    world.join("b", rounds=1)
    assert code(world, "b") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_pending_id_blocks_completion_until_it_expires() -> None:
    world = stable("a")
    world.join("b", rounds=1, session_ms=6_000)
    world.take()
    world.join("a")
    assert world.is_waiting("a")
    world.tick(6_000)
    assert world.one("a").generation_id == 2


def test_a_pending_id_can_be_given_back() -> None:
    world = stable("a")
    world.join("b", rounds=1)
    world.take()
    world.join("a")
    world.leave("b")
    assert world.one("b").members[0].error_code == 0
    assert world.one("a").generation_id == 2


def test_an_id_that_was_never_used_leaves_no_group() -> None:
    world = GroupWorld()
    world.join("a", rounds=1)
    assert world.group_state == "Empty"
    world.tick(10_000)
    assert world.group_state == "Dead"
    assert world.coordinator.next_deadline() is None


def test_ids_begin_with_the_name_of_client_or_instance() -> None:
    world = GroupWorld()
    world.join("a")
    world.join("b", instance="i")
    assert world.who("a").member_id.startswith("a-")
    world.join("a")
    assert world.who("b").member_id.startswith("i-")
    assert len(world.who("a").member_id) == 38


def test_a_full_group_takes_nobody() -> None:
    world = stable("a", group_max_size=1)
    world.join("b", 3)
    assert code(world, "b") is ErrorCode.GROUP_MAX_SIZE_REACHED
    world.join("a")
    assert world.one("a").generation_id == 2, "members come back"
    world.join("b", 9)
    assert code(world, "b") is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_in_a_rebalance_the_quickest_fill_the_group() -> None:
    world = GroupWorld(group_max_size=2, group_initial_rebalance_delay_ms=3_000)
    for name in ("a", "b", "c"):
        world.join(name, 3)
    assert code(world, "c") is ErrorCode.GROUP_MAX_SIZE_REACHED
    world.tick(3_000)
    world.tick(3_000)
    assert len(world.one("a").members) == 2


@pytest.mark.parametrize("kind", ["consumer", "connect", "sr", "stream"])
def test_any_protocol_type_and_only_one_in_a_group(kind: str) -> None:
    world = GroupWorld()
    world.join("a", kind=kind)
    assert world.one("a").protocol_type == kind
    world.join("b", kind=kind + "x")
    assert code(world, "b") is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert world.described.protocol_type == kind


def test_the_protocol_is_one_that_all_support() -> None:
    world = GroupWorld()
    world.join("a", protocols=("range", "sticky"))
    assert world.one("a").protocol_name == "range"
    world.join("b", protocols=("roundrobin",))
    assert code(world, "b") is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    world.join("b", protocols=("roundrobin", "sticky"))
    world.join("a", protocols=("range", "sticky"))
    assert {each.body.protocol_name for each in world.take()} == {"sticky"}


# Members that join again.


def test_stable_a_follower_with_the_same_metadata_changes_nothing() -> None:
    world = stable("a", "b")
    world.join("b")
    answer = world.one("b")
    assert (answer.generation_id, answer.members, world.group_state) == (2, (), "Stable")


def test_stable_a_follower_with_other_metadata_begins_a_rebalance() -> None:
    world = stable("a", "b")
    world.join("b", protocols={"range": subscription("other")})
    assert world.is_waiting("b")
    assert world.group_state == "PreparingRebalance"


def test_stable_the_leader_begins_a_rebalance_whatever_it_brings() -> None:
    world = stable("a", "b")
    world.join("a")
    assert world.is_waiting("a")
    world.join("b")
    assert world.one("b").generation_id == world.one("a").generation_id == 3


def test_completing_the_same_metadata_repeats_the_generation() -> None:
    world = GroupWorld()
    world.join("a")
    first = world.one("a")
    world.join("a")
    assert world.one("a") == first
    world.join("a", protocols={"range": subscription("other")})
    assert world.one("a").generation_id == 2


def test_completing_a_new_member_begins_a_rebalance() -> None:
    world = stable("a")
    world.join("a")
    world.take()
    world.sync_group("a", {"a": b"1"})
    world.join("b")
    assert code(world, "a") is ErrorCode.REBALANCE_IN_PROGRESS
    world.settle()
    assert world.group_state == "PreparingRebalance", "the assignment that came on disk meanwhile is of the past"


def test_a_join_that_is_sent_again_takes_the_place_of_the_first() -> None:
    world = stable("a", "b")
    world.join("b", protocols={"range": subscription("other")})
    world.join("b", protocols={"range": subscription("another")})
    assert code(world, "b") is ErrorCode.REBALANCE_IN_PROGRESS
    world.join("a")
    assert world.one("b").generation_id == 3
    leader = world.one("a")
    assert leader.members[1].metadata == subscription("another")


# Static members (KIP-345).


def static_pair(version: int = 9) -> GroupWorld:
    world = GroupWorld()
    world.join("a", version, instance="ia")
    world.join("b", version, instance="ib")
    world.join("a", version)
    for name in ("a", "b"):
        world.sync_group(name, {"a": b"a", "b": b"b"} if name == "a" else None)
    world.settle()
    world.take()
    assert world.group_state == "Stable"
    return world


def test_a_static_member_needs_no_second_round() -> None:
    world = GroupWorld()
    world.join("a", instance="ia", rounds=1)
    assert code(world, "a") is ErrorCode.NONE


def test_a_static_follower_comes_back_without_a_rebalance() -> None:
    world = static_pair()
    world.join("b*", instance="ib")
    assert world.is_waiting("b*"), "its new id is not on disk yet"
    world.settle()
    answer = world.one("b*")
    assert (answer.generation_id, answer.skip_assignment, answer.members) == (2, False, ())
    assert world.group_state == "Stable"
    world.sync_group("b*")
    assert world.one("b*").assignment == b"b", "it has what its former self had"
    world.heartbeat("b")
    assert code(world, "b") is ErrorCode.FENCED_INSTANCE_ID
    world.sync_group("b")
    assert code(world, "b") is ErrorCode.FENCED_INSTANCE_ID
    world.join("b")
    assert code(world, "b") is ErrorCode.FENCED_INSTANCE_ID
    world.crash()
    world.sync_group("b*")
    assert world.one("b*").assignment == b"b"


def test_a_static_leader_skips_the_assignment_since_version_9() -> None:
    world = static_pair()
    world.join("a*", 9, instance="ia")
    world.settle()
    answer = world.one("a*")
    assert (answer.skip_assignment, answer.leader, len(answer.members)) == (True, answer.member_id, 2)


def test_an_older_static_leader_is_not_told_that_it_leads() -> None:
    world = static_pair()
    old = world.who("a").member_id
    world.join("a*", 8, instance="ia")
    world.settle()
    answer = world.one("a*")
    assert (answer.skip_assignment, answer.leader, answer.members) == (False, old, ())
    world.sync_group("a*")
    assert world.one("a*").assignment == b"a"


def test_a_static_member_with_other_protocols_begins_a_rebalance() -> None:
    world = static_pair()
    world.join("b*", instance="ib", protocols=("sticky",))
    assert code(world, "b*") is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    world = GroupWorld()
    world.join("a", instance="ia", protocols=("range", "sticky"))
    world.sync_group("a", {"a": b"a"})
    world.settle()
    world.take()
    world.join("a*", instance="ia", protocols=("sticky", "range"))
    answer = world.one("a*")
    assert (answer.generation_id, answer.protocol_name) == (2, "sticky")


def test_completing_a_static_member_that_comes_back_begins_a_rebalance() -> None:
    world = GroupWorld()
    world.join("a", instance="ia")
    world.sync_group("a", {"a": b"a"})
    world.join("a*", instance="ia")
    assert [each.code for each in world.take("a")][-1] is ErrorCode.FENCED_INSTANCE_ID
    assert world.one("a*").generation_id == 2


def test_preparing_a_static_member_takes_over_a_parked_join() -> None:
    world = static_pair()
    world.join("a")
    world.join("a*", instance="ia")
    assert code(world, "a") is ErrorCode.FENCED_INSTANCE_ID
    world.join("b")
    assert world.one("a*").generation_id == 3


def test_an_instance_id_with_a_wrong_member_id_is_fenced() -> None:
    world = static_pair()
    world.who("c").instance_id, world.who("c").member_id = "ib", world.who("a").member_id
    world.join("c")
    assert code(world, "c") is ErrorCode.FENCED_INSTANCE_ID
    world.who("c").instance_id = "unknown"
    world.join("c")
    assert code(world, "c") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_rebalance_takes_over_a_static_member_that_waits_for_the_disk() -> None:
    world = static_pair()
    world.join("b*", instance="ib")
    world.join("c", 3)
    world.settle()
    assert world.is_waiting("b*"), "the answer that was meant for it is of the past"
    world.join("a")
    assert {each.body.generation_id for each in world.take()} == {3}


def test_a_static_member_that_cannot_be_stored_is_told_to_look_elsewhere() -> None:
    world = static_pair()
    (log,) = [log for partition, log in world.logs.logs.items() if partition.topic == "__consumer_offsets"]
    log.failed = True
    world.join("b*", instance="ib")
    assert code(world, "b*") is ErrorCode.NOT_COORDINATOR
    assert world.group_state == "PreparingRebalance"
    log.failed = False
    world.who("b*").member_id = ""
    world.join("b*", instance="ib")
    world.join("a")
    assert world.one("b*").generation_id == world.one("a").generation_id == 3
