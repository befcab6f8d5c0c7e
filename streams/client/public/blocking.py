"""``Producer``, ``Consumer`` and ``Admin`` for blocking callers. Facades: every method hands over at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
from streams.client.public.opening import open_driver
from streams.client.public.reading import Listener, Listeners
from streams.client.public.sending import HeadersLike
from streams.client.public.setup import Duration
from streams.client.public.steps import run
from streams.errors import ClientError
from streams.model import ColumnBatch, Isolation, OffsetAndMetadata, Record, TopicPartition

T = TypeVar("T")


class _Closing:
    """What producers and consumers have in common: the end of a block closes them."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(Exception):  # what ended the block says more
                self.close()


class Producer(_Closing):
    """Writes records, from any number of threads. Idempotent: nothing is written twice, order is kept per partition.

    Arguments:
        broker: ``host:port`` of a cluster, ours or Apache Kafka.
        data_dir: instead of it, the directory of an embedded log (as ``App``'s).
        key, value: types or serdes; default: each object in its own type's format (``str`` UTF-8, ``bytes`` as they
            are, everything else JSON).
        linger: how long a record may wait for company in its batch.
        batch_bytes: where a batch is full.
        buffer_bytes: with so much under way, ``send`` waits.
        compression: none, gzip, snappy, lz4 or zstd.
        transactional_id: name of this producer across restarts; needed for ``transaction()``. Claiming it fences
            whoever had it before.
        transaction_timeout: the log aborts a transaction that stays open for longer.
        client_id: what logs and tools call this client.

    Raises:
        ConfigError: an argument that makes no sense, or a cluster that does not answer.
        DataDirectoryError: the embedded log is in use by another process.
    """

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
        self._closed = False
        try:
            run(self._sending.open())
        except BaseException:
            with suppress(Exception):
                self._opened.close()
            raise

    def send(
        self, topic: str, *, key: Any = None, value: Any = None, timestamp: int | None = None,
        headers: HeadersLike = (), partition: int | None = None,
    ) -> Delivery:  # fmt: skip
        """Take one record; it leaves with the next batch. Waits only while ``buffer_bytes`` are under way.

        Arguments:
            key, value: None is null; a null value is a tombstone.
            timestamp: milliseconds since the epoch; default: now.
            headers: a mapping, or pairs of name and bytes.
            partition: default: the key decides as in Kafka's Java client; records without key are spread.
        Returns:
            Its delivery: ``.result()`` waits until the log has acknowledged it. Who does not ask is told by ``flush``.
        Raises:
            SerdeError: key or value do not fit their types.
            ValueError: a timestamp or headers that no record can have.
        """
        if self._sending.is_full:
            run(self._sending.room())
        return Delivery(self._sending, *self._sending.put(topic, key, value, timestamp, headers, partition))

    def send_batch(
        self, topic: str, *, values: Sequence[Any], keys: Sequence[Any] | None = None,
        timestamps: Sequence[int] | None = None, headers: Sequence[HeadersLike] | None = None,
        partition: int | None = None,
    ) -> BatchDelivery:  # fmt: skip
        """Take many records at once, as parallel columns: several times cheaper per record than ``send``.

        Arguments:
            values, keys, timestamps, headers: columns of one length; keys default to null, timestamps to now.
            partition: of all of them; default: each one's key.
        Raises:
            As ``send``; ``ValueError`` for columns of different lengths.
        """
        if self._sending.is_full:
            run(self._sending.room())
        return BatchDelivery(
            self._sending, self._sending.put_batch(topic, keys, values, timestamps, headers, partition)
        )

    def flush(self, timeout: Duration | None = None) -> None:
        """Wait until everything sent so far is acknowledged.

        Raises:
            ClientError: the first refusal since the last ``flush``; nothing of its batch was written for certain.
            TimeoutError: not all of it within ``timeout``.
        """
        limit_ms = setup.timeout_ms(timeout)
        self._sending.flush().result(None if limit_ms is None else limit_ms / 1000)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: committed at the end of the block, aborted if that is left by an exception.

        Raises:
            ProducerFenced: another process took over the transactional id; close this producer.
            TransactionAborted: it could not be committed, and was aborted: nothing of it is visible; do it again.
        """
        self._sending.begin().result()
        try:
            yield
            run(self._sending.commit())
        except BaseException:
            with suppress(ClientError, RuntimeError):
                self._sending.abort().result()
            raise

    def send_offsets(
        self, group: str | GroupIdentity | Consumer, offsets: Mapping[TopicPartition, int] | None = None
    ) -> None:
        """Make a consumer's progress part of the open transaction: committed with its records, or not at all.

        Arguments:
            group: a consumer, as a member of whose group it is committed (KIP-447), or a group's name.
            offsets: default: what the consumer has handed out.
        """
        found: Mapping[TopicPartition, OffsetAndMetadata]
        if isinstance(group, Consumer):
            found = group.progress()
            group = group.group_identity
        else:
            found = {}
        if offsets is not None:
            found = {place: OffsetAndMetadata(offset) for place, offset in offsets.items()}
        self._sending.send_offsets(group, found).result()

    def close(self) -> None:
        """Flush, then give everything up. Raises as ``flush`` does, once all is closed."""
        if self._closed:
            return
        self._closed = True
        try:
            self.flush()
        finally:
            with suppress(Exception):
                self._sending.release().result()
            self._opened.close()


class Consumer(_Closing):
    """Reads records, alone or as a member of a group. For one thread at a time; heartbeats have one of their own.

    Arguments:
        topics: what to read, shared with the group's other members.
        group: its name; without one, ``assign`` says what to read and nothing is committed.
        broker, data_dir, client_id: as for ``Producer``.
        key, value: types or serdes; bytes by default.
        auto_offset_reset: where to begin without a committed offset: ``latest``, ``earliest``, or ``none``, which
            raises ``NoOffset``.
        isolation: ``read_committed`` hides open and aborted transactions; ``read_uncommitted`` shows all.
        auto_commit: how often to commit what you came back from; False for ``commit()`` alone.
        assignors: names or ``Assignor`` objects, in order of preference: range, roundrobin, sticky, cooperative-sticky.
        instance_id: makes it a static member: a restart within ``session_timeout`` moves no partition.
        session_timeout, heartbeat_interval, max_poll_interval: as Kafka's.
        rack: where it runs.
        on_assigned, on_revoked, on_lost: called with partitions while you wait for records. ``on_lost`` is for those
            that somebody else may have already; without it ``on_revoked`` is called.
    """

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
        self._closed = False
        try:
            run(self._reading.open())
            if topics:
                self.subscribe(topics, on_assigned=on_assigned, on_revoked=on_revoked, on_lost=on_lost)
        except BaseException:
            with suppress(Exception):
                self._opened.close()
            raise

    def subscribe(
        self, topics: Sequence[str], *, on_assigned: Listener | None = None, on_revoked: Listener | None = None,
        on_lost: Listener | None = None,
    ) -> None:  # fmt: skip
        """Read these topics instead, shared with the group."""
        listeners = Listeners(on_assigned=on_assigned, on_revoked=on_revoked, on_lost=on_lost)
        self._reading.subscribe(topics, listeners).result()

    def assign(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Read exactly these partitions, without sharing."""
        self._reading.assign(TopicPartition(*place) for place in partitions).result()

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        """What is being read."""
        return self._reading.assignment

    def poll(self, timeout: Duration | None = None, max_records: int = 500) -> list[Record[Any, Any]]:
        """The next records, at least one unless ``timeout`` passes first (None: wait for ever).

        Raises:
            SerdeError: a record that does not fit ``key`` or ``value``; names its place, and stays the next one.
            ClientError: the log refuses to serve, the group refuses this member, or a position is not in the log.
        """
        return run(self._reading.records(setup.timeout_ms(timeout), max_records))

    def poll_batches(self, timeout: Duration | None = None) -> list[ColumnBatch]:
        """Everything that is there as columns of bytes, several times cheaper per record than ``poll``."""
        return run(self._reading.batches(setup.timeout_ms(timeout)))

    def records(self, idle: Duration | None = None) -> Iterator[Record[Any, Any]]:
        """Record by record, until none comes for as long as ``idle`` (None: for ever)."""
        limit_ms = setup.timeout_ms(idle)
        while run(self._reading.ready(limit_ms)):
            yield from self._reading.backlog.decoded()

    def __iter__(self) -> Iterator[Record[Any, Any]]:
        return self.records()

    def position(self, partition: tuple[str, int]) -> int | None:
        """The offset that comes next; None while that is not known yet."""
        return run(self._reading.position(TopicPartition(*partition)))

    def seek(self, partition: tuple[str, int], offset: int) -> None:
        """Go on from ``offset``. Raises ``KeyError`` for a partition that is not assigned."""
        self._reading.seek(TopicPartition(*partition), offset).result()

    def seek_to(self, when: int | datetime | str, partitions: Iterable[tuple[str, int]] | None = None) -> None:
        """Go on from a point in time, ``"beginning"`` or ``"end"``; all assigned partitions by default.

        Arguments:
            when: milliseconds since the epoch, or an aware datetime: the first record that is as new, or the end.
        """
        chosen = None if partitions is None else [TopicPartition(*place) for place in partitions]
        run(self._reading.seek_to_time(setup.point_ms(when), chosen))

    def pause(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Fetch no more of these; the membership goes on, and what is here already is still handed out."""
        self._reading.pause([TopicPartition(*place) for place in partitions], resume=False).result()

    def resume(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Fetch them again."""
        self._reading.pause([TopicPartition(*place) for place in partitions], resume=True).result()

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata | int] | None = None) -> None:
        """Commit what was handed out so far, or ``offsets``; waits until it is on disk.

        Raises:
            RebalanceInProgress: poll, then commit again.
            CommitFailed: the group went on without this consumer.
        """
        self._reading.progress.commit(offsets).result()

    def committed(self, partitions: Iterable[tuple[str, int]]) -> dict[TopicPartition, OffsetAndMetadata | None]:
        """What the group has committed."""
        return self._reading.progress.committed(TopicPartition(*place) for place in partitions).result()

    def progress(self) -> dict[TopicPartition, OffsetAndMetadata]:
        """What ``commit`` would commit: for ``Producer.send_offsets``."""
        return self._reading.progress.positions().result()

    @property
    def group_identity(self) -> GroupIdentity:
        """In whose name this consumer commits at the moment."""
        return self._reading.progress.identity

    def close(self) -> None:
        """Commit (if that is automatic), leave the group, give everything up."""
        if self._closed:
            return
        self._closed = True
        try:
            run(self._reading.close())
        finally:
            self._opened.close()


