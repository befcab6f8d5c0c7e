"""The consumer a worker reads with: assigned partitions in, columns out, positions kept.

Decides what to fetch and when a position moves. What the fetched bytes mean is ``fetcher``'s business; groups and
assignment come from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.model import ColumnBatch, TopicPartition


class Consumer:
    """Reads assigned partitions. One fetch is kept under way per broker; a partition is in at most one."""

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read exactly these partitions from here on.

        Partitions that stay keep their position and buffer whatever offset is given. Offsets are absolute, or
        ``EARLIEST_OFFSET`` / ``LATEST_OFFSET``.
        """
        raise NotImplementedError

    @property
    def assignment(self) -> tuple[TopicPartition, ...]:
        raise NotImplementedError

    def poll_batches(self) -> list[ColumnBatch]:
        """What arrived since the last call, in offset order per partition; never blocks, never empty batches.

        Raises:
            CorruptRecords: a batch's checksum is wrong; names topic, partition and offset. All before it was returned.
            OffsetOutOfRange: the position is not in the log and no reset policy is set.
        """
        raise NotImplementedError

    def position(self, topic_partition: TopicPartition) -> int:
        """Offset after everything that ``poll_batches`` returned, and after control and aborted records that follow.

        An unresolved ``EARLIEST_OFFSET`` or ``LATEST_OFFSET`` is returned as it is (negative).
        """
        raise NotImplementedError

    def seek(self, topic_partition: TopicPartition, offset: int) -> None:
        """Go on from ``offset``; what is buffered or under way for the partition is dropped."""
        raise NotImplementedError

    def pause(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Fetch no more; what is buffered is still returned."""
        raise NotImplementedError

    def resume(self, topic_partitions: Iterable[TopicPartition]) -> None:
        raise NotImplementedError

    def end_offset(self, topic_partition: TopicPartition) -> int | None:
        """The end as of the last answer: last stable offset or high watermark; None before the first answer."""
        raise NotImplementedError

    def start_offset(self, topic_partition: TopicPartition) -> int | None:
        """The log's start as of the last answer."""
        raise NotImplementedError

    def is_caught_up(self, topic_partition: TopicPartition) -> bool:
        """Whether the last answer to a fetch from the current position said that there was no more (KIP-695)."""
        raise NotImplementedError
