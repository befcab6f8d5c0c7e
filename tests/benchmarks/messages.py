"""Messages of the hot APIs to and from bytes: our codec, what is generated for all APIs, and two independent ones.

CPU per message without its header. Record data is passed on, not looked into.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from broker_core.protocol.fetch import (
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from broker_core.protocol.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker_core.protocol.hot import decode_request_body, encode_response_body
from broker_core.protocol.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from broker_core.protocol.metadata import MetadataResponse, MetadataResponsePartition, MetadataResponseTopic
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.protocol.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from broker_core.protocol.schema import decode, encode, encode_to
from tests.benchmarks.parts import Row, best, repeat, row

TOPIC_ID = UUID(int=7)


def _cases() -> Iterator[tuple[str, Any, int, str]]:
    """Name, message, version, and which way the broker needs it."""
    for size in (200, 65_536):
        data = PartitionProduceData(index=1, records=b"x" * size)
        body = ProduceRequest(
            acks=-1, timeout_ms=30_000, topic_data=(TopicProduceData(name="topic", partition_data=(data,)),)
        )
        yield f"Produce 9 request, {size} B", body, 9, "decode"
    answers = (PartitionProduceResponse(index=1, base_offset=5),)
    yield (
        "Produce 9 response",
        ProduceResponse(responses=(TopicProduceResponse(name="topic", partition_responses=answers),)),
        9,
        "encode",
    )
    for count in (1, 100):
        asked = tuple(
            FetchPartition(partition=index, fetch_offset=9, partition_max_bytes=1 << 20) for index in range(count)
        )
        yield (
            f"Fetch 12 request, {count} partitions",
            FetchRequest(topics=(FetchTopic(topic="topic", partitions=asked),)),
            12,
            "decode",
        )
        found = tuple(
            PartitionData(partition_index=index, aborted_transactions=None, records=b"x" * 1_000)
            for index in range(count)
        )
        yield (
            f"Fetch 12 response, {count} partitions",
            FetchResponse(responses=(FetchableTopicResponse(topic="topic", partitions=found),)),
            12,
            "encode",
        )
    yield (
        "Metadata 12 response, 100 topics of 12",
        MetadataResponse(
            cluster_id="c",
            topics=tuple(
                MetadataResponseTopic(
                    name=f"topic-{number}",
                    topic_id=TOPIC_ID,
                    partitions=tuple(
                        MetadataResponsePartition(
                            partition_index=index, leader_id=1, replica_nodes=(1,), isr_nodes=(1,)
                        )
                        for index in range(12)
                    ),
                )
                for number in range(100)
            ),
        ),
        12,
        "encode",
    )
    asked_offsets = (ListOffsetsPartition(partition_index=0, timestamp=-1),)
    yield (
        "ListOffsets 7 request",
        ListOffsetsRequest(topics=(ListOffsetsTopic(name="topic", partitions=asked_offsets),)),
        7,
        "decode",
    )
    yield "Heartbeat 4 request", HeartbeatRequest(group_id="group", generation_id=3, member_id="member-1"), 4, "decode"
    yield "Heartbeat 4 response", HeartbeatResponse(), 4, "encode"
    committed = (OffsetCommitRequestPartition(partition_index=0, committed_offset=7),)
    yield (
        "OffsetCommit 8 request",
        OffsetCommitRequest(
            group_id="group",
            member_id="member-1",
            topics=(OffsetCommitRequestTopic(name="topic", partitions=committed),),
        ),
        8,
        "decode",
    )


def _drop(piece: bytes) -> None:
    """Where written pieces go."""


def _ours(message: Any, version: int, way: str) -> Callable[[], Any]:
    cls, raw = type(message), encode(message, version)
    if way == "decode":
        return lambda: decode_request_body(cls, version, raw, 0)
    return lambda: encode_response_body(_drop, message, version)


def _generated(message: Any, version: int, way: str) -> Callable[[], Any]:
    cls, raw = type(message), encode(message, version)
    if way == "decode":
        return lambda: decode(cls, version, raw)
    return lambda: encode_to(_drop, message, version)


def _kio(message: Any, version: int, way: str) -> Callable[[], Any]:
    from kio.serial import entity_reader, entity_writer

    from tests.property.oracles import kio_class

    cls, raw = kio_class(type(message), version), encode(message, version)  # type: ignore[arg-type]
    read, write = entity_reader(cls), entity_writer(cls)
    if way == "decode":
        return lambda: read(raw, 0)
    entity, _ = read(raw, 0)
    return lambda: write(io.BytesIO(), entity)


def _kafka_python(message: Any, version: int, way: str) -> Callable[[], Any]:
    from tests.property.oracles import kafka_python_class

    cls, raw = kafka_python_class(type(message)), encode(message, version)  # type: ignore[arg-type]
    if way == "decode":
        return lambda: cls.decode(raw, version=version)
    theirs = cls.decode(raw, version=version)
    theirs._header = None
    return lambda: theirs.encode(version=version)


def messages(short: bool, _directory: str | None) -> Iterator[Row]:
    """Microseconds per message for each of the codecs; the way that a broker goes."""
    for name, message, version, way in _cases():
        figures = {}
        for codec, make in (("ours", _ours), ("generated", _generated), ("kio", _kio), ("kafka-python", _kafka_python)):
            action = make(message, version, way)
            rounds = max(5, (200 if short else 2_000) // (100 if "100" in name else 1))
            action()
            figures[codec] = best(lambda action=action, rounds=rounds: repeat(action, rounds)) / rounds * 1e6  # type: ignore[misc]
        text = ", ".join(f"{codec} {micros:.2f}" for codec, micros in figures.items()) + " us"
        yield row("messages", f"{way} {name}", text, "", **{key.replace("-", "_"): us for key, us in figures.items()})
