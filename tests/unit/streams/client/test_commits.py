"""Commits go one after the other, and refusals say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from streams.client.client import Client
from streams.client.commits import Commits
from streams.client.errors import CommitFailed, RebalanceInProgress
from streams.client.group_settings import GroupIdentity
from streams.client.pending import Pending
from streams.errors import ClientError
from streams.model import OffsetAndMetadata, TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport
from tests.unit.streams.client.world import World

IDENTITY = GroupIdentity("g", "me", 3)
PLACE = TopicPartition("t", 0)


class Bench:
    def __init__(self) -> None:
        self.world = World()
        self.transport = ScriptedTransport({"t": [1]})
        self.client = Client(self.transport, client_id="c", random=self.world.random)
        self.commits = Commits(self.client._exchanges, self.client._judge)

    def commit(self, offset: int) -> Pending[None]:
        pending = self.commits.commit(IDENTITY, {PLACE: OffsetAndMetadata(offset)})
        self.poll()
        return pending

    def poll(self) -> None:
        self.world.pump(self.client)

    def answer(self, code: int = 0) -> Any:
        token, node_id, body = self.transport.take(OffsetCommitRequest)
        assert node_id == self.transport.coordinator
        part = OffsetCommitResponsePartition(partition_index=0, error_code=code)
        topic = OffsetCommitResponseTopic(name="t", partitions=(part,))
        self.transport.answer(token, OffsetCommitResponse(topics=(topic,)))
        self.poll()
        return body


def test_the_next_commit_waits_for_the_one_before() -> None:
    """Tried again, an older one could overtake a newer one and take the group back."""
    bench = Bench()
    first, second = bench.commit(1), bench.commit(2)
    bench.answer(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    assert not first.done
    bench.world.now_ms += 100
    bench.poll()
    assert bench.answer().topics[0].partitions[0].committed_offset == 1
    assert (first.done, second.done) == (True, False)
    body = bench.answer()
    assert (body.topics[0].partitions[0].committed_offset, body.member_id) == (2, "me")
    assert second.result() is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.REBALANCE_IN_PROGRESS, RebalanceInProgress), (ErrorCode.ILLEGAL_GENERATION, CommitFailed),
        (ErrorCode.UNKNOWN_MEMBER_ID, CommitFailed), (ErrorCode.FENCED_INSTANCE_ID, CommitFailed),
    ],
)  # fmt: skip
def test_what_the_group_refuses_is_news_for_the_membership(code: int, kind: type[ClientError]) -> None:
    bench = Bench()
    refused = bench.commit(1)
    bench.answer(code)
    with pytest.raises(kind, match="group g") as caught:
        refused.result()
    assert caught.value.code == code
    assert bench.commits.take_refusals() == [(IDENTITY, code)]
    assert bench.commits.take_refusals() == []


def test_any_other_refusal_is_the_callers_alone() -> None:
    bench = Bench()
    refused = bench.commit(1)
    bench.answer(ErrorCode.OFFSET_METADATA_TOO_LARGE)
    with pytest.raises(ClientError, match="t-0.*OFFSET_METADATA_TOO_LARGE"):
        refused.result()
    assert bench.commits.take_refusals() == []


def test_nothing_to_commit_is_committed_at_once() -> None:
    assert Bench().commits.commit(IDENTITY, {}).done
