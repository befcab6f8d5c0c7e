"""The producer a worker writes with: columns in, acknowledged batches out.

The facade over three machines: ``accumulator`` (columns per partition), ``sender`` (batches in flight, sequences,
retries) and ``transactions``. No bytes of a message and no waiting live here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from broker_core.errors import ErrorCode
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from streams.client.accumulator import Accumulator, Chunk
from streams.client.calls import ANY, Call, Exchange, Exchanges, Judge
from streams.client.errors import error_for
from streams.client.group_settings import GroupIdentity
from streams.client.metadata import Cluster
from streams.client.partitioner import partition_of
from streams.client.pending import Pending
from streams.client.sender import Identity, Sender, Written
from streams.client.settings import ClientSettings
from streams.client.transactions import State, Transactions
from streams.errors import ClientError
from streams.model import Headers, OffsetAndMetadata, OutputColumns, TopicPartition


class _Unplaced(NamedTuple):
    """A record whose topic's partitions are not known yet."""

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Headers


class Producer:
    """Writes records idempotently, and in transactions where it has a transactional id.

    Without transactions a refused batch takes everything with it that is not acknowledged: ``flush`` fails, none of
    those records is certain to be written or not, and what is appended afterwards goes on under a new producer id.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        exchanges: Exchanges,
        judge: Judge,
        settings: ClientSettings,
        sender: Sender,
        transactions: Transactions | None,
    ) -> None:
        self._cluster, self._exchanges, self._judge, self._settings = cluster, exchanges, judge, settings
        self._accumulator = Accumulator(settings.batch_bytes)
        self._sender = sender
        self._transactions = transactions
        self._unplaced: list[_Unplaced] = []
        self._unplaced_since_ms: int | None = None
        self._flushes: list[Pending[None]] = []
        self._rotation = 0
        self._asking_identity = False

    def append(
        self,
        topic: str,
        partition: int,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps: Sequence[int],
        headers: Sequence[Headers] | None = None,
    ) -> None:
        """Buffer records for one partition; they leave when a batch is full, or at ``flush`` and ``commit``.

        Raises:
            ClientError: nothing can be written any more, or not in this transaction.
            RuntimeError: no transaction is open.
        """
        self._require_writable()
        self._add(self._accumulator.append(TopicPartition(topic, partition), keys, values, timestamps, headers))

    def append_output(self, columns: OutputColumns, partition_count: int) -> None:
        """Buffer the columns of one topic, partitioned as Kafka's Java client does unless they say where to.

        Records without key stay together within one call and move on with the next. The columns may be reused
        once this returns. Raises as ``append`` does.
        """
        self._require_writable()
        if not columns.keys:
            return
        self._rotation += 1
        self._add(self._accumulator.append_output(columns, partition_count, self._rotation % partition_count))

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        timestamp: int,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Buffer one record; without ``partition`` its key decides, once the topic's partitions are known."""
        self._require_writable()
        if partition is None:
            self._unplaced.append(_Unplaced(topic, key, value, timestamp, headers))
            if len(self._unplaced) == 1:  # the others wait for metadata, and are looked at when it comes
                self._place(None)
        else:
            self.append(topic, partition, [key], [value], [timestamp], [headers] if headers else None)

    def flush(self) -> Pending[None]:
        """Send everything buffered so far; settled when all of it is acknowledged, or with the first refusal."""
        pending: Pending[None] = Pending()
        if self._transactions is not None and self._transactions.standing.error is not None:
            pending.fail(self._transactions.standing.error)
            return pending
        self._rotation += 1
        self._flushes.append(pending)
        self._start_flushes()
        return pending

    def init_transactions(self) -> Pending[None]:
        """Claim the transactional id: fences whoever had it before and ends what that one left open.

        Fails with ``ClientError``; unless that is final (``fatal_error``) it may be called again.
        """
        return self._machine().init()

    def begin(self) -> None:
        """Open a transaction; sends nothing. Raises ``RuntimeError`` while the one before is not ended."""
        self._machine().begin()

    def send_offsets(
        self, group: str | GroupIdentity, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> Pending[None]:
        """Make offsets part of the open transaction: they count from ``commit`` on.

        With the identity of a group's member the coordinator refuses them once that generation is over (KIP-447).

        Need not be waited for: ``commit`` does, and all that was sent before it shares one wave to the disk.
        """
        return self._machine().send_offsets(GroupIdentity(group) if isinstance(group, str) else group, offsets)

    def commit(self) -> Pending[None]:
        """Flush and commit; fails with ``TransactionAborted`` when only ``abort`` is left, or ``ProducerFenced``."""
        return self._machine().commit()

    def abort(self) -> Pending[None]:
        """Drop what is buffered, wait for what is under way, and abort; fails with what then is the ``fatal_error``."""
        machine = self._machine()
        pending = machine.abort()
        self._accumulator.clear()
        self._unplaced.clear()
        return pending

    @property
    def fatal_error(self) -> ClientError | None:
        """Set once nothing can be written any more (fenced, ...); every call then raises it."""
        machine = self._transactions
        return machine.standing.error if machine is not None and machine.standing.state is State.FATAL else None

    def acknowledged(self, topic_partition: TopicPartition) -> int | None:
        """Offset after the last record of ours that the partition's log acknowledged; None before the first."""
        return self._sender.acknowledged.get(topic_partition)

    def position(self, topic_partition: TopicPartition) -> int:
        """How many records the partition was handed so far; the ones appended next begin there."""
        return self._sender.entered.get(topic_partition, 0) + self._accumulator.open_records(topic_partition)

    def on_written(self, written: Written) -> None:
        """Have ``written`` called for every acknowledged batch: place, position, count, and its first offset."""
        self._sender.written = written

    def partition_count(self, topic: str) -> int | None:
        """How many partitions a topic has; None while that is being found out. Raises ``ClientError``."""
        found = self._cluster.topic(topic)
        return None if found is None else found.partition_count

    @property
    def buffered_bytes(self) -> int:
        """Bytes of keys and values not yet acknowledged."""
        return self._accumulator.size_bytes + self._sender.size_bytes

    def calls(self, now_ms: int) -> list[Call]:
        """For the pump."""
        if self._unplaced:
            self._place(now_ms)
        machine = self._transactions
        if machine is None:
            self._keep_identity()
            self._start_flushes()
            return self._sender.calls(now_ms, _anywhere)
        if machine.standing.state is State.COMMITTING and not self._unplaced:
            self._add(self._accumulator.close())
        self._start_flushes()
        machine.advance(drained=self._sender.is_idle and not self._unplaced and not self._accumulator.size_bytes)
        return self._sender.calls(now_ms, machine.may_write)

    def next_deadline(self) -> int | None:
        """For the pump."""
        return self._sender.next_deadline()

    def _machine(self) -> Transactions:
        if self._transactions is None:
            raise RuntimeError("a producer without transactional id has no transactions")
        return self._transactions

    def _require_writable(self) -> None:
        if self._transactions is not None:
            self._transactions.standing.require(State.OPEN)

    def _add(self, chunks: list[Chunk]) -> None:
        if self._transactions is not None:
            for chunk in chunks:
                self._transactions.touch(chunk.topic_partition)
        self._sender.add(chunks)

    def _start_flushes(self) -> None:
        """Begin the flushes that were asked for, unless some record has no partition yet."""
        if not self._flushes or self._unplaced:
            return
        self._add(self._accumulator.close())
        flushes, self._flushes = self._flushes, []
        flushed = self._sender.flush()
        for pending in flushes:
            flushed.then(lambda settled, pending=pending: _follow(settled, pending))  # type: ignore[misc]
        if self._transactions is None and flushed.done and flushed.error is not None:
            self._sender.forgive()

    def _place(self, now_ms: int | None) -> None:
        """Give records their partition as far as their topics are known, in order per topic."""
        waiting: list[_Unplaced] = []
        for record in self._unplaced:
            try:
                topic = self._cluster.topic(record.topic)
            except ClientError as error:
                self._refuse_unplaced(error)
                return
            if topic is None:
                waiting.append(record)
                continue
            count = topic.partition_count
            partition = self._rotation % count if record.key is None else partition_of(record.key, count)
            headers = [record.headers] if record.headers else None
            place = TopicPartition(record.topic, partition)
            self._add(self._accumulator.append(place, [record.key], [record.value], [record.timestamp], headers))
        self._unplaced = waiting
        if not waiting:
            self._unplaced_since_ms = None
        elif now_ms is not None:
            since = self._unplaced_since_ms = self._unplaced_since_ms or now_ms
            if now_ms - since >= self._settings.delivery_timeout_ms:
                doing = f"writing to topic {waiting[0].topic}"
                self._refuse_unplaced(error_for(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, doing, "not found in time"))

    def _refuse_unplaced(self, error: ClientError) -> None:
        self._unplaced.clear()
        self._unplaced_since_ms = None
        self._accumulator.clear()
        self._sender.fail(error)

    def _keep_identity(self) -> None:
        """Without transactions: a producer id when there is something to write, a new one after a refusal."""
        sender = self._sender
        if sender.unresolved and not sender.in_air:
            sender.renew(None)
        if sender.identity is None and not sender.is_idle and not self._asking_identity:
            self._asking_identity = True
            body = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0x7FFF_FFFF)
            doing = "asking for a producer id"

            def settle(answer: InitProducerIdResponse) -> None:
                self._judge.check(answer.error_code, doing)
                self._asking_identity = False
                sender.renew(Identity(answer.producer_id, answer.producer_epoch))

            def fail(error: ClientError) -> None:
                self._asking_identity = False
                sender.fail(error)

            self._exchanges.start(Exchange(body, ANY, doing, settle, fail))


def _anywhere(_: TopicPartition) -> bool:
    return True


def _follow(settled: Pending[None], pending: Pending[None]) -> None:
    if settled.error is not None:
        pending.fail(settled.error)
    else:
        pending.resolve(None)
