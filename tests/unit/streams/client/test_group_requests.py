from __future__ import annotations

from broker_core.protocol.schema import decode, encode
from streams.assignment import Assignment, StickyAssignor
from streams.assignment.wire import decode_assignment, decode_sticky, decode_subscription
from streams.client import group_requests
from streams.client.group_requests import ADVICE, JOIN, MEMBER, Reaction
from streams.client.group_settings import GroupIdentity, GroupSettings
from streams.model import OffsetAndMetadata, TopicPartition
from tests.unit.streams.assignment.groups import places

IDENTITY = GroupIdentity("g", "me", 4, "one")


def test_a_join_offers_every_assignor_with_its_own_data() -> None:
    settings = GroupSettings(group_id="g", instance_id="one", rack="r1", assignors=(StickyAssignor(),))
    body = group_requests.join(settings, "me", ("t",), (), (places("t", 3), 4))
    read = decode_subscription(body.protocols[0].metadata, "me")
    assert (body.group_instance_id, read.topics, read.rack, read.generation) == ("one", ("t",), "r1", -1)
    assert decode_sticky(read.user_data) == (places("t", 3), 4)


def test_a_plan_travels_by_member() -> None:
    body = group_requests.sync(IDENTITY, "range", {"me": Assignment(partitions=places("t", 0))})
    assert (body.generation_id, body.protocol_type, body.protocol_name) == (4, "consumer", "range")
    assert decode_assignment(body.assignments[0].assignment).partitions == places("t", 0)


def test_a_commit_is_made_in_somebodys_name() -> None:
    offsets = {TopicPartition("t", 1): OffsetAndMetadata(7, "note"), TopicPartition("t", 0): OffsetAndMetadata(3)}
    body = group_requests.commit(IDENTITY, offsets)
    assert (body.member_id, body.generation_id_or_member_epoch, body.group_instance_id) == ("me", 4, "one")
    found = [(at.partition_index, at.committed_offset, at.committed_metadata) for at in body.topics[0].partitions]
    assert found == [(1, 7, "note"), (0, 3, "")]


def test_every_request_has_a_form_in_the_versions_in_use() -> None:
    """What a version has no room for is left out or refused at once, never sent wrong."""
    settings = GroupSettings(group_id="g")
    bodies = [
        (group_requests.join(settings, "", ("t",), (), ((), -1)), range(10)),
        (group_requests.sync(GroupIdentity("g", "me", 1), "range", {}), range(6)),
        (group_requests.heartbeat(GroupIdentity("g", "me", 1)), range(5)),
        (group_requests.leave(IDENTITY), range(3, 6)),
        (group_requests.commit(GroupIdentity("g", "me", 1), {}), range(2, 10)),
    ]
    for body, versions in bodies:
        for version in versions:
            assert decode(type(body), version, encode(body, version)).group_id == "g"


def test_tables_say_the_same_of_what_every_request_may_meet() -> None:
    for code in set(JOIN) & set(MEMBER):
        assert JOIN[code] is MEMBER[code] or code == 27  # a JoinGroup that meets a rebalance only waits
    assert all(JOIN.get(code, Reaction.FATAL) is Reaction.FATAL for code in ADVICE)
