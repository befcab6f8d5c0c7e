"""Times in committed offsets' metadata."""

from __future__ import annotations

import base64
import struct

import pytest

from streams.errors import StreamsError
from streams.task.times import MAX_METADATA_BYTES, UNKNOWN_TIME, Times, decode_times, encode_times


def test_round_trip() -> None:
    times = Times(partition_time=1_700_000_000_000, operator_times={"join": 5, "fenêtre": -1})
    assert decode_times(encode_times(times)) == times
    assert decode_times(encode_times(Times())) == Times()


def test_bytes_are_kafka_streams_own() -> None:
    """``TopicPartitionMetadata`` version 2: version, partition time, then count and (length, name, time) each."""
    expected = struct.pack(">bqii", 2, 77, 1, 3) + b"op1" + struct.pack(">q", 66)
    assert encode_times(Times(partition_time=77, operator_times={"op1": 66})) == base64.b64encode(expected).decode()


def test_version_1_of_kafka_streams_is_read() -> None:
    assert decode_times(base64.b64encode(struct.pack(">bq", 1, 42)).decode()) == Times(partition_time=42)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        "ünïcode",
        base64.b64encode(b"\2\0").decode(),
        base64.b64encode(struct.pack(">bq", 9, 1)).decode(),
        base64.b64encode(struct.pack(">bqii", 2, 1, 1, 1000)).decode(),
        base64.b64encode(struct.pack(">bqii", 2, 1, 1, -5)).decode(),
        base64.b64encode(struct.pack(">bqii", 2, 1, 2**31 - 1, 0)).decode(),
        base64.b64encode(struct.pack(">bqii", 2, 1, 1, 1) + b"\xff" + struct.pack(">q", 1)).decode(),
    ],
)
def test_what_another_program_committed_is_unknown(text: str) -> None:
    assert decode_times(text) == Times(partition_time=UNKNOWN_TIME)


def test_what_does_not_fit_is_refused() -> None:
    many = {f"operator-{index:04}": index for index in range(200)}
    with pytest.raises(StreamsError, match=r"200 windowed operators take \d+ bytes.*room for 4096.*shorter names"):
        encode_times(Times(operator_times=many))
    few = {f"operator-{index:04}": index for index in range(100)}
    assert len(encode_times(Times(operator_times=few))) <= MAX_METADATA_BYTES
