"""What fetched bytes mean: batches checked, decoded into columns, aborted and control records left out. PURE.

The rule for aborted data is Kafka's (KIP-98, ``CompletedFetch`` in the Java client): a transactional batch is skipped
while its producer is in the set of aborted ones; a producer enters it at the first offset that the broker listed, and
leaves it at its abort marker. Positions are ``consumer``'s business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from broker_core.errors import CorruptBatch, ErrorCode
from broker_core.protocol.batch import BatchHeader, check_crc, decode_batch, iterate_batches, read_control
from broker_core.protocol.fetch import AbortedTransaction
from streams.client.errors import CorruptRecords
from streams.model import ColumnBatch, Isolation, TopicPartition

MERGE_RECORDS: Final = 500
"""Batches are joined while the columns are shorter than this: one-record batches cost several times as much each."""


class Fetched(NamedTuple):
    """Columns in offset order, the position after all that was looked at, and what stopped it, if anything."""

    batches: list[ColumnBatch]
    next_offset: int
    error: CorruptRecords | None


def decode_fetched(
    topic_partition: TopicPartition,
    records: bytes,
    position: int,
    isolation: Isolation,
    aborted: Iterable[AbortedTransaction] | None,
) -> Fetched:
    """Turn one partition's part of a Fetch answer into columns.

    Arguments:
        records: whole batches, perhaps with a cut-off one at the end; the first may begin before ``position``.
        position: first offset wanted.
        aborted: the answer's list of aborted transactions; counts only for ``READ_COMMITTED``.
    """
    filters = isolation is Isolation.READ_COMMITTED
    waiting = deque(sorted((entry.first_offset, entry.producer_id) for entry in aborted or ()))
    aborted_now: set[int] = set()
    batches: list[ColumnBatch] = []
    try:
        for start, header in iterate_batches(records):
            if header.next_offset <= position:
                continue
            check_crc(records, start, header)
            if filters and header.is_transactional:
                while waiting and waiting[0][0] < header.next_offset:
                    aborted_now.add(waiting.popleft()[1])
            if header.is_control:
                ends_abort = filters and header.producer_id in aborted_now and header.record_count > 0
                if ends_abort and not read_control(records, start).commit:
                    aborted_now.discard(header.producer_id)
            elif not (filters and header.is_transactional and header.producer_id in aborted_now):
                _append(batches, topic_partition, records, start, header, position)
            position = header.next_offset
            if batches and batches[-1].next_offset < position:
                # Control and aborted records belong to the columns before them: a position kept there is past them.
                batches[-1] = batches[-1]._replace(next_offset=position)
    except CorruptBatch as corrupt:
        return Fetched(batches, position, _corrupt(topic_partition, position, corrupt))
    return Fetched(batches, position, None)


def _append(
    batches: list[ColumnBatch],
    topic_partition: TopicPartition,
    records: bytes,
    start: int,
    header: BatchHeader,
    position: int,
) -> None:
    base, next_offset, keys, values, timestamps, headers, offsets = decode_batch(records, start, header)
    if base < position:
        skip = position - base if offsets is None else sum(1 for offset in offsets if offset < position)
        keys, values, timestamps = keys[skip:], values[skip:], timestamps[skip:]
        headers = None if headers is None else headers[skip:]
        offsets = None if offsets is None else offsets[skip:]
        base = position
    if not keys:
        return
    last = batches[-1] if batches else None
    if (
        last is not None
        and len(last.keys) < MERGE_RECORDS
        and last.base_offset + len(last.keys) == base
        and last.offsets is None
        and last.headers is None
        and offsets is None
        and headers is None
    ):
        last.keys.extend(keys)
        last.values.extend(values)
        last.timestamps.extend(timestamps)
        batches[-1] = last._replace(next_offset=next_offset)
        return
    batches.append(ColumnBatch(topic_partition, base, next_offset, keys, values, timestamps, headers, offsets))


def _corrupt(topic_partition: TopicPartition, position: int, corrupt: CorruptBatch) -> CorruptRecords:
    return CorruptRecords(
        ErrorCode.CORRUPT_MESSAGE,
        f"topic {topic_partition.topic}, partition {topic_partition.partition}, offset {position}: {corrupt.message}; "
        f"nothing from there on was read. Restore the log from a copy, or seek past the damaged batch",
    )
