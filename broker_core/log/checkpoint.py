"""Kafka's small text files: offset checkpoints per data directory, leader epochs per log, a partition's topic id.

Readers, writers and nothing else; who writes them, and when, is the caller's business. docs/formats/checkpoints.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from broker_core.errors import StorageError
from broker_core.log.format import PARTITION_METADATA_NAME
from broker_core.model import LeaderEpoch, Offset, TopicPartition
from broker_core.ports import Filesystem

CHECKPOINT_VERSION: Final = 0


def encode_lines(lines: Iterable[str]) -> bytes:
    """Version, number of lines, lines."""
    body = list(lines)
    return "".join(f"{line}\n" for line in (str(CHECKPOINT_VERSION), str(len(body)), *body)).encode()


def decode_lines(data: bytes, path: str) -> list[str]:
    """The lines of a checkpoint; StorageError naming ``path`` if version or count do not fit."""
    try:
        version, count, *body = data.decode().splitlines()
        if int(version) != CHECKPOINT_VERSION:
            raise StorageError(f"{path}: checkpoint version {version} is unknown to this program")
        if int(count) != len(body):
            raise StorageError(f"{path}: the checkpoint announces {count} lines and has {len(body)}")
    except ValueError as error:
        raise StorageError(f"{path} is no checkpoint file: {error}") from error
    return body


def read_checkpoint(filesystem: Filesystem, path: str) -> dict[TopicPartition, Offset]:
    """Offsets per partition (``recovery-point-offset-checkpoint``, ``log-start-offset-checkpoint``).

    Returns:
        Empty when there is no such file.

    Raises:
        StorageError: the file is damaged; removing it is safe for recovery points (every log is scanned then).
    """
    if not filesystem.exists(path):
        return {}
    offsets = {}
    for line in decode_lines(filesystem.read_file(path), path):
        try:
            topic, partition, offset = line.rsplit(" ", 2)
            offsets[TopicPartition(topic, int(partition))] = int(offset)
        except ValueError as error:
            raise StorageError(f"{path}: {line!r} is not 'topic partition offset'") from error
    return offsets


def encode_offsets(offsets: Mapping[TopicPartition, Offset]) -> bytes:
    """A checkpoint of offsets: one ``topic partition offset`` line for each."""
    return encode_lines(f"{key.topic} {key.partition} {offsets[key]}" for key in sorted(offsets))


def encode_epochs(entries: Iterable[tuple[LeaderEpoch, Offset]]) -> bytes:
    """``leader-epoch-checkpoint``: one ``epoch start_offset`` line for each epoch."""
    return encode_lines(f"{epoch} {start}" for epoch, start in entries)


def decode_epochs(data: bytes, path: str) -> list[tuple[LeaderEpoch, Offset]]:
    """The inverse of ``encode_epochs``; StorageError if it is damaged or out of order."""
    entries: list[tuple[LeaderEpoch, Offset]] = []
    for line in decode_lines(data, path):
        try:
            epoch, start = (int(field) for field in line.split())
        except ValueError as error:
            raise StorageError(f"{path}: {line!r} is not 'epoch offset'") from error
        if entries and (epoch <= entries[-1][0] or start < entries[-1][1]):
            raise StorageError(f"{path}: epoch {epoch} at offset {start} is out of order")
        entries.append((epoch, start))
    return entries


def write_partition_metadata(filesystem: Filesystem, directory: str, topic_id: UUID) -> None:
    """Write ``partition.metadata``, which ties a directory to its topic id; there as a whole or not at all.

    Durable once the directory is synced, which is the caller's: it has other names to make durable in there. Raises
    OSError.
    """
    text = base64.urlsafe_b64encode(topic_id.bytes).decode().rstrip("=")
    path = f"{directory}/{PARTITION_METADATA_NAME}"
    file = filesystem.open(f"{path}.tmp", create=True)
    try:
        file.truncate(0)
        file.write_at(0, f"version: 0\ntopic_id: {text}".encode())
        file.sync()
    finally:
        file.close()
    filesystem.rename(f"{path}.tmp", path)


def read_partition_metadata(filesystem: Filesystem, directory: str) -> UUID | None:
    """The topic id in ``partition.metadata``; None without such a file; StorageError if it is damaged."""
    path = f"{directory}/{PARTITION_METADATA_NAME}"
    if not filesystem.exists(path):
        return None
    fields = dict(
        line.partition(": ")[::2] for line in filesystem.read_file(path).decode("utf-8", "replace").splitlines()
    )
    try:
        if fields["version"] != "0":
            raise StorageError(f"{path}: version {fields['version']} is unknown to this program")
        return UUID(bytes=base64.urlsafe_b64decode(fields["topic_id"] + "=="))
    except (KeyError, ValueError, binascii.Error) as error:
        raise StorageError(f"{path} holds no topic id") from error
