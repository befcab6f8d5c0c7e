"""The producer a worker writes with: columns in, acknowledged batches out.

The facade over three machines: ``accumulator`` (columns per partition), ``sender`` (batches in flight, sequences,
retries) and ``transactions``. No bytes of a message and no waiting live here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streams.client.pending import Pending
from streams.errors import ClientError
from streams.model import Headers, OffsetAndMetadata, OutputColumns, TopicPartition


class Producer:
    """Writes records idempotently, and in transactions where it has a transactional id."""

    def append(
        self,
        topic: str,
        partition: int,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps: Sequence[int],
        headers: Sequence[Headers] | None = None,
    ) -> None:
        """Buffer records for one partition; they leave when a batch is full, or at ``flush`` and ``commit``."""
        raise NotImplementedError

    def append_output(self, columns: OutputColumns, partition_count: int) -> None:
        """Buffer the columns of one topic, partitioned as Kafka's Java client does unless they say where to.

        Records without key stay together within one call and move on with the next.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    def flush(self) -> Pending[None]:
        """Send everything buffered so far; settled when all of it is acknowledged, or with the first refusal."""
        raise NotImplementedError

    def init_transactions(self) -> Pending[None]:
        """Claim the transactional id: fences whoever had it before and ends what that one left open."""
        raise NotImplementedError

    def begin(self) -> None:
        """Open a transaction; sends nothing."""
        raise NotImplementedError

    def send_offsets(self, group_id: str, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> Pending[None]:
        """Make offsets part of the open transaction."""
        raise NotImplementedError

    def commit(self) -> Pending[None]:
        """Flush and commit; fails with ``TransactionAborted`` when only ``abort`` is left, or ``ProducerFenced``."""
        raise NotImplementedError

    def abort(self) -> Pending[None]:
        """Drop what is buffered, wait for what is under way, and abort."""
        raise NotImplementedError

    @property
    def fatal_error(self) -> ClientError | None:
        """Set once nothing can be written any more (fenced, ...); every call then raises it."""
        raise NotImplementedError

    @property
    def buffered_bytes(self) -> int:
        """Bytes of keys and values not yet acknowledged."""
        raise NotImplementedError
