"""What a coordinator says of a group, read."""

from __future__ import annotations

import random

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from streams.assignment import Assignment
from streams.assignment.wire import encode_assignment
from streams.client.client import Client
from streams.client.group_descriptions import GroupDescription, read_group
from streams.errors import ClientError
from streams.model import TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport

PLACES = (TopicPartition("b", 1), TopicPartition("a", 2), TopicPartition("a", 0))


def of(assignment: bytes, *, protocol_type: str = "consumer", state: str = "Stable") -> GroupDescription:
    member = DescribedGroupMember(
        member_id="m-1", group_instance_id="m", client_id="c", client_host="/h", member_assignment=assignment
    )
    return read_group(
        DescribedGroup(
            group_id="g", group_state=state, protocol_type=protocol_type, protocol_data="range", members=(member,)
        )
    )


def test_a_member_and_its_partitions_in_order() -> None:
    group = of(encode_assignment(Assignment(partitions=PLACES)))
    assert (group.group_id, group.state, group.protocol_type, group.protocol) == ("g", "Stable", "consumer", "range")
    (member,) = group.members
    assert (member.member_id, member.instance_id, member.client_id, member.host) == ("m-1", "m", "c", "/h")
    assert member.partitions == tuple(sorted(PLACES))


@pytest.mark.parametrize("assignment", [b"", b"\0", b"anything at all"])
def test_nothing_and_what_cannot_be_read_are_no_partitions(assignment: bytes) -> None:
    """While a group is in a rebalance there is nothing."""
    assert of(assignment).members[0].partitions == ()


def test_other_protocols_have_no_partitions() -> None:
    found = of(encode_assignment(Assignment(partitions=PLACES)), protocol_type="connect")
    assert found.members[0].partitions == ()


def described(group: DescribedGroup) -> GroupDescription:
    transport = ScriptedTransport({}, coordinator=5)
    client = Client(transport, client_id="c", random=random.Random(1))
    pending = client.admin.describe_group("g")
    client.poll(0)
    token, node_id, body = transport.take(DescribeGroupsRequest)
    assert (node_id, body.groups) == (5, ("g",))
    transport.answer(token, DescribeGroupsResponse(groups=(group,)))
    client.poll(1)
    return pending.result()


@pytest.mark.parametrize("code", [0, ErrorCode.GROUP_ID_NOT_FOUND], ids=["before version 6", "since"])
def test_a_group_that_is_not_there_is_dead(code: int) -> None:
    assert described(DescribedGroup(group_id="g", group_state="Dead", error_code=code)).state == "Dead"


def test_a_refusal_is_raised() -> None:
    refusal = DescribedGroup(group_id="g", error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED)
    with pytest.raises(ClientError, match="describing group g was refused: GROUP_AUTHORIZATION_FAILED"):
        described(refusal)
