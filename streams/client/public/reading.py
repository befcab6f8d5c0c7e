"""What both consumers are made of: columns taken from the reader, records made of them, and what a rebalance asks for.

Every course of action is a generator of ``Steps``, for blocking and for awaiting callers alike. Fetching, membership
and commits go on in the cores, on the driver's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.client.client import Client
from streams.client.consumer import OffsetReset
from streams.client.group_settings import GroupSettings
from streams.client.handover import Assigned, Event, Lost
from streams.client.public.backlog import Backlog
from streams.client.public.driver import Driver
from streams.client.public.progress import Progress
from streams.client.public.steps import Ask, Steps
from streams.client.reader import News, Reader
from streams.errors import ConfigError, SerdeError
from streams.model import ColumnBatch, Isolation, Record, TopicPartition
from streams.serde.base import Serde

Listener = Callable[[tuple[TopicPartition, ...]], object]
LONGEST_LOOK_MS: Final = 60_000
ATTEND_RECORDS: Final = 500
"""After so many records of one batch an iterating application looks whether its group wants something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """What an application does in a rebalance; None for nothing."""

    on_assigned: Listener | None = None
    on_revoked: Listener | None = None
    on_lost: Listener | None = None


class Reading:
    """One consumer's way to its core.

    Arguments:
        driver: owns the client.
        group: None for a consumer without group.
        key, value: how records are decoded.
        auto_commit_ms: how often to commit what the application has come back from; None for never.
    """

    def __init__(
        self, driver: Driver, group: GroupSettings | None, *, key: Serde[Any], value: Serde[Any],
        isolation: Isolation, offset_reset: OffsetReset | None, auto_commit_ms: int | None,
    ) -> None:  # fmt: skip
        self.driver = driver
        self._group, self._isolation, self._offset_reset = group, isolation, offset_reset
        self._auto_commit_ms = auto_commit_ms if group is not None else None
        self._listeners = Listeners()
        self.backlog = Backlog(key, value)
        self._looking: Future[News] | None = None
        self._reader: Reader
        self.progress: Progress
        """Set by ``open``, as the reader is."""

    def open(self) -> Steps[None]:
        yield self.driver.opened

        def make(client: Client, _: int) -> None:
            self._reader = client.reader(self._group, isolation=self._isolation, offset_reset=self._offset_reset)

        yield self.driver.call(make)
        self.progress = Progress(self.driver, self._reader, self.backlog, self._auto_commit_ms)

    def subscribe(self, topics: Sequence[str], listeners: Listeners) -> Future[None]:
        """Take part in the group for these topics."""
        if self._group is None:
            raise ConfigError(
                "a consumer without group= reads what assign(...) names; topics are shared in a group only"
            )
        if isinstance(topics, str) or not topics:
            raise ConfigError(f"topics={topics!r}: a list of topics' names")
        self._listeners = listeners
        return self.driver.call(lambda _, now_ms: self._reader.subscribe(topics, now_ms))

    def assign(self, partitions: Iterable[TopicPartition]) -> Future[None]:
        """Read exactly these, outside of the group's sharing."""
        wanted = tuple(TopicPartition(topic, partition) for topic, partition in partitions)
        self.backlog.forget(place for place in self.backlog.held() if place not in wanted)
        return self.driver.call(lambda _, __: self._reader.positions.assign(wanted))

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        return self._reader.positions.assignment

    def batches(self, timeout_ms: int | None) -> Steps[list[ColumnBatch]]:
        """Everything that is there, at least one batch unless the time is up first; None waits for ever."""
        if not self.backlog:
            yield from self._fill(timeout_ms)
        return self.backlog.take()

    def records(self, timeout_ms: int | None, max_records: int) -> Steps[list[Record[Any, Any]]]:
        """At most ``max_records``, at least one unless the time is up first."""
        yield from self.ready(timeout_ms)
        found: list[Record[Any, Any]] = []
        while self.backlog and len(found) < max_records:
            try:
                found += self.backlog.decoded(max_records - len(found))
            except SerdeError:
                if not found:
                    raise
                break  # it is the first of the next call
        return found

    def ready(self, timeout_ms: int | None) -> Steps[bool]:
        """Wait until ``decoded`` has something; False if the time is up first."""
        if self.backlog and self._wants_attention:
            yield from self._fill(0)
        if not self.backlog:
            yield from self._fill(timeout_ms)
        return bool(self.backlog)

    def position(self, place: TopicPartition) -> Steps[int | None]:
        """The next offset that the application gets."""
        held = self.backlog.held().get(place)
        if held is not None:
            return held
        found: int | None = yield self.driver.call(lambda _, __: self._reader.positions.position(place))
        return found

    def seek(self, place: TopicPartition, offset: int) -> Future[None]:
        """Go on from there."""
        self.backlog.forget([place])
        return self.driver.call(lambda _, __: self._reader.positions.seek(place, offset))

    def seek_to_time(self, timestamp_ms: int, partitions: Iterable[TopicPartition] | None) -> Steps[None]:
        """Go on from the first record that is as new as ``timestamp_ms``, or from the end."""
        wanted = tuple(partitions) if partitions is not None else self.assignment
        if timestamp_ms in (EARLIEST_OFFSET, LATEST_OFFSET):
            found = dict.fromkeys(wanted, timestamp_ms)
        else:
            found = yield self.driver.ask(
                lambda client, _: client.admin.list_offsets(dict.fromkeys(wanted, timestamp_ms), self._isolation)
            )
        for place, offset in found.items():
            yield self.seek(place, LATEST_OFFSET if offset is None else offset)

    def pause(self, partitions: Iterable[TopicPartition], *, resume: bool) -> Future[None]:
        """Fetch these no more, or again; what is here of them and was not had is dropped, and fetched anew later."""
        wanted = tuple(partitions)
        if resume:
            return self.driver.call(lambda _, __: self._reader.positions.resume(wanted))
        held = self.backlog.held()
        self.backlog.forget(wanted)
        return self.driver.call(lambda _, __: self._reader.positions.pause(wanted, held))

    def close(self) -> Steps[None]:
        """Commit if that is automatic, let go, leave the group."""
        membership = self._reader.membership
        if membership is not None:
            yield from self._end_look()
            yield from self.progress.commit_if_automatic()
            yield self.driver.call(lambda _, __: membership.give_up())
            while (event := (yield self.driver.call(lambda _, __: membership.next_event()))) is not None:
                yield from self._attend(event)
            yield self.driver.ask(lambda _, now_ms: membership.leave(now_ms))
        yield self.driver.call(lambda client, _: client.release(self._reader))
        self.backlog.clear()

    @property
    def _wants_attention(self) -> bool:
        """Whether the group has something to say. Read across threads: an old answer costs a slice of records."""
        membership = self._reader.membership
        return membership is not None and membership.handover.has_news

    def _fill(self, timeout_ms: int | None) -> Steps[None]:
        """Wait for columns, and do meanwhile what the group asks for."""
        end_ms = None if timeout_ms is None else self.driver.clock() + timeout_ms
        while True:
            self.progress.check()
            self.progress.commit_if_due()
            left_ms = LONGEST_LOOK_MS if end_ms is None else max(0, end_ms - self.driver.clock())
            look_ms = min(left_ms, LONGEST_LOOK_MS, self._auto_commit_ms or LONGEST_LOOK_MS)
            news = yield from self._news(look_ms)
            if news.event is not None:
                yield from self._attend(news.event)
            elif news.batches:
                self.backlog.add(news.batches)
                return
            elif end_ms is not None and self.driver.clock() >= end_ms:
                return

    def _news(self, timeout_ms: int) -> Steps[News]:
        """One look. Whoever gives up waiting for it (a cancelled task, Ctrl-C) finds what it brought next time."""
        look = self._looking
        if look is None or look.cancelled():
            look = self._looking = self.driver.ask(lambda _, now_ms: self._reader.look(now_ms, timeout_ms))
        try:
            news: News = yield look
        except Exception:
            self._looking = None
            raise
        self._looking = None
        return news

    def _end_look(self) -> Steps[None]:
        """Take what a look brought that was given up waiting for: it was not had, and must not be committed."""
        if self._looking is not None:
            yield self.driver.call(lambda _, now_ms: self._reader.stop_looking())
            news = yield from self._news(0)
            self.backlog.add(news.batches)
            if news.event is not None:
                yield from self._attend(news.event)

    def _attend(self, event: Event) -> Steps[None]:
        """Do what an event asks for, the application's own part included."""
        listeners = self._listeners
        if isinstance(event, Assigned):
            if listeners.on_assigned is not None:
                yield Ask(listeners.on_assigned, (event.partitions,))
            return
        if not isinstance(event, Lost):
            yield from self.progress.commit_if_automatic()
        lost = listeners.on_lost if isinstance(event, Lost) and listeners.on_lost is not None else listeners.on_revoked
        try:
            if lost is not None:
                yield Ask(lost, (event.partitions,))
        finally:
            self.backlog.forget(event.partitions)
            self.driver.call(lambda _, __: self._reader.released())
