"""Groups from outside: one member and several come to a generation, share its assignment, and part again."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.schema import encode
from tests.unit.broker_core.group.group_world import GroupWorld


def test_one_member_joins_syncs_lives_and_leaves() -> None:
    world = GroupWorld()
    world.join("a")
    joined = world.one("a")
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
    assert [member.member_id for member in joined.members] == [joined.leader] == [joined.member_id]
    world.sync_group("a", {"a": b"all"})
    assert world.is_waiting("a"), "the assignment is not on disk yet"
    assert world.group_state == "CompletingRebalance"
    world.settle()
    assert world.one("a").assignment == b"all"
    assert world.group_state == "Stable"
    world.heartbeat("a")
    assert world.one("a").error_code == 0
    world.leave("a")
    world.settle()
    assert world.one("a").members[0].error_code == 0
    assert (world.group_state, world.stored and world.stored.generation) == ("Empty", 2)


def test_two_members_share_a_generation() -> None:
    world = GroupWorld()
    world.settle_group("a")
    world.join("b")
    assert world.is_waiting("b")
    world.heartbeat("a")
    assert world.one("a").error_code == ErrorCode.REBALANCE_IN_PROGRESS
    world.join("a")
    leader, follower = world.one("a"), world.one("b")
    assert leader.generation_id == follower.generation_id == 2
    assert leader.leader == follower.leader == leader.member_id
    assert [member.member_id for member in leader.members] == [leader.member_id, follower.member_id]
    assert follower.members == ()
    world.sync_group("b")
    assert world.is_waiting("b")
    world.sync_group("a", {"a": b"0", "b": b"1"})
    world.settle()
    assert (world.one("a").assignment, world.one("b").assignment) == (b"0", b"1")
    world.sync_group("b")
    assert world.one("b").assignment == b"1", "a stable group tells it again"
    world.leave("b")
    assert world.one("b").members[0].error_code == 0
    world.join("a")
    assert world.one("a").generation_id == 3


@pytest.mark.parametrize("version", range(10))
def test_every_version_of_join(version: int) -> None:
    world = GroupWorld()
    world.join("a", version, rounds=1)
    answer = world.one("a")
    if version >= 4:
        assert (answer.error_code, answer.generation_id) == (ErrorCode.MEMBER_ID_REQUIRED, -1)
        assert answer.protocol_name == (None if version >= 7 else "")
        world.join("a", version, rounds=1)
        answer = world.one("a")
    assert (answer.error_code, answer.generation_id, answer.protocol_type) == (0, 1, "consumer")


def test_a_group_survives_a_restart_and_its_members_do_not_notice() -> None:
    world = GroupWorld()
    world.settle_group("a")
    world.join("b")
    world.settle_group("a", "b")
    world.crash()
    assert world.group_state == "Stable"
    for name in ("a", "b"):
        world.heartbeat(name)
        assert world.one(name).error_code == 0
        world.sync_group(name)
        assert world.one(name).assignment == name.encode()


LONG = "ü" * 8_001


def test_names_that_no_record_has_room_for_are_refused() -> None:
    world = GroupWorld()
    for changes, expected in (
        ({"group": LONG}, ErrorCode.INVALID_GROUP_ID),
        ({"instance": LONG}, ErrorCode.INVALID_REQUEST),
        ({"kind": LONG}, ErrorCode.INVALID_REQUEST),
        ({"protocols": ("range", LONG)}, ErrorCode.INVALID_REQUEST),
    ):
        world.people.clear()
        world.join("a", **changes)
        assert world.one("a").error_code == expected, changes
    assert list(world.coordinator.groups) == []


def test_the_longest_names_fit_into_records_and_the_oldest_responses() -> None:
    world = GroupWorld()
    longest = "𝄞" * 8_000
    world.join("𝄞" * 8_191, 5, protocols=(longest,), kind=longest, group=longest)
    world.join("b", 5, instance=longest, protocols=(longest,), kind=longest, group=longest)
    world.tick(60_000)
    for answer in world.take():
        assert answer.code is ErrorCode.NONE
        encode(answer.body, 5)
    world.tick(60_000)
    world.settle()
    assert world.coordinator.groups.memberships.get(longest) is not None
