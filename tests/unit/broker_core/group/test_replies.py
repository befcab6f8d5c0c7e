"""Responses have the shape that their version wants; only the leader is told of the others."""

import pytest

from broker_core.errors import ErrorCode
from broker_core.group.replies import join_error, join_success, sync_error, sync_success
from broker_core.protocol.join_group import JoinGroupResponse
from broker_core.protocol.schema import decode, encode
from tests.unit.broker_core.group.test_session import group, member


@pytest.mark.parametrize("version", range(10))
def test_refusals_can_be_written_in_every_version(version: int) -> None:
    refusal = join_error(ErrorCode.REBALANCE_IN_PROGRESS, version, "m")
    assert decode(JoinGroupResponse, version, encode(refusal, version)).member_id == "m"
    assert refusal.generation_id == -1


def test_the_leader_is_told_of_the_members() -> None:
    made = group(member("a", "x", instance="i"), member("b", "x"))
    made.protocol, made.leader, made.generation = "x", "a", 4
    leader = join_success(made, made.members["a"], 9)
    follower = join_success(made, made.members["b"], 9)
    assert [(each.member_id, each.group_instance_id) for each in leader.members] == [("a", "i"), ("b", None)]
    assert (follower.members, follower.leader, follower.member_id) == ((), "a", "b")
    assert (leader.generation_id, leader.protocol_name, leader.skip_assignment) == (4, "x", False)
    hidden = join_success(made, made.members["a"], 5, leader="old", shows_members=False)
    assert (hidden.leader, hidden.members) == ("old", ())


def test_syncs_tell_the_protocol() -> None:
    made = group(member("a", "x"))
    made.protocol = "x"
    answer = sync_success(made, b"all")
    assert (answer.protocol_type, answer.protocol_name, answer.assignment) == ("consumer", "x", b"all")
    assert sync_error(ErrorCode.ILLEGAL_GENERATION).error_code == 22
