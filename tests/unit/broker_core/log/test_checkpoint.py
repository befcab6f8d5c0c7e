from __future__ import annotations

from uuid import UUID

import pytest

from broker_core.errors import StorageError
from broker_core.log.checkpoint import (
    decode_epochs,
    encode_epochs,
    encode_offsets,
    read_checkpoint,
    read_partition_metadata,
    write_partition_metadata,
)
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from tests.unit.broker_core.log.documents import text_example

PAGE = "checkpoints.md"
OFFSETS = {TopicPartition("orders", 1): 0, TopicPartition("orders", 0): 1500}
TOPIC_ID = UUID(bytes=bytes(range(16)))


def test_offsets_are_written_as_documented_and_read_back() -> None:
    filesystem = MemoryFilesystem()
    assert encode_offsets(OFFSETS) == text_example(PAGE, 0)
    filesystem.replace_file("points", encode_offsets(OFFSETS))
    assert read_checkpoint(filesystem, "points") == OFFSETS


def test_epochs_are_written_as_documented_and_read_back() -> None:
    entries = [(0, 0), (3, 1200)]
    assert encode_epochs(entries) == text_example(PAGE, 1)
    assert decode_epochs(text_example(PAGE, 1), "path") == entries


def test_the_topic_id_is_written_as_documented_and_read_back() -> None:
    filesystem = MemoryFilesystem()
    filesystem.make_directory("orders-0")
    write_partition_metadata(filesystem, "orders-0", TOPIC_ID)
    assert filesystem.read_file("orders-0/partition.metadata") + b"\n" == text_example(PAGE, 2)
    assert read_partition_metadata(filesystem, "orders-0") == TOPIC_ID


def test_missing_files_are_empty() -> None:
    filesystem = MemoryFilesystem()
    assert read_checkpoint(filesystem, "points") == {}
    assert read_partition_metadata(filesystem, "orders-0") is None


@pytest.mark.parametrize(
    "text", ["", "0\n", "x\n0\n", "1\n0\n", "0\n2\norders 0 1\n", "0\n1\norders 0 one\n", "0\n1\norders\n", "\xff"]
)
def test_damage_is_named(text: str) -> None:
    """A checkpoint that cannot be true is an error with the file's name, never a guess."""
    filesystem = MemoryFilesystem()
    filesystem.replace_file("points", text.encode("latin-1"))
    with pytest.raises(StorageError, match="points"):
        read_checkpoint(filesystem, "points")


@pytest.mark.parametrize("lines", ["1\n0 0 0\n", "2\n1 0\n0 5\n", "2\n0 5\n1 4\n", "1\nzero 0\n"])
def test_epochs_out_of_order_are_damage(lines: str) -> None:
    with pytest.raises(StorageError, match="here"):
        decode_epochs(f"0\n{lines}".encode(), "here")


@pytest.mark.parametrize(
    "text", ["", "version: 1\ntopic_id: AAECAwQFBgcICQoLDA0ODw", "version: 0\ntopic_id: AAEC", "version: 0"]
)
def test_a_damaged_topic_id_is_named(text: str) -> None:
    filesystem = MemoryFilesystem()
    filesystem.make_directory("d")
    filesystem.replace_file("d/partition.metadata", text.encode())
    with pytest.raises(StorageError, match=r"d/partition\.metadata"):
        read_partition_metadata(filesystem, "d")
