"""The API reaches the coordinator (``group/test_groups.py`` judges its answers), on a full disk, too."""

from __future__ import annotations

import pytest

from broker_core.config import BrokerConfig
from broker_core.handlers import join_group
from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.unit.broker_core.broker_kit import Kit


def test_it_is_served_while_the_disk_is_full(kit: Kit) -> None:
    (key,) = (key for key, handler in HANDLERS.items() if handler is join_group.handle)
    kit.call(API[key].request())
    kit.filesystem.available_bytes = 0
    for version in range(API[key].min_version, API[key].max_version + 1):
        assert kit.call(API[key].request(), version).error_code == 24, "there is no group without a name"


def joining(group: str, member_id: str = "") -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id=group,
        session_timeout_ms=10_000,
        rebalance_timeout_ms=60_000,
        member_id=member_id,
        protocol_type="consumer",
        protocols=(JoinGroupRequestProtocol(name="range"),),
    )


@pytest.mark.parametrize("version", [3, 6, 9])
def test_parked_joins_and_syncs_of_many_groups_over_the_whole_broker(version: int) -> None:
    """Each in its partition of ``__consumer_offsets``; what was told is there after a crash."""
    kit = Kit(config=BrokerConfig(offsets_topic_partitions=5, group_initial_rebalance_delay_ms=100), wire=True).open()
    groups = ("a", "b", "c", "d")
    parked = {}
    for group in groups:
        token = kit.send(joining(group), version)
        if version >= 4:
            token = kit.send(joining(group, kit.answer(token).member_id), version)
        assert kit.answer(token) is None
        parked[group] = token
    deadline = kit.broker.next_deadline()
    assert deadline is not None
    assert deadline <= kit.now_ms + 100
    kit.tick(100)
    members = {group: kit.answer(token).member_id for group, token in parked.items()}
    told = {}
    for group, member_id in members.items():
        assignment = SyncGroupRequestAssignment(member_id=member_id, assignment=group.encode())
        body = SyncGroupRequest(group_id=group, generation_id=1, member_id=member_id, assignments=(assignment,))
        told[group] = kit.send(body)
        assert kit.answer(told[group]) is None, "not on disk yet"
    kit.sync_all()
    assert {group: kit.answer(token).assignment.decode() for group, token in told.items()} == {
        group: group for group in groups
    }
    kit.restart(crash="drop")
    for group, member_id in members.items():
        body = SyncGroupRequest(group_id=group, generation_id=1, member_id=member_id)
        assert kit.call(body).assignment == group.encode()
