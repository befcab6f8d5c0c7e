"""Hand-made codecs of what a broker reads and writes most: Produce and Fetch requests, Fetch and Metadata answers.

Each takes the common shape of a flexible version in a few ``struct`` calls, and hands everything else (older versions,
unknown tagged fields, long names, nulls, errors, bytes that are no message) to the generated codec, which so decides
alone what is legal. A property test holds both equal. Measured by ``python -m tests.benchmarks messages``: Produce and
Fetch requests take half of the time, Metadata less than half, a Fetch answer three quarters. What did not pay (small
messages, whose cost is the value itself) has no codec here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from broker_core.errors import ProtocolError
from broker_core.protocol import fetch, metadata, produce
from broker_core.protocol.generate import Writer, writer
from broker_core.protocol.primitives import INT32, unsigned_varint, write_compact_nullable_string, write_compact_string
from broker_core.protocol.schema import NO_UUID, Message, Put, decode_from, encode_to

__all__ = ["decode_request_body", "encode_response_body"]

ReadBody: TypeAlias = Callable[[int, bytes, int], "tuple[Any, int] | None"]
"""``(version, data, position)`` to the message and the next position; None where the generated codec is to decide."""
WriteBody: TypeAlias = Callable[[Put, Any, int], bool]
"""``(put, message, version)``; False, before anything was put, where the generated codec is to write."""

_NAMES_UNTIL: Final = 12
"""Fetch names topics up to this version, then it has their ids."""
_SMALL: Final = 128
"""A length or count below this is one byte."""


def decode_request_body(cls: type[Message], version: int, data: bytes, position: int) -> tuple[Message, int]:
    """As ``schema.decode_from``."""
    read = _READERS.get(cls)
    if read is not None and version >= cls.FLEXIBLE_FROM:
        try:
            found = read(version, data, position)
        except (IndexError, struct.error, ValueError):  # too short, no UTF-8
            found = None
        if found is not None:
            return found
    return decode_from(cls, version, data, position)


def encode_response_body(put: Put, message: Message, version: int) -> None:
    """As ``schema.encode_to``."""
    cls = type(message)
    write = _WRITERS.get(cls)
    if write is not None and cls.FLEXIBLE_FROM <= version <= cls.MAX_VERSION:
        try:
            if write(put, message, version):
                return
        except (struct.error, AttributeError, TypeError, UnicodeEncodeError) as error:
            raise ProtocolError(f"{cls.__name__} cannot be written in version {version}: {error}") from error
    encode_to(put, message, version)


# -- Produce

_PRODUCE_HEAD: Final = struct.Struct(">hiB")


def _read_produce(version: int, data: bytes, position: int) -> tuple[Any, int] | None:
    size = data[position]
    position += 1
    transactional_id = None
    if size:
        end = position + size - 1
        transactional_id = data[position:end].decode()
        position = end
    acks, timeout_ms, topic_count = _PRODUCE_HEAD.unpack_from(data, position)
    position += 7
    if size >= _SMALL or not 0 < topic_count < _SMALL:
        return None
    topics = []
    for _ in range(topic_count - 1):
        size = data[position]
        end = position + size
        count = data[end]
        if not 0 < size < _SMALL or not 0 < count < _SMALL:
            return None
        name = data[position + 1 : end].decode()
        position = end + 1
        partitions = []
        for _ in range(count - 1):
            (index,) = INT32.unpack_from(data, position)
            size = data[position + 4]
            position += 5
            if size >= _SMALL:
                size -= _SMALL
                for shift in (7, 14, 21):
                    byte = data[position]
                    position += 1
                    size |= (byte & 127) << shift
                    if byte < _SMALL:
                        break
                else:
                    return None
            end = position + size - 1
            if not size or data[end]:
                return None
            partitions.append(produce.PartitionProduceData(index=index, records=data[position:end]))
            position = end + 1
        if data[position]:
            return None
        position += 1
        topics.append(produce.TopicProduceData(name=name, partition_data=tuple(partitions)))
    if data[position]:
        return None
    message = produce.ProduceRequest(
        transactional_id=transactional_id, acks=acks, timeout_ms=timeout_ms, topic_data=tuple(topics)
    )
    return message, position + 1


# -- Fetch

_FETCH_HEAD: Final = struct.Struct(">iiibiiB")
_FETCH_PARTITION: Final = struct.Struct(">iiqiqiB")
_FETCHED_HEAD: Final = struct.Struct(">ihi")
_FETCHED: Final = struct.Struct(">ihqqqBi")
_PLAIN: Final = fetch.PartitionData()
"""Has the very objects that are the defaults: what is equal but not the same goes the slow way, which is right too."""


def _read_fetch(version: int, data: bytes, position: int) -> tuple[Any, int] | None:
    replica_id = -1
    if version <= 14:
        (replica_id,) = INT32.unpack_from(data, position)
        position += 4
    max_wait_ms, min_bytes, max_bytes, isolation, session_id, session_epoch, topic_count = _FETCH_HEAD.unpack_from(
        data, position
    )
    position += _FETCH_HEAD.size
    if not 0 < topic_count < _SMALL:
        return None
    topics = []
    make, width = fetch.FetchPartition, _FETCH_PARTITION.size
    for _ in range(topic_count - 1):
        name, topic_id = "", NO_UUID
        if version <= _NAMES_UNTIL:
            size = data[position]
            end = position + size
            if not 0 < size < _SMALL:
                return None
            name = data[position + 1 : end].decode()
        else:
            end = position + 16
            topic_id = UUID(bytes=data[position:end])
        count = data[end]
        if not 0 < count < _SMALL:
            return None
        position, end = end + 1, end + 1 + (count - 1) * width
        partitions = []
        for index, leader_epoch, offset, fetched_epoch, start, limit, tags in _FETCH_PARTITION.iter_unpack(
            data[position:end]
        ):
            if tags:
                return None
            partitions.append(
                make(
                    partition=index, current_leader_epoch=leader_epoch, fetch_offset=offset,
                    last_fetched_epoch=fetched_epoch, log_start_offset=start, partition_max_bytes=limit,
                )
            )  # fmt: skip
        if data[end]:
            return None
        position = end + 1
        topics.append(fetch.FetchTopic(topic=name, topic_id=topic_id, partitions=tuple(partitions)))
    rack = data[position + 1]
    end = position + 1 + rack
    if data[position] != 1 or not 0 < rack < _SMALL or data[end]:  # topics forgotten, tagged fields
        return None
    message = fetch.FetchRequest(
        replica_id=replica_id, max_wait_ms=max_wait_ms, min_bytes=min_bytes, max_bytes=max_bytes,
        isolation_level=isolation, session_id=session_id, session_epoch=session_epoch, topics=tuple(topics),
        rack_id=data[position + 2 : end].decode(),
    )  # fmt: skip
    return message, end + 1


def _write_fetch(put: Put, message: fetch.FetchResponse, version: int) -> bool:
    if message.node_endpoints:
        return False
    pack, is_named = _FETCHED.pack, version <= _NAMES_UNTIL
    rare: Writer = writer(fetch.PartitionData, version, True)
    put(_FETCHED_HEAD.pack(message.throttle_time_ms, message.error_code, message.session_id))
    put(unsigned_varint(len(message.responses) + 1))
    for topic in message.responses:
        if is_named:
            write_compact_string(put, topic.topic)
        else:
            put(topic.topic_id.bytes)
        put(unsigned_varint(len(topic.partitions) + 1))
        for found in topic.partitions:
            records, aborted = found.records, found.aborted_transactions
            if (
                found.error_code
                or aborted
                or records is None
                or found.diverging_epoch is not _PLAIN.diverging_epoch
                or found.current_leader is not _PLAIN.current_leader
                or found.snapshot_id is not _PLAIN.snapshot_id
            ):
                rare(put, found)
                continue
            put(
                pack(
                    found.partition_index, 0, found.high_watermark, found.last_stable_offset, found.log_start_offset,
                    0 if aborted is None else 1, found.preferred_read_replica,
                )
                + unsigned_varint(len(records) + 1)
            )  # fmt: skip
            put(records)
            put(b"\0")
        put(b"\0")
    put(b"\0")
    return True


# -- Metadata

_DESCRIBED: Final = struct.Struct(">hiiiBiBiBB")
_TOPIC_TAIL: Final = struct.Struct(">iB")


def _write_metadata(put: Put, message: metadata.MetadataResponse, version: int) -> bool:
    """Topics by hand, all around them by the generated code of an answer without topics."""
    pack = _DESCRIBED.pack
    rare: Writer = writer(metadata.MetadataResponsePartition, version, True)
    has_ids, may_be_nameless = version >= 10, version >= 12
    pieces: list[bytes] = []
    for topic in message.topics:
        pieces.append(struct.pack(">h", topic.error_code))
        (write_compact_nullable_string if may_be_nameless else write_compact_string)(pieces.append, topic.name)  # type: ignore[arg-type]
        if has_ids:
            pieces.append(topic.topic_id.bytes)
        pieces.append(b"\1" if topic.is_internal else b"\0")
        pieces.append(unsigned_varint(len(topic.partitions) + 1))
        for found in topic.partitions:
            replicas, in_sync = found.replica_nodes, found.isr_nodes
            if len(replicas) != 1 or len(in_sync) != 1 or found.offline_replicas:
                rare(pieces.append, found)
                continue
            pieces.append(
                pack(
                    found.error_code, found.partition_index, found.leader_id, found.leader_epoch,
                    2, replicas[0], 2, in_sync[0], 1, 0,
                )
            )  # fmt: skip
        pieces.append(_TOPIC_TAIL.pack(topic.topic_authorized_operations, 0))
    around: list[bytes] = []
    encode_to(around.append, replace(message, topics=()), version)
    frame = b"".join(around)
    tail = (4 if version <= 10 else 0) + (2 if version >= 13 else 0) + 1
    put(frame[: -tail - 1])
    put(unsigned_varint(len(message.topics) + 1))
    put(b"".join(pieces))
    put(frame[-tail:])
    return True


_READERS: Final[Mapping[type[Any], ReadBody]] = {
    produce.ProduceRequest: _read_produce,
    fetch.FetchRequest: _read_fetch,
}
_WRITERS: Final[Mapping[type[Any], WriteBody]] = {
    fetch.FetchResponse: _write_fetch,
    metadata.MetadataResponse: _write_metadata,
}
