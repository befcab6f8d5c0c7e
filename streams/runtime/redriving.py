"""Dead letters on their way back: each goes to the partition that it came from, as it was, exactly once.

How far a topic has been redriven is committed under a group of its own (``redrive_group``), in the same transaction as
the records that were sent; so a redrive that dies is repeated whole, and one that ended is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.client.client import Client
from streams.client.consumer import Consumer
from streams.client.producer import Producer
from streams.dead_letters import Origin, origin_of, own_headers
from streams.errors import UnknownTopic
from streams.model import ColumnBatch, Isolation, OffsetAndMetadata, TopicPartition
from streams.runtime.activity import Activity, wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Redriven:
    """What a redrive did, in records. ``left``: those whose headers name no topic, and which therefore stay."""

    sent: int = 0
    left: int = 0


def redrive_group(topic: str) -> str:
    """The group whose offsets say how far a topic of dead letters has been redriven."""
    return f"{topic}-redrive"


def redrive_positions(client: Client, topic: str) -> Activity[dict[TopicPartition, int]]:
    """The first offset of each partition that has not been redriven yet.

    Raises:
        UnknownTopic: there is no such topic.
    """
    found = yield from wait(client.admin.describe_topics([topic]))
    if topic not in found:
        raise UnknownTopic(f"there is no topic {topic!r}; 'streams topics list' names those that are there")
    partitions = [TopicPartition(topic, index) for index in range(found[topic].partitions)]
    committed = yield from wait(client.admin.committed(redrive_group(topic), partitions, require_stable=True))
    starts = yield from wait(client.admin.list_offsets(dict.fromkeys(partitions, EARLIEST_OFFSET)))
    positions: dict[TopicPartition, int] = {}
    for partition in partitions:
        entry = committed.get(partition)
        positions[partition] = max(starts[partition] or 0, 0 if entry is None else entry.offset)
    return positions


def redrive(client: Client, topic: str, *, limit: int | None = None) -> Activity[Redriven]:
    """Send the dead letters of a topic back that have not been yet, up to those that are there now.

    Arguments:
        limit: at most so many.

    Raises:
        UnknownTopic: there is no such topic, or a topic that a letter came from is not there any more; what was sent
            before stays sent.
    """
    producer = client.producer(transactional_id=redrive_group(topic))
    yield from wait(producer.init_transactions())  # first: it ends what a dead redrive left open
    positions = yield from redrive_positions(client, topic)
    ends = yield from wait(client.admin.list_offsets(dict.fromkeys(positions, LATEST_OFFSET), Isolation.READ_COMMITTED))
    todo = {partition: ends[partition] or 0 for partition in positions if positions[partition] < (ends[partition] or 0)}
    consumer = client.consumer(isolation=Isolation.READ_COMMITTED, offset_reset="earliest")
    consumer.assign({partition: positions[partition] for partition in todo})
    counts: dict[str, int] = {}
    done = Redriven()
    while any(consumer.position(partition) < end for partition, end in todo.items()):
        batches = consumer.poll_batches()
        if not batches:
            yield None
            continue
        left = None if limit is None else limit - done.sent - done.left
        sent = yield from _send_back(client, producer, batches, counts, left)
        done = Redriven(sent=done.sent + sent.sent, left=done.left + sent.left)
        if limit is not None and done.sent + done.left >= limit:
            break
    _close(consumer)
    return done


def _send_back(
    client: Client, producer: Producer, batches: list[ColumnBatch], counts: dict[str, int], limit: int | None
) -> Activity[Redriven]:
    """One transaction: some letters, and that they are done."""
    letters = [(batch, index) for batch in batches for index in range(len(batch.keys))][:limit]
    origins = [origin_of(_headers(batch, index)) for batch, index in letters]
    yield from _learn(client, origins, counts)
    offsets: dict[TopicPartition, OffsetAndMetadata] = {}
    producer.begin()
    sent = 0
    for (batch, index), origin in zip(letters, origins, strict=True):
        is_last = index + 1 == len(batch.keys)
        offsets[batch.topic_partition] = OffsetAndMetadata(batch.next_offset if is_last else _offset(batch, index) + 1)
        if origin is None or not origin.topic:
            continue
        sent += 1
        headers = own_headers(_headers(batch, index))
        record = ([batch.keys[index]], [batch.values[index]], [batch.timestamps[index]], [headers] if headers else None)
        producer.append(origin.topic, origin.partition % counts[origin.topic], *record)
    if offsets:
        producer.send_offsets(redrive_group(batches[0].topic_partition.topic), offsets)
    yield from wait(producer.commit())
    return Redriven(sent=sent, left=len(letters) - sent)


def _learn(client: Client, origins: list[Origin | None], counts: dict[str, int]) -> Activity[None]:
    """Partition counts of the topics that letters came from."""
    wanted = dict.fromkeys(origin.topic for origin in origins if origin is not None and origin.topic)
    unknown = [topic for topic in wanted if topic not in counts]
    if not unknown:
        return
    found: Mapping[str, object] = (described := (yield from wait(client.admin.describe_topics(unknown))))
    for topic in unknown:
        if topic not in found:
            raise UnknownTopic(
                f"a dead letter came from topic {topic!r}, which is not there any more; create it again, or delete the "
                "letters. Nothing of them has been sent"
            )
        counts[topic] = described[topic].partitions


def _headers(batch: ColumnBatch, index: int) -> tuple[tuple[str, bytes | None], ...]:
    return () if batch.headers is None else batch.headers[index]


def _offset(batch: ColumnBatch, index: int) -> int:
    return batch.base_offset + index if batch.offsets is None else batch.offsets[index]


def _close(consumer: Consumer) -> None:
    consumer.assign({})