class Admin:
    """Topics, settings, groups. Arguments: as for ``Producer``; refusals are ``ClientError``."""

    def __init__(
        self, *, broker: str | None = None, data_dir: str | Path | None = None, client_id: str = "admin"
    ) -> None:
        self._opened = open_driver(broker, data_dir, client_id)
        try:
            self._opened.driver.opened.result()
        except BaseException:
            with suppress(Exception):
                self._opened.close()
            raise

    def topics(self) -> dict[str, TopicDescription]:
        """All topics by name."""
        return self._ask(lambda admin: admin.list_topics())

    def describe_topics(self, names: Sequence[str]) -> dict[str, TopicDescription]:
        """These topics; those that do not exist are missing."""
        return self._ask(lambda admin: admin.describe_topics(names))

    def create_topics(self, topics: Mapping[str, NewTopic]) -> dict[str, bool]:
        """Make topics; False for those that were there already."""
        return self._ask(lambda admin: admin.create_topics(topics))

    def create_topic(self, name: str, *, partitions: int | None = None, **configs: str) -> bool:
        """Make one topic (``cleanup_policy="compact"`` is ``cleanup.policy``); False if it was there already."""
        return self.create_topics({name: setup.new_topic(partitions, configs)})[name]

    def delete_topics(self, names: Sequence[str]) -> None:
        """Delete topics with everything in them."""
        self._ask(lambda admin: admin.delete_topics(names))

    def describe_configs(self, topics: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """Every setting of each topic."""
        return self._ask(lambda admin: admin.describe_configs(topics))

    def alter_configs(self, topic: str, settings: Mapping[str, str | None]) -> None:
        """Change single settings of a topic; None takes one back to its default."""
        self._ask(lambda admin: admin.alter_configs(topic, settings))

    def list_offsets(
        self, when: int | datetime | str, partitions: Iterable[tuple[str, int]], *, committed_only: bool = False
    ) -> dict[TopicPartition, int | None]:
        """Offsets at a point in time, ``"beginning"`` or ``"end"``; None where no record is that new."""
        wanted = dict.fromkeys((TopicPartition(*place) for place in partitions), setup.point_ms(when))
        isolation = Isolation.READ_COMMITTED if committed_only else Isolation.READ_UNCOMMITTED
        return self._ask(lambda admin: admin.list_offsets(wanted, isolation))

    def delete_records(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Give up the records before these offsets (-1: all); the new starts."""
        return self._ask(lambda admin: admin.delete_records(offsets))

    def groups(self) -> list[GroupDescription]:
        """All groups and their states."""
        return self._ask(lambda admin: admin.list_groups())

    def describe_group(self, group: str) -> GroupDescription:
        """A group with its members and what each of them has; its state is Dead where there is none of that name."""
        return self._ask(lambda admin: admin.describe_group(group))

    def group_offsets(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """Everything that a group has committed."""
        return self._ask(lambda admin: admin.group_offsets(group))

    def set_group_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Move a group that has no members."""
        given = {place: OffsetAndMetadata(offset) for place, offset in offsets.items()}
        self._ask(lambda admin: admin.commit_offsets(group, given))

    def delete_groups(self, names: Sequence[str]) -> None:
        """Forget groups with everything that they have committed."""
        self._ask(lambda admin: admin.delete_groups(names))

    def close(self) -> None:
        """Give everything up."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, question: Callable[[AdminCore], Pending[T]]) -> T:
        return self._opened.driver.ask(lambda client, _: question(client.admin)).result()
