"""What a group's leader does besides being a member: it makes the plan, and notices when the plan is out of date.

No state of the membership and no request but the question for partition counts is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from broker_core.errors import ErrorCode
from streams.assignment.model import Assignment, Assignor, GroupMember
from streams.client.calls import Again
from streams.client.errors import error_for
from streams.client.pending import Pending

PartitionCounts = Callable[[Sequence[str]], Pending[dict[str, int]]]
"""Asks how many partitions topics have; those that do not exist are missing from the answer."""


class Leadership:
    """One generation's plan.

    Arguments:
        group_id: for messages.
        partition_counts: what plans are made with.
        max_age_ms: how often to look whether that has changed.
    """

    def __init__(self, group_id: str, partition_counts: PartitionCounts, max_age_ms: int) -> None:
        self._group_id, self._partition_counts, self._max_age_ms = group_id, partition_counts, max_age_ms
        self.resign()

    def resign(self) -> None:
        """Lead no more."""
        self._members: list[GroupMember] = []
        self._topics: list[str] = []
        self._asked: Pending[dict[str, int]] | None = None
        self._counts: dict[str, int] | None = None
        self.due_ms: int | None = None
        """When to look for new partitions; None while not leading."""

    def take_over(self, assignor: Assignor, members: Sequence[GroupMember]) -> None:
        """Begin a plan: ask for the partitions of all that anybody wants."""
        self.resign()
        self._assignor = assignor
        self._members = list(members)
        self._topics = sorted({topic for member in members for topic in member.topics})
        self._asked = self._partition_counts(self._topics)

    def plan(self, now_ms: int) -> dict[str, Assignment] | None:
        """The plan, once the partitions are known.

        Raises:
            Again: they could not be found out.
            ClientError: the assignor failed.
        """
        assert self._asked is not None, "take_over comes first"
        if not self._asked.done:
            return None
        asked, self._asked = self._asked, None
        if asked.error is not None:
            raise Again(ErrorCode.REQUEST_TIMED_OUT, str(asked.error))
        self._counts = asked.result()
        self.due_ms = now_ms + self._max_age_ms
        try:
            return self._assignor.assign(self._counts, self._members)
        except Exception as error:
            doing = f"assignor {self._assignor.name!r} of group {self._group_id}"
            failed = error_for(ErrorCode.UNKNOWN_SERVER_ERROR, doing, f"it raised {type(error).__name__}: {error}")
            raise failed from error

    def is_outdated(self, now_ms: int) -> bool:
        """Whether topics have got partitions, or come or gone, since the plan was made; asks now and then."""
        if self.due_ms is None:
            return False
        if self._asked is None:
            if now_ms >= self.due_ms:
                self.due_ms = now_ms + self._max_age_ms
                self._asked = self._partition_counts(self._topics)
            return False
        if not self._asked.done:
            return False
        asked, self._asked = self._asked, None
        return asked.error is None and asked.result() != self._counts
