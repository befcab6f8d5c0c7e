"""The hand-made codecs are the generated one, for every value, every version, and bytes that are no message."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from broker_core.errors import ProtocolError
from broker_core.protocol.fetch import (
    AbortedTransaction,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    LeaderIdAndEpoch,
    PartitionData,
)
from broker_core.protocol.hot import _READERS, _WRITERS, decode_request_body, encode_response_body
from broker_core.protocol.metadata import MetadataResponse, MetadataResponsePartition, MetadataResponseTopic
from broker_core.protocol.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from broker_core.protocol.schema import decode_from, encode
from tests.property.message_values import messages

ID = UUID(int=5)


def versions(classes: Any) -> list[Any]:
    return [
        pytest.param(cls, version, id=f"{cls.__name__}-v{version}")
        for cls in classes
        for version in range(cls.MIN_VERSION, cls.MAX_VERSION + 1)
    ]


MANY = settings(
    max_examples=60, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
    database=None,
)  # fmt: skip


def written(message: Any, version: int) -> bytes | str:
    pieces: list[bytes] = []
    try:
        encode_response_body(pieces.append, message, version)
    except ProtocolError:
        return "refused"
    return b"".join(pieces)


def generated(message: Any, version: int) -> bytes | str:
    try:
        return encode(message, version)
    except ProtocolError:
        return "refused"


def read(function: Any, cls: Any, version: int, data: bytes) -> Any:
    try:
        return function(cls, version, data, 3)
    except ProtocolError:
        return "refused"


@pytest.mark.parametrize(("cls", "version"), versions(_WRITERS))
@MANY
@given(data=st.data())
def test_any_response(cls: Any, version: int, data: st.DataObject) -> None:
    message = data.draw(messages(cls, version))
    assert written(message, version) == encode(message, version)


@pytest.mark.parametrize(("cls", "version"), versions(_READERS))
@MANY
@given(data=st.data())
def test_any_request_and_its_damaged_bytes(cls: Any, version: int, data: st.DataObject) -> None:
    message = data.draw(messages(cls, version))
    raw = b"abc" + encode(message, version)
    assert decode_request_body(cls, version, raw, 3) == (message, len(raw))
    check_damage(cls, version, raw)


def check_damage(cls: Any, version: int, raw: bytes) -> None:
    """Cut anywhere, or with any byte exchanged: both codecs say the same."""
    for position in range(3, len(raw)):
        for hostile in (
            raw[:position],
            *(raw[:position] + bytes((byte,)) + raw[position + 1 :] for byte in (0, 1, 2, 0x7F, 0x80, 0xFF)),
        ):
            assert read(decode_request_body, cls, version, hostile) == read(decode_from, cls, version, hostile)


def produce_requests() -> list[ProduceRequest]:
    def topic(name: str, *records: bytes | None) -> TopicProduceData:
        data = tuple(PartitionProduceData(index=index, records=each) for index, each in enumerate(records))
        return TopicProduceData(name=name, partition_data=data)

    return [
        ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=topics, transactional_id=transactional_id)
        for transactional_id in (None, "", "tx", "t" * 127, "t" * 200)
        for topics in (
            (),
            (topic("a"),),
            (topic("words", b"x" * 60, b""), topic("\u00e4", b"x" * 126, b"x" * 127, b"x" * 128)),
            (topic("n" * 126, b"y" * 16_382, b"y" * 16_383, b"y" * 16_384),),
            (topic("n" * 127, None), topic("")),
            tuple(topic(f"{number}", b"z") for number in range(130)),
            (topic("many", *[b"z"] * 130),),
        )
    ] + [ProduceRequest(topic_data=(topic("big", b"b" * (1 << 21), b"b"),))]


@pytest.mark.parametrize("version", range(3, 13))
def test_produce_requests_of_every_shape(version: int) -> None:
    for message in produce_requests():
        raw = b"abc" + encode(message, version)
        assert decode_request_body(ProduceRequest, version, raw, 3) == (message, len(raw))
        assert decode_request_body(ProduceRequest, version, raw + b"more", 3) == (message, len(raw))
    check_damage(ProduceRequest, version, b"abc" + encode(produce_requests()[2], version))


def fetch_requests(version: int) -> list[FetchRequest]:
    def topic(name: str, count: int) -> FetchTopic:
        partitions = tuple(
            FetchPartition(partition=index, fetch_offset=index * 7, partition_max_bytes=1 << 20, log_start_offset=-1)
            for index in range(count)
        )
        return (
            FetchTopic(topic=name, partitions=partitions)
            if version < 13
            else FetchTopic(topic_id=UUID(int=len(name)), partitions=partitions)
        )

    forgotten = ForgottenTopic(topic="f", partitions=(1,)) if version < 13 else ForgottenTopic(topic_id=ID)
    plain = FetchRequest(max_wait_ms=500, min_bytes=1, topics=(topic("a", 2), topic("b" * 127, 0)), rack_id="")
    return [
        plain,
        replace(plain, rack_id="r" * 126, isolation_level=1, session_id=5, session_epoch=8),
        replace(plain, rack_id="r" * 127),
        replace(plain, topics=()),
        replace(plain, topics=(topic("c", 126), topic("d", 127))),
        replace(plain, topics=tuple(topic(f"{number}", 1) for number in range(127))),
        replace(plain, forgotten_topics_data=(forgotten,)),
        *([replace(plain, cluster_id="c")] if version >= 12 else []),
    ]


@pytest.mark.parametrize("version", range(11, 18))
def test_fetch_requests_of_every_shape(version: int) -> None:
    for message in fetch_requests(version):
        raw = b"abc" + encode(message, version)
        assert decode_request_body(FetchRequest, version, raw, 3) == (message, len(raw))
    check_damage(FetchRequest, version, b"abc" + encode(fetch_requests(version)[1], version))


def produced(*partitions: PartitionProduceResponse, name: Any = "t") -> ProduceResponse:
    return ProduceResponse(responses=(TopicProduceResponse(name=name, partition_responses=partitions),))


def fetched(*partitions: PartitionData) -> FetchResponse:
    topic = FetchableTopicResponse(topic="t", topic_id=ID, partitions=partitions)
    return FetchResponse(session_id=4, responses=(topic,))


def responses() -> list[Any]:
    plain = PartitionProduceResponse(index=3, base_offset=2**40, log_append_time_ms=5, log_start_offset=1)
    data = PartitionData(partition_index=1, high_watermark=9, aborted_transactions=None, records=b"r" * 200)
    described = MetadataResponsePartition(
        partition_index=2, leader_id=1, leader_epoch=4, replica_nodes=(1,), isr_nodes=(1,)
    )
    topic = MetadataResponseTopic(name="t", topic_id=ID, partitions=(described, replace(described, isr_nodes=(1, 2))))
    aborted = (AbortedTransaction(producer_id=1, first_offset=2),)
    return [
        produced(*[plain] * 130, name="t" * 200),
        produced(replace(plain, error_code=3, error_message="no"), plain),
        produced(replace(plain, index=2**40)),
        produced(plain, name=None),
        fetched(*[data] * 130),
        fetched(
            replace(data, aborted_transactions=()),
            replace(data, aborted_transactions=aborted),
            replace(data, records=None),
            replace(data, records=b""),
            replace(data, error_code=74, current_leader=LeaderIdAndEpoch(leader_id=1, leader_epoch=2)),
            replace(data, current_leader=LeaderIdAndEpoch()),
        ),
        fetched(replace(data, high_watermark=2**70)),
        MetadataResponse(cluster_id="c", topics=(topic,) * 130),
        MetadataResponse(cluster_id="c", topics=(replace(topic, name=None, error_code=100, partitions=()),)),
        MetadataResponse(topics=(replace(topic, partitions=(replace(described, offline_replicas=(3,)),)),)),
        MetadataResponse(topics=(replace(topic, partitions=(replace(described, leader_id=2**40),)),)),
    ]


@pytest.mark.parametrize("message", responses(), ids=lambda message: type(message).__name__)
def test_responses_of_every_shape(message: Any) -> None:
    """The same bytes, or both refuse."""
    for version in range(message.MIN_VERSION, message.MAX_VERSION + 1):
        assert written(message, version) == generated(message, version)


def test_records_are_handed_on_as_they_are() -> None:
    """No copy of record data on the way out."""
    records = b"r" * 1000
    data = PartitionData(aborted_transactions=None, records=records)
    pieces: list[bytes] = []
    message = FetchResponse(responses=(FetchableTopicResponse(topic="t", partitions=(data,)),))
    encode_response_body(pieces.append, message, 12)
    assert any(piece is records for piece in pieces)


def test_an_unknown_version_is_refused() -> None:
    assert written(FetchResponse(), 18) == written(FetchResponse(), 3) == "refused"
    assert read(decode_request_body, ProduceRequest, 13, b"abc" + bytes(20)) == "refused"
