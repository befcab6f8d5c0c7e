"""What a consumer is made of: fetching, where to begin, commits, and a place in a group. Sans-IO; a core of the client.

Puts ``consumer`` (positions, fetches) and ``membership`` (who reads what) together. Whoever uses it asks for news, is
told of events and gets columns; threads, listeners and objects per record are the shell's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.client.admin import Admin
from streams.client.calls import Call, Exchanges, Judge
from streams.client.commits import Commits
from streams.client.consumer import Consumer, OffsetReset
from streams.client.group_settings import GroupIdentity
from streams.client.handover import Assigned, Event
from streams.client.membership import Membership
from streams.client.pending import Pending
from streams.client.positions import Positions
from streams.errors import ClientError
from streams.model import ColumnBatch, OffsetAndMetadata, TopicPartition


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one look brought: an event, or columns, or neither because the time was up."""

    event: Event | None = None
    batches: Sequence[ColumnBatch] = ()


class Reader:
    """One consumer. Without a group it reads what it is assigned and commits nothing; with one, either way works.

    Arguments:
        consumer: fetches; belongs to the reader.
        membership: of the group; None for none.
        admin: knows what is committed.
    """

    def __init__(
        self,
        consumer: Consumer,
        membership: Membership | None,
        *,
        admin: Admin,
        exchanges: Exchanges,
        judge: Judge,
        offset_reset: OffsetReset | None,
    ) -> None:
        self.consumer, self.membership = consumer, membership
        group_id = None if membership is None else membership.settings.group_id
        self.positions = Positions(consumer, admin, group_id, offset_reset)
        self._waiting: tuple[Pending[News], int] | None = None
        self._commits = Commits(exchanges, judge)

    def subscribe(self, topics: Sequence[str], now_ms: int) -> None:
        """Read what the group gives of these topics."""
        assert self.membership is not None, "only members of a group subscribe"
        self.membership.subscribe(topics, now_ms)

    def look(self, now_ms: int, timeout_ms: int) -> Pending[News]:
        """The next event or the next columns, or nothing once ``timeout_ms`` have passed. One look at a time.

        After ``Revoked`` and ``Lost``: let go, then ``released``. Fails with what ``poll_batches`` raises, with
        ``NoOffset``, or with what ended the membership.
        """
        self.stop_looking()
        if self.membership is not None:
            self.membership.polled(now_ms)
        pending: Pending[News] = Pending()
        self._waiting = (pending, now_ms + timeout_ms)
        return pending

    def stop_looking(self) -> None:
        """End a look that goes on, without news."""
        if self._waiting is not None:
            self._waiting[0].resolve(News())
            self._waiting = None

    def released(self) -> None:
        """The application has let go of what the last event named."""
        assert self.membership is not None, "nothing was asked for"
        self.membership.handover.released()
        told = set(self.membership.handover.told)
        self.positions.assign(place for place in self.positions.assignment if place in told)

    @property
    def identity(self) -> GroupIdentity | None:
        """In whose name offsets are committed; None without a group."""
        return None if self.membership is None else self.membership.identity

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> Pending[None]:
        """Commit in this member's name; fails as ``Commits.commit`` does."""
        assert self.membership is not None, "only in a group"
        copied = dict(offsets)
        pending = self._commits.commit(self.membership.identity, copied)

        def settle(settled: Pending[None]) -> None:
            if settled.error is None:
                self.positions.note_committed(copied)

        pending.then(settle)
        return pending

    def calls(self, now_ms: int) -> list[Call]:
        """For the pump."""
        calls: list[Call] = []
        if self.membership is not None:
            for identity, code in self._commits.take_refusals():
                self.membership.refused(identity, code, now_ms)
            calls += self.membership.calls(now_ms)
        self.positions.look_up()
        calls += self.consumer.calls(now_ms)
        self._answer_look(now_ms)
        return calls

    def next_deadline(self) -> int | None:
        """For the pump."""
        deadlines = [self.consumer.next_deadline()]
        if self.membership is not None:
            deadlines.append(self.membership.next_deadline())
        if self._waiting is not None:
            deadlines.append(self._waiting[1])
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def _answer_look(self, now_ms: int) -> None:
        if self._waiting is None:
            return
        pending, end_ms = self._waiting
        try:
            news = self._news()
        except ClientError as error:
            self._waiting = None
            pending.fail(error)
            return
        if news.event is not None or news.batches or now_ms >= end_ms:
            self._waiting = None
            pending.resolve(news)

    def _news(self) -> News:
        if self.membership is not None:
            event = self.membership.next_event()
            if event is not None:
                if isinstance(event, Assigned):
                    self.positions.assign((*self.positions.assignment, *event.partitions))
                return News(event=event)
            if self.membership.error is not None:
                raise self.membership.error
        self.positions.check()
        return News(batches=tuple(self.consumer.poll_batches()))
