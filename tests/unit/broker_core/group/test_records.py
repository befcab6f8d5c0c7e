"""The bytes of ``__consumer_offsets`` are Kafka's."""

import pytest

from broker_core.errors import ProtocolError
from broker_core.group.records import CommittedOffset, read_key, read_value, to_record, to_tombstone
from broker_core.model import TopicPartition
from tests.unit.broker_core.log.documents import hex_example

TARGET = TopicPartition("lines", 3)


def test_bytes_of_the_worked_example() -> None:
    """The example of docs/formats/coordinator_records.md, byte by byte."""
    committed = CommittedOffset(offset=42, leader_epoch=5, metadata="m", committed_ms=256)
    page = "coordinator_records.md"
    assert to_record("g1", TARGET, committed) == (hex_example(page, 0), hex_example(page, 1))


def test_round_trip() -> None:
    written = CommittedOffset(offset=7, leader_epoch=-1, metadata="über", committed_ms=9, position=12)
    key, value = to_record("g", TARGET, written)
    assert value is not None
    assert read_key(key) == ("g", TARGET)
    assert read_value(value, 12) == written


def test_a_tombstone_has_the_same_key() -> None:
    committed = CommittedOffset(offset=7, committed_ms=9)
    assert to_tombstone("g", TARGET) == (to_record("g", TARGET, committed).key, None)


@pytest.mark.parametrize(
    ("value", "epoch"),
    [
        ("0000 000000000000002a 00016d 0000000000000100", -1),
        ("0001 000000000000002a 00016d 0000000000000100 0000000000000200", -1),
        ("0002 000000000000002a 00016d 0000000000000100", -1),
        ("0004 000000000000002a 00000005 026d 0000000000000100 00", 5),
    ],
)
def test_other_versions_are_read(value: str, epoch: int) -> None:
    found = read_value(bytes.fromhex(value), 0)
    assert (found.offset, found.leader_epoch, found.metadata, found.committed_ms) == (42, epoch, "m", 256)


def test_records_of_groups_with_members_are_passed_over() -> None:
    assert read_key(bytes.fromhex("0002 0001 67")) is None


def test_garbage_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        read_key(b"\0")
    with pytest.raises(ProtocolError):
        read_value(b"\0\x03\0", 0)
