from __future__ import annotations

import random
from typing import Any

import pytest

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from broker_core.protocol.fetch import FetchRequest, FetchResponse
from streams.client.client import Client
from streams.client.consumer import Consumer
from streams.client.errors import ConnectionLost, CorruptRecords, OffsetOutOfRange
from streams.client.settings import ClientSettings
from streams.client.transport import Transport
from streams.errors import ClientError
from streams.model import Isolation, TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport
from tests.unit.streams.client.world import World, drain

PLACE = TopicPartition("t", 0)
OTHER = TopicPartition("t", 1)


def write(world: World, count: int, partition: int = 0, first: int = 0) -> None:
    client = world.client()
    producer = client.producer()
    values = [b"%d" % (first + index) for index in range(count)]
    producer.append("t", partition, [b"k"] * count, values, [world.now_ms] * count)
    world.wait(client, producer.flush())


def values(world: World, client: Client, consumer: Consumer, rounds: int = 4) -> list[bytes | None]:
    found: list[bytes | None] = []
    for _ in range(rounds):
        client.poll(world.clock())
        for batch in consumer.poll_batches():
            found += batch.values
    return found


@pytest.fixture
def topic(world: World) -> World:
    world.topic("t", 2)
    return world


def test_it_knows_when_it_is_caught_up(topic: World) -> None:
    write(topic, 3)
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: 0})
    assert (consumer.end_offset(PLACE), consumer.is_caught_up(PLACE)) == (None, False)
    client.poll(topic.clock())
    assert not consumer.is_caught_up(PLACE), "arrived, but not handed out yet"
    assert consumer.position(PLACE) == 0
    assert [batch.values for batch in consumer.poll_batches()] == [[b"0", b"1", b"2"]]
    assert (consumer.position(PLACE), consumer.end_offset(PLACE), consumer.is_caught_up(PLACE)) == (3, 3, True)


def test_a_waiting_fetch_is_answered_by_new_data(topic: World) -> None:
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: 0})
    assert values(topic, client, consumer) == []
    write(topic, 2)
    assert values(topic, client, consumer) == [b"0", b"1"]


def test_seek_drops_what_is_buffered_and_under_way(topic: World) -> None:
    write(topic, 4)
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: 0})
    client.poll(topic.clock())
    consumer.seek(PLACE, 2)
    assert consumer.poll_batches() == []
    assert values(topic, client, consumer) == [b"2", b"3"]
    consumer.seek(PLACE, 3)
    assert values(topic, client, consumer) == [b"3"], "the fetch that waits at the end must hold nothing up"
    write(topic, 1, first=4)
    assert values(topic, client, consumer, rounds=800) == [b"4"], "its answer comes late and counts for nothing"


def test_while_its_leader_is_looked_for_a_partition_is_not_due() -> None:
    """A deadline that has passed would have the caller go round without a pause until there is a leader."""
    transport = ScriptedTransport({"t": [1]})
    client = Client(transport, client_id="c", random=random.Random(1))
    client.consumer().assign({PLACE: 0})
    client.poll(0)
    transport.topics = {"t": [-1]}
    transport.answer(transport.take(FetchRequest)[0], ConnectionLost())
    for now_ms in (1, 10_000, 20_000, 30_000):
        client.poll(now_ms)
        deadline = client.next_deadline()
        assert deadline is not None and deadline > now_ms
    transport.topics = {"t": [2]}
    client.poll(40_000)
    assert transport.take(FetchRequest)[1] == 2


def test_pause_stops_fetching_and_resume_goes_on_where_it_was(topic: World) -> None:
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: 0, OTHER: 0})
    consumer.pause([PLACE])
    write(topic, 2)
    write(topic, 1, partition=1, first=7)
    assert values(topic, client, consumer) == [b"7"]
    consumer.resume([PLACE])
    assert values(topic, client, consumer) == [b"0", b"1"]


def test_assign_keeps_what_stays_and_forgets_what_goes(topic: World) -> None:
    write(topic, 3)
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: 0})
    assert len(values(topic, client, consumer)) == 3
    consumer.assign({PLACE: 0, OTHER: 0})
    assert consumer.position(PLACE) == 3
    consumer.assign({OTHER: 0})
    consumer.assign({PLACE: 1})
    assert consumer.assignment == (PLACE,)
    assert values(topic, client, consumer) == [b"1", b"2"]


def test_earliest_and_latest_are_looked_up(topic: World) -> None:
    write(topic, 3)
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: LATEST_OFFSET})
    assert consumer.position(PLACE) == LATEST_OFFSET
    assert values(topic, client, consumer) == []
    assert consumer.position(PLACE) == 3
    consumer.seek(PLACE, EARLIEST_OFFSET)
    assert len(values(topic, client, consumer)) == 3


