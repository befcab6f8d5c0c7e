"""``AsyncProducer``, ``AsyncConsumer``, ``AsyncAdmin``: the same clients for event loops. Facades, as ``blocking``'s.

Arguments and errors are those of the blocking classes. Opening takes a round trip or two and so happens in
``async with`` (or ``await client.open()``), not in the constructor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from streams.assignment import Assignor
from streams.client.admin import Admin as AdminCore
from streams.client.admin import NewTopic, TopicDescription
from streams.client.group_descriptions import GroupDescription
from streams.client.group_settings import GroupIdentity
from streams.client.pending import Pending
from streams.client.public import setup
from streams.client.public.delivery import BatchDelivery, Delivery
from streams.client.public.opening import Opened, open_driver
from streams.client.public.reading import Listener, Listeners
from streams.client.public.sending import HeadersLike
from streams.client.public.setup import Duration
from streams.client.public.steps import Steps, aresult, arun, aside
from streams.errors import ClientError
from streams.model import ColumnBatch, Isolation, OffsetAndMetadata, Record, TopicPartition

T = TypeVar("T")


class _Client:
    """What the three have in common: opening, and closing off the event loop's thread."""

    _opened: Opened
    _is_open = False

    def _opening(self) -> Steps[None]:
        raise NotImplementedError

    def _closing(self, *, quietly: bool) -> Steps[None]:
        raise NotImplementedError

    async def open(self) -> Self:
        """Connect, and claim what has to be claimed. Raises what the blocking class's constructor raises."""
        if not self._is_open:
            try:
                await arun(self._opening())
            except BaseException:
                with suppress(Exception):
                    await aside(self._opened.close)
                raise
            self._is_open = True
        return self

    async def close(self) -> None:
        """As the blocking class's ``close``."""
        await self._close(quietly=False)

    async def _close(self, *, quietly: bool) -> None:
        was_open, self._is_open = self._is_open, False
        if not was_open:
            return
        try:
            await arun(self._closing(quietly=quietly))
        except Exception:
            if not quietly:
                raise
        finally:
            await aside(self._opened.close)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close(quietly=error is not None)  # what ended the block says more


class AsyncProducer(_Client):
    """``Producer`` for an event loop."""

    def __init__(
        self, *, broker: str | None = None, data_dir: str | Path | None = None, key: Any = None, value: Any = None,
        linger: Duration = "5ms", batch_bytes: int = 512 * 1024, buffer_bytes: int = 32 * 1024 * 1024,
        compression: str = "none", transactional_id: str | None = None, transaction_timeout: Duration = "60s",
        client_id: str = "producer",
    ) -> None:  # fmt: skip
        self._opened, self._sending = setup.sending(
            broker=broker, data_dir=data_dir, client_id=client_id, key=key, value=value, linger=linger,
            batch_bytes=batch_bytes, buffer_bytes=buffer_bytes, compression=compression,
            transactional_id=transactional_id, transaction_timeout=transaction_timeout,
        )  # fmt: skip

    async def send(
        self, topic: str, *, key: Any = None, value: Any = None, timestamp: int | None = None,
        headers: HeadersLike = (), partition: int | None = None,
    ) -> Delivery:  # fmt: skip
        """Take one record; awaits room only. ``await`` the delivery for where it was written."""
        if self._sending.is_full:
            await arun(self._sending.room())
        return Delivery(self._sending, *self._sending.put(topic, key, value, timestamp, headers, partition))

    async def send_batch(
        self, topic: str, *, values: Sequence[Any], keys: Sequence[Any] | None = None,
        timestamps: Sequence[int] | None = None, headers: Sequence[HeadersLike] | None = None,
        partition: int | None = None,
    ) -> BatchDelivery:  # fmt: skip
        """Take many records at once, as parallel columns."""
        if self._sending.is_full:
            await arun(self._sending.room())
        return BatchDelivery(
            self._sending, self._sending.put_batch(topic, keys, values, timestamps, headers, partition)
        )

    async def flush(self) -> None:
        """Wait until everything sent so far is acknowledged; raises the first refusal since the last ``flush``."""
        await aresult(self._sending.flush())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All or nothing: committed at the end of the block, aborted if that is left by an exception."""
        await aresult(self._sending.begin())
        try:
            yield
            await arun(self._sending.commit())
        except BaseException:
            with suppress(ClientError, RuntimeError):
                await aresult(self._sending.abort())
            raise

    async def send_offsets(
        self, group: str | GroupIdentity | AsyncConsumer, offsets: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Make a consumer's progress part of the open transaction."""
        found: Mapping[TopicPartition, OffsetAndMetadata] = {}
        if isinstance(group, AsyncConsumer):
            found = await group.progress()
            group = group.group_identity
        if offsets is not None:
            found = {place: OffsetAndMetadata(offset) for place, offset in offsets.items()}
        await aresult(self._sending.send_offsets(group, found))

    def _opening(self) -> Steps[None]:
        return self._sending.open()

    def _closing(self, *, quietly: bool) -> Steps[None]:
        try:
            yield self._sending.flush()
        finally:
            yield self._sending.release()


