"""Times that travel with a committed offset: the partition's time and every operator's stream time.

Pure codec of the offset's metadata text, in the form Kafka Streams itself commits (``TopicPartitionMetadata``,
version 2, base64). Who commits it, and when, is the runtime's business.

    text   = base64(version: int8 = 2, partition time: int64, [count: int32, count x entry])
    entry  = name length: int32, name: UTF-8, stream time: int64

Version 1 ends after the partition time. Anything else is read as "unknown", as Kafka Streams does: text that
another program committed must not stop a worker.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.errors import StreamsError

MAX_METADATA_BYTES: Final = 4096
"""The broker's default ``offset.metadata.max.bytes``."""
UNKNOWN_TIME: Final = -1

_VERSION: Final = 2
_HEAD: Final = struct.Struct(">bq")
_COUNT: Final = struct.Struct(">i")
_TIME: Final = struct.Struct(">q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Times of one input partition, in milliseconds; ``UNKNOWN_TIME`` where no record has been seen."""

    partition_time: int = UNKNOWN_TIME
    operator_times: Mapping[str, int] = field(default_factory=dict)


def encode_times(times: Times) -> str:
    """The metadata text of ``times``.

    Raises:
        StreamsError: it is longer than a broker takes.
    """
    parts = [_HEAD.pack(_VERSION, times.partition_time)]
    if times.operator_times:
        parts.append(_COUNT.pack(len(times.operator_times)))
        for name, stream_time in times.operator_times.items():
            encoded = name.encode()
            parts += (_COUNT.pack(len(encoded)), encoded, _TIME.pack(stream_time))
    text = base64.b64encode(b"".join(parts)).decode()
    if len(text) > MAX_METADATA_BYTES:
        raise StreamsError(
            f"the stream times of {len(times.operator_times)} windowed operators take {len(text)} bytes, and a "
            f"committed offset has room for {MAX_METADATA_BYTES}; give their stores shorter names, or put a "
            "repartition() between some of them, so that they read another topic"
        )
    return text


def decode_times(text: str) -> Times:
    """The times in a committed offset's metadata; unknown times for any text that is not ours."""
    try:
        data = base64.b64decode(text, validate=True)
        version, partition_time = _HEAD.unpack_from(data)
        if version == 1 or (version == _VERSION and len(data) == _HEAD.size):
            return Times(partition_time=partition_time)
        if version == _VERSION:
            return Times(partition_time=partition_time, operator_times=_read_operator_times(data))
    except (binascii.Error, struct.error, ValueError):
        pass
    return Times()


def _read_operator_times(data: bytes) -> dict[str, int]:
    (count,) = _COUNT.unpack_from(data, _HEAD.size)
    position = _HEAD.size + _COUNT.size
    times: dict[str, int] = {}
    for _ in range(count):
        (length,) = _COUNT.unpack_from(data, position)
        position += _COUNT.size
        if length < 0 or position + length > len(data):
            raise ValueError("a name that is longer than the text")
        name = data[position : position + length].decode()
        position += length
        (times[name],) = _TIME.unpack_from(data, position)
        position += _TIME.size
    return times