@pytest.mark.parametrize(("reset", "expected"), [("earliest", [b"2", b"3"]), ("latest", [])])
def test_a_position_outside_of_the_log_is_reset_as_told(topic: World, reset: Any, expected: list[bytes]) -> None:
    write(topic, 4)
    client = topic.client()
    topic.wait(client, client.admin.delete_records({PLACE: 2}))  # in the middle of a batch
    consumer = client.consumer(offset_reset=reset)
    consumer.assign({PLACE: 0})
    assert values(topic, client, consumer) == expected
    assert consumer.position(PLACE) == 4
    assert consumer.start_offset(PLACE) == 2


def test_without_a_reset_it_is_an_error_that_names_the_place_and_seek_cures_it(topic: World) -> None:
    write(topic, 1)
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({PLACE: 9})
    with pytest.raises(OffsetOutOfRange, match="topic t, partition 0: offset 9"):
        values(topic, client, consumer)
    consumer.seek(PLACE, 0)
    assert values(topic, client, consumer) == [b"0"]


def test_a_partition_that_does_not_exist_is_an_error(topic: World) -> None:
    client = topic.client()
    consumer = client.consumer()
    consumer.assign({TopicPartition("t", 5): 0})
    with pytest.raises(ClientError, match="t has 2 partitions"):
        values(topic, client, consumer)


def test_open_transactions_hold_committed_readers_back_and_no_others(topic: World) -> None:
    client = topic.client()
    producer = client.producer(transactional_id="tx")
    topic.wait(client, producer.init_transactions())
    producer.begin()
    producer.append("t", 0, [b"k"], [b"open"], [topic.now_ms])
    topic.wait(client, producer.flush())
    committed, uncommitted = client.consumer(), client.consumer(isolation=Isolation.READ_UNCOMMITTED)
    for consumer in (committed, uncommitted):
        consumer.assign({PLACE: 0})
    assert values(topic, client, committed) == []
    assert (committed.end_offset(PLACE), committed.is_caught_up(PLACE)) == (0, True)
    assert values(topic, client, uncommitted) == [b"open"]
    topic.wait(client, producer.commit())
    assert values(topic, client, committed) == [b"open"]
    assert committed.position(PLACE) == 2, "past the marker"


class DamagingTransport:
    """Flips the last bit of the records in every fetch answer once ``damage`` is set."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.damage = False

    def send(self, node_id: int | None, body: Any, max_version: int | None = None) -> int:
        return self._inner.send(node_id, body, max_version)

    def poll(self, now_ms: int) -> list[tuple[int, Any]]:
        return [(token, self._damaged(answer)) for token, answer in self._inner.poll(now_ms)]

    def wait(self, timeout_ms: int) -> None: ...

    def next_deadline(self) -> int | None:
        return self._inner.next_deadline()

    def close(self, now_ms: int) -> None: ...

    def _damaged(self, answer: Any) -> Any:
        if not self.damage or not isinstance(answer, FetchResponse):
            return answer
        return FetchResponse(
            responses=tuple(
                type(topic)(
                    topic=topic.topic,
                    partitions=tuple(
                        type(part)(
                            partition_index=part.partition_index,
                            high_watermark=part.high_watermark,
                            last_stable_offset=part.last_stable_offset,
                            records=part.records and part.records[:-1] + bytes([part.records[-1] ^ 1]),
                        )
                        for part in topic.partitions
                    ),
                )
                for topic in answer.responses
            )
        )


def test_damaged_records_name_topic_partition_and_offset(topic: World) -> None:
    write(topic, 2)
    write(topic, 2)
    damaging: list[DamagingTransport] = []

    def wrap(inner: Transport) -> DamagingTransport:
        damaging.append(DamagingTransport(inner))
        return damaging[0]

    client = topic.client(wrap=wrap)
    consumer = client.consumer()
    damaging[0].damage = True
    consumer.assign({PLACE: 0})
    client.poll(topic.clock())
    assert [batch.values for batch in consumer.poll_batches()] == [[b"0", b"1"]], "what is whole comes first"
    for _ in range(2):
        with pytest.raises(CorruptRecords, match="topic t, partition 0, offset 2: checksum"):
            consumer.poll_batches()
    assert consumer.position(PLACE) == 2


def test_partitions_share_answers_fairly_when_one_is_large(topic: World) -> None:
    """An answer holds few bytes, so partitions must take turns; nobody starves."""
    for first in range(0, 40, 4):
        write(topic, 4, partition=0, first=first)
    write(topic, 1, partition=1, first=99)
    client = topic.client(ClientSettings(fetch_max_bytes=100, fetch_partition_max_bytes=100))
    consumer = client.consumer()
    consumer.assign({PLACE: 0, OTHER: 0})
    order = [batch.topic_partition.partition for batch in drain(topic, client, consumer)]
    assert 1 in order[:3]
    assert order.count(0) == 10
