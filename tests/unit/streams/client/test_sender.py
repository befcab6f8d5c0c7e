"""The sender through a client whose broker's answers are written by the test."""

from __future__ import annotations

import random

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.batch import read_header
from broker_core.protocol.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker_core.protocol.produce import ProduceRequest
from streams.client.client import Client
from streams.client.errors import ConnectionLost
from streams.client.producer import Producer
from streams.client.settings import ClientSettings
from streams.errors import ClientError
from streams.model import TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport
from tests.unit.streams.client.world import produced

LATER = 10_000


class Bench:
    def __init__(self, leaders: list[int] | None = None, **settings: int) -> None:
        self.transport = ScriptedTransport({"t": leaders or [1]})
        configured = ClientSettings(batch_bytes=50, **settings)
        self.client = Client(self.transport, client_id="c", random=random.Random(1), settings=configured)
        self.producer: Producer = self.client.producer()
        self.now = 0

    def identify(self, producer_id: int = 7) -> None:
        self.poll()
        token, _, _ = self.transport.take(InitProducerIdRequest)
        self.transport.answer(token, InitProducerIdResponse(producer_id=producer_id, producer_epoch=0))
        self.poll()

    def poll(self, after_ms: int = 0) -> None:
        self.now += after_ms
        self.client.poll(self.now)

    def append(self, count: int, partition: int = 0) -> None:
        """Each of these makes a batch of its own."""
        for _ in range(count):
            self.producer.append("t", partition, [None], [b"v" * 40], [1])

    def produce(self) -> tuple[int, ProduceRequest]:
        token, _, body = self.transport.take(ProduceRequest)
        return token, body

    def sequences(self) -> list[int]:
        return [
            read_header(data.records).base_sequence
            for _, _, body in self.transport.requests
            for topic in body.topic_data
            for data in topic.partition_data
        ]

    def answer(self, code: int = 0, base_offset: int = 0) -> None:
        token, body = self.produce()
        self.transport.answer(token, produced(body, code, base_offset))


def ready(**settings: int) -> Bench:
    """A partition that has acknowledged its first batch."""
    bench = Bench(**settings)
    bench.append(1)
    bench.identify()
    bench.answer()
    bench.poll()
    return bench


def test_the_first_batch_goes_alone_and_five_after_it() -> None:
    bench = Bench()
    bench.append(8)
    bench.identify()
    assert bench.sequences() == [0]
    bench.answer()
    bench.poll()
    assert bench.sequences() == [1, 2, 3, 4, 5]


def test_one_request_carries_one_batch_per_partition_to_each_leader() -> None:
    bench = Bench(leaders=[1, 2, 1])
    for partition in range(3):
        bench.append(2, partition)
    bench.identify()
    by_node = {
        node: [data.index for topic in body.topic_data for data in topic.partition_data]
        for _, node, body in bench.transport.requests
    }
    assert by_node == {1: [0, 2], 2: [1]}


def test_a_retry_has_the_same_bytes_and_waits() -> None:
    bench = ready()
    bench.append(1)
    bench.poll()
    token, first = bench.produce()
    bench.transport.answer(token, ConnectionLost())
    bench.poll()
    assert bench.transport.requests == []
    assert bench.client.next_deadline() is not None
    bench.poll(LATER)
    _, again = bench.produce()
    assert again == first


