"""A consumer's commits: one after the other, in a member's name, and what their refusals mean. Sans-IO.

Which offsets, and when, is for whoever commits; what a refusal says about the membership is for ``membership``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker_core.errors import ErrorCode
from broker_core.protocol.offset_commit import OffsetCommitResponse
from streams.client import group_requests
from streams.client.admin import OFFSET_COMMIT_MAX_VERSION
from streams.client.calls import GROUP_COORDINATOR, Coordinator, Exchange, Exchanges, Judge
from streams.client.errors import CommitFailed, RebalanceInProgress
from streams.client.group_requests import MEMBER
from streams.client.group_settings import GroupIdentity
from streams.client.pending import Pending
from streams.errors import ClientError
from streams.model import OffsetAndMetadata, TopicPartition

Offsets = Mapping[TopicPartition, OffsetAndMetadata]
OVER: Final = frozenset(
    {ErrorCode.ILLEGAL_GENERATION, ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID, ErrorCode.NON_EMPTY_GROUP}
)
"""A commit came from a generation that is over, or from outside into a group that has members."""


class Commits:
    """One consumer's."""

    def __init__(self, exchanges: Exchanges, judge: Judge) -> None:
        self._exchanges, self._judge = exchanges, judge
        self._last: Pending[None] | None = None
        self._refusals: list[tuple[GroupIdentity, int]] = []

    def commit(self, identity: GroupIdentity, offsets: Offsets) -> Pending[None]:
        """Commit, after the commits before; fails with ``RebalanceInProgress``, ``CommitFailed`` or ``ClientError``."""
        copied, before = dict(offsets), self._last
        if not copied:
            return Pending.of(None)
        pending: Pending[None] = Pending()
        self._last = pending
        if before is None or before.done:
            self._send(identity, copied, pending)
        else:  # two at once could overtake each other where one is tried again
            before.then(lambda _: self._send(identity, copied, pending))
        return pending

    def take_refusals(self) -> list[tuple[GroupIdentity, int]]:
        """What the coordinator has said since the last call that a membership should know of."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def _send(self, identity: GroupIdentity, offsets: Offsets, pending: Pending[None]) -> None:
        doing = f"committing offsets of group {identity.group_id}"

        def settle(answer: OffsetCommitResponse) -> None:
            for topic in answer.topics:
                for partition in topic.partitions:
                    self._judge.check(partition.error_code, f"{doing}, {topic.name}-{partition.partition_index}")
            pending.resolve(None)

        def fail(error: ClientError) -> None:
            if error.code in MEMBER and not self._judge.retriable(error.code):
                self._refusals.append((identity, error.code))
            pending.fail(_commit_error(error, identity.group_id))

        where = Coordinator(GROUP_COORDINATOR, identity.group_id)
        body = group_requests.commit(identity, offsets)
        self._exchanges.start(Exchange(body, where, doing, settle, fail, OFFSET_COMMIT_MAX_VERSION))


def _commit_error(error: ClientError, group_id: str) -> ClientError:
    if error.code == ErrorCode.REBALANCE_IN_PROGRESS:
        return RebalanceInProgress(error.code, f"group {group_id} rebalances; poll, then commit again")
    if error.code in OVER:
        return CommitFailed(
            error.code,
            f"group {group_id} went on without this member ({error}): whoever has the partitions now reads again what "
            "was not committed. Take less per poll, or raise max_poll_interval_ms",
        )
    return error