class AsyncConsumer(_Client):
    """``Consumer`` for an event loop. Listeners may be coroutine functions."""

    def __init__(
        self, *topics: str, group: str | None = None, broker: str | None = None, data_dir: str | Path | None = None,
        key: Any = bytes, value: Any = bytes, auto_offset_reset: str = "latest", isolation: str = "read_committed",
        auto_commit: Duration | bool = True, assignors: Sequence[str | Assignor] | None = None,
        instance_id: str | None = None, session_timeout: Duration = "10s", heartbeat_interval: Duration = "3s",
        max_poll_interval: Duration = "5m", rack: str | None = None, on_assigned: Listener | None = None,
        on_revoked: Listener | None = None, on_lost: Listener | None = None, client_id: str = "consumer",
    ) -> None:  # fmt: skip
        self._opened, self._reading = setup.reading(
            broker=broker, data_dir=data_dir, client_id=client_id, group=group, key=key, value=value,
            auto_offset_reset=auto_offset_reset, isolation=isolation, auto_commit=auto_commit, assignors=assignors,
            instance_id=instance_id, session_timeout=session_timeout, heartbeat_interval=heartbeat_interval,
            max_poll_interval=max_poll_interval, rack=rack,
        )  # fmt: skip
        self._topics = topics
        self._listeners = Listeners(on_assigned=on_assigned, on_revoked=on_revoked, on_lost=on_lost)

    async def subscribe(
        self, topics: Sequence[str], *, on_assigned: Listener | None = None, on_revoked: Listener | None = None,
        on_lost: Listener | None = None,
    ) -> None:  # fmt: skip
        """Read these topics instead, shared with the group."""
        listeners = Listeners(on_assigned=on_assigned, on_revoked=on_revoked, on_lost=on_lost)
        await aresult(self._reading.subscribe(topics, listeners))

    async def assign(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Read exactly these partitions, without sharing."""
        await aresult(self._reading.assign(TopicPartition(*place) for place in partitions))

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        """What is being read."""
        return self._reading.assignment

    async def poll(self, timeout: Duration | None = None, max_records: int = 500) -> list[Record[Any, Any]]:
        """The next records, at least one unless ``timeout`` passes first (None: wait for ever)."""
        return await arun(self._reading.records(setup.timeout_ms(timeout), max_records))

    async def poll_batches(self, timeout: Duration | None = None) -> list[ColumnBatch]:
        """Everything that is there as columns of bytes."""
        return await arun(self._reading.batches(setup.timeout_ms(timeout)))

    async def records(self, idle: Duration | None = None) -> AsyncIterator[Record[Any, Any]]:
        """Record by record, until none comes for as long as ``idle`` (None: for ever)."""
        limit_ms = setup.timeout_ms(idle)
        while await arun(self._reading.ready(limit_ms)):
            for record in self._reading.backlog.decoded():
                yield record

    def __aiter__(self) -> AsyncIterator[Record[Any, Any]]:
        return self.records()

    async def position(self, partition: tuple[str, int]) -> int | None:
        """The offset that comes next; None while that is not known yet."""
        return await arun(self._reading.position(TopicPartition(*partition)))

    async def seek(self, partition: tuple[str, int], offset: int) -> None:
        """Go on from ``offset``. Raises ``KeyError`` for a partition that is not assigned."""
        await aresult(self._reading.seek(TopicPartition(*partition), offset))

    async def seek_to(self, when: int | datetime | str, partitions: Iterable[tuple[str, int]] | None = None) -> None:
        """Go on from a point in time, ``"beginning"`` or ``"end"``."""
        chosen = None if partitions is None else [TopicPartition(*place) for place in partitions]
        await arun(self._reading.seek_to_time(setup.point_ms(when), chosen))

    async def pause(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Fetch no more of these."""
        places = [TopicPartition(*place) for place in partitions]
        await aresult(self._reading.pause(places, resume=False))

    async def resume(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Fetch them again."""
        places = [TopicPartition(*place) for place in partitions]
        await aresult(self._reading.pause(places, resume=True))

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata | int] | None = None) -> None:
        """Commit what was handed out so far, or ``offsets``; awaits the disk."""
        await aresult(self._reading.progress.commit(offsets))

    async def committed(self, partitions: Iterable[tuple[str, int]]) -> dict[TopicPartition, OffsetAndMetadata | None]:
        """What the group has committed."""
        places = [TopicPartition(*place) for place in partitions]
        return await aresult(self._reading.progress.committed(places))

    async def progress(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """What ``commit`` would commit."""
        return await aresult(self._reading.progress.positions())

    @property
    def group_identity(self) -> GroupIdentity:
        """In whose name this consumer commits at the moment."""
        return self._reading.progress.identity

    def _opening(self) -> Steps[None]:
        yield from self._reading.open()
        if self._topics:
            yield self._reading.subscribe(self._topics, self._listeners)

    def _closing(self, *, quietly: bool) -> Steps[None]:
        return self._reading.close()


class AsyncAdmin(_Client):
    """``Admin`` for an event loop."""

    def __init__(
        self, *, broker: str | None = None, data_dir: str | Path | None = None, client_id: str = "admin"
    ) -> None:
        self._opened = open_driver(broker, data_dir, client_id)

    async def topics(self) -> dict[str, TopicDescription]:
        """All topics by name."""
        return await self._ask(lambda admin: admin.list_topics())

    async def describe_topics(self, names: Sequence[str]) -> dict[str, TopicDescription]:
        """These topics; those that do not exist are missing."""
        return await self._ask(lambda admin: admin.describe_topics(names))

    async def create_topics(self, topics: Mapping[str, NewTopic]) -> dict[str, bool]:
        """Make topics; False for those that were there already."""
        return await self._ask(lambda admin: admin.create_topics(topics))

    async def create_topic(self, name: str, *, partitions: int | None = None, **configs: str) -> bool:
        """Make one topic (``cleanup_policy="compact"`` is ``cleanup.policy``); False if it was there already."""
        made = await self.create_topics({name: setup.new_topic(partitions, configs)})
        return made[name]

    async def delete_topics(self, names: Sequence[str]) -> None:
        """Delete topics with everything in them."""
        await self._ask(lambda admin: admin.delete_topics(names))

    async def describe_configs(self, topics: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """Every setting of each topic."""
        return await self._ask(lambda admin: admin.describe_configs(topics))

    async def alter_configs(self, topic: str, settings: Mapping[str, str | None]) -> None:
        """Change single settings of a topic; None takes one back to its default."""
        await self._ask(lambda admin: admin.alter_configs(topic, settings))

    async def list_offsets(
        self, when: int | datetime | str, partitions: Iterable[tuple[str, int]], *, committed_only: bool = False
    ) -> dict[TopicPartition, int | None]:
        """Offsets at a point in time, ``"beginning"`` or ``"end"``; None where no record is that new."""
        wanted = dict.fromkeys((TopicPartition(*place) for place in partitions), setup.point_ms(when))
        isolation = Isolation.READ_COMMITTED if committed_only else Isolation.READ_UNCOMMITTED
        return await self._ask(lambda admin: admin.list_offsets(wanted, isolation))

    async def delete_records(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Give up the records before these offsets (-1: all); the new starts."""
        return await self._ask(lambda admin: admin.delete_records(offsets))

    async def groups(self) -> list[GroupDescription]:
        """All groups and their states."""
        return await self._ask(lambda admin: admin.list_groups())

    async def describe_group(self, group: str) -> GroupDescription:
        """A group with its members and what each of them has; its state is Dead where there is none of that name."""
        return await self._ask(lambda admin: admin.describe_group(group))

    async def group_offsets(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """Everything that a group has committed."""
        return await self._ask(lambda admin: admin.group_offsets(group))

    async def set_group_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Move a group that has no members."""
        given = {place: OffsetAndMetadata(offset) for place, offset in offsets.items()}
        await self._ask(lambda admin: admin.commit_offsets(group, given))

    async def delete_groups(self, names: Sequence[str]) -> None:
        """Forget groups with everything that they have committed."""
        await self._ask(lambda admin: admin.delete_groups(names))

    async def _ask(self, question: Callable[[AdminCore], Pending[T]]) -> T:
        return await aresult(self._opened.driver.ask(lambda client, _: question(client.admin)))

    def _opening(self) -> Steps[None]:
        yield self._opened.driver.opened

    def _closing(self, *, quietly: bool) -> Steps[None]:
        return
        yield  # nothing to wait for