def test_a_gap_behind_an_open_batch_is_only_a_matter_of_order() -> None:
    """The first of two is lost, so the broker refuses the second: both are sent again, the second after the first."""
    bench = ready()
    bench.append(2)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    bench.answer(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.poll()
    bench.poll(LATER)
    assert bench.sequences() == [1]
    bench.answer()
    bench.poll()
    assert bench.sequences() == [2]
    bench.answer()
    bench.poll()
    assert flushed.result() is None


def test_a_gap_at_the_oldest_batch_is_lost_data() -> None:
    bench = ready()
    bench.append(1)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    bench.poll()
    with pytest.raises(ClientError, match="writing to t-0 was refused: OUT_OF_ORDER"):
        flushed.result()


def test_a_stale_leader_is_looked_up_again() -> None:
    bench = ready()
    bench.append(1)
    bench.poll()
    bench.transport.topics = {"t": [2]}
    bench.answer(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    bench.poll()
    bench.poll(LATER)
    bench.poll()
    _, node, _ = bench.transport.take(ProduceRequest)
    assert node == 2


def test_while_its_leader_is_looked_for_a_partition_is_not_due() -> None:
    """A deadline that has passed would have the caller go round without a pause until there is a leader."""
    bench = ready()
    bench.append(1)
    bench.poll()
    bench.transport.topics = {"t": [-1]}
    bench.answer(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    bench.poll()
    for _ in range(3):
        bench.poll(LATER)
        deadline = bench.client.next_deadline()
        assert deadline is not None and deadline > bench.now
    bench.transport.topics = {"t": [1]}
    bench.poll(LATER)
    assert bench.sequences() == [1]


def test_a_batch_that_is_too_large_is_split_until_it_fits() -> None:
    bench = ready()
    bench.producer.append("t", 0, [None] * 3, [b"1", b"2", b"3"], [1] * 3)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.MESSAGE_TOO_LARGE)
    bench.poll()
    counts = []
    while bench.transport.requests:
        token, body = bench.produce()
        header = read_header(body.topic_data[0].partition_data[0].records)
        counts.append((header.base_sequence, header.record_count))
        bench.transport.answer(token, produced(body, 0))
        bench.poll()
    assert counts == [(1, 1), (2, 2)]
    assert flushed.result() is None


def test_a_record_that_is_too_large_fails_the_flush_and_writing_goes_on_as_a_new_producer() -> None:
    bench = ready()
    bench.append(1)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.MESSAGE_TOO_LARGE)
    bench.poll()
    with pytest.raises(ClientError, match="MESSAGE_TOO_LARGE"):
        flushed.result()
    assert bench.producer.buffered_bytes == 0
    bench.append(1)
    bench.identify(producer_id=8)
    _, body = bench.produce()
    header = read_header(body.topic_data[0].partition_data[0].records)
    assert (header.producer_id, header.base_sequence) == (8, 0)


def test_a_refusal_that_nobody_waits_for_is_told_by_the_next_flush_and_only_there() -> None:
    bench = ready()
    bench.append(1)
    bench.poll()
    bench.answer(ErrorCode.INVALID_RECORD)
    bench.poll()
    told = bench.producer.flush()
    with pytest.raises(ClientError, match="INVALID_RECORD"):
        told.result()
    assert bench.producer.flush().result() is None


def test_a_full_disk_is_not_waited_for_on_a_single_broker() -> None:
    bench = ready()
    bench.append(1)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.KAFKA_STORAGE_ERROR)
    bench.poll()
    with pytest.raises(ClientError, match="KAFKA_STORAGE_ERROR"):
        flushed.result()


def test_a_duplicate_counts_as_written() -> None:
    bench = ready()
    bench.append(1)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.DUPLICATE_SEQUENCE_NUMBER, base_offset=-1)
    bench.poll()
    assert flushed.result() is None


def test_retries_end_with_the_delivery_timeout_and_say_the_last_reason() -> None:
    bench = ready(delivery_timeout_ms=1_000)
    bench.append(1)
    flushed = bench.producer.flush()
    bench.poll()
    bench.answer(ErrorCode.REQUEST_TIMED_OUT)
    bench.poll()
    bench.poll(LATER)
    with pytest.raises(ClientError, match=r"tried for 1000 ms; last: .*REQUEST_TIMED_OUT"):
        flushed.result()


def test_a_partition_without_leader_fails_in_time() -> None:
    bench = Bench(leaders=[-1], delivery_timeout_ms=1_000)
    bench.append(1)
    flushed = bench.producer.flush()
    bench.identify()
    bench.poll(LATER)
    with pytest.raises(ClientError, match="leader was not found"):
        flushed.result()


def test_the_acknowledged_offset_follows_the_log() -> None:
    bench = Bench()
    assert bench.producer.acknowledged(TopicPartition("t", 0)) is None
    bench.producer.append("t", 0, [None] * 3, [b"1"] * 3, [1] * 3)
    bench.producer.flush()
    bench.identify()
    bench.answer(base_offset=40)
    bench.poll()
    assert bench.producer.acknowledged(TopicPartition("t", 0)) == 43


def test_a_version_that_is_not_spoken_fails_the_flush() -> None:
    bench = ready()
    bench.append(1)
    flushed = bench.producer.flush()
    bench.poll()
    bench.transport.answer(bench.produce()[0], ClientError(ErrorCode.UNSUPPORTED_VERSION, "no version of PRODUCE"))
    bench.poll()
    with pytest.raises(ClientError, match="no version of PRODUCE"):
        flushed.result()


@pytest.mark.parametrize(
    ("code", "soon"), [(ErrorCode.CONCURRENT_TRANSACTIONS, True), (ErrorCode.NOT_LEADER_OR_FOLLOWER, False)]
)
def test_what_is_over_in_milliseconds_is_tried_again_at_once(code: ErrorCode, soon: bool) -> None:
    bench = ready()
    bench.append(1)
    bench.poll()
    bench.answer(code)
    bench.poll()
    assert bench.sequences() == []
    bench.poll(after_ms=2)
    assert bench.sequences() == ([1] if soon else [])


def test_after_an_acknowledgement_the_waits_begin_anew() -> None:
    bench = ready()
    for code in (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.CONCURRENT_TRANSACTIONS):
        bench.append(1)
        bench.poll()
        bench.answer(code)
        bench.poll(after_ms=1)
        bench.poll(after_ms=LATER if code is ErrorCode.NOT_ENOUGH_REPLICAS else 2)
        assert len(bench.sequences()) == 1
        bench.answer()
        bench.poll()
