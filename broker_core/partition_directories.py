"""The directories of partitions' logs: their names, making new ones, and removing those that belong to nobody.

Which partitions there should be is the catalog's word, and the logs' life is ``partitions``'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from broker_core.catalog import Topic
from broker_core.config import LogConfig
from broker_core.data_directory import LOGS_PATH
from broker_core.log.checkpoint import read_partition_metadata, write_partition_metadata
from broker_core.log.format import PARTITION_METADATA_NAME
from broker_core.log.partition_log import PartitionLog, create_log
from broker_core.model import LeaderEpoch, TimestampMs, TopicPartition
from broker_core.ports import Filesystem, Observer
from broker_core.recovery_points import RecoveryPoints

MAX_FLIPPED_BITS: Final = 8


def directory_of(partition: TopicPartition) -> str:
    """Where the log of ``partition`` lies, relative to the data directory."""
    return f"{LOGS_PATH}/{partition}"


def create_partition_log(
    filesystem: Filesystem,
    topic: Topic,
    partition: TopicPartition,
    config: LogConfig,
    observer: Observer,
    *,
    leader_epoch: LeaderEpoch,
) -> PartitionLog:
    """An empty log in a new directory, whatever is left there from before is removed.

    Everything in the directory is durable (two syncs); that it exists is durable once ``LOGS_PATH`` is synced, which
    the caller does once for many. Raises OSError.
    """
    path = directory_of(partition)
    if filesystem.exists(path):  # left by a creation or a removal that failed
        filesystem.remove_tree(path)
        filesystem.sync_directory(LOGS_PATH)
    filesystem.make_directory(path)
    write_partition_metadata(filesystem, path, topic.id)
    return create_log(filesystem, path, partition, config, observer, leader_epoch=leader_epoch)


def open_partition_log(
    filesystem: Filesystem,
    topic: Topic,
    partition: TopicPartition,
    config: LogConfig,
    now_ms: TimestampMs,
    observer: Observer,
    points: RecoveryPoints,
    *,
    clean: bool,
    leader_epoch: LeaderEpoch,
) -> PartitionLog:
    """The log of ``partition``, recovered as far as ``points`` say that it must be.

    Arguments:
        clean: the last owner closed it.

    Raises:
        StorageError: it holds what it should not.
        OSError: the disk fails.
    """
    path = directory_of(partition)
    log = PartitionLog.open(
        filesystem,
        path,
        partition,
        config,
        now_ms,
        observer,
        clean=clean and partition in points.recovery_points,
        recovery_point=points.recovery_points.get(partition, 0),
        leader_epoch=leader_epoch,
        start_offset=points.start_of(partition),
    )
    if read_partition_metadata(filesystem, path) is None:
        write_partition_metadata(filesystem, path, topic.id)
        filesystem.sync_directory(path)
    return log


def _is_of_topic(filesystem: Filesystem, path: str, topic_id: UUID, observer: Observer) -> bool:
    """Whether a directory with the right name is this topic's, and not of a deleted one of the same name.

    The file has no checksum. An id that differs in a few bits is no other topic's (ids are random), but this one with
    a bit flipped, and a log is not to be removed for that.
    """
    found = read_partition_metadata(filesystem, path)
    if found is None or found == topic_id:
        return True
    if (found.int ^ topic_id.int).bit_count() > MAX_FLIPPED_BITS:
        return False
    observer.event("broker.topic_id_damaged", path=f"{path}/{PARTITION_METADATA_NAME}")
    write_partition_metadata(filesystem, path, topic_id)
    filesystem.sync_directory(path)
    return True


def remove_strays(
    filesystem: Filesystem, topic_ids: Mapping[TopicPartition, UUID], observer: Observer
) -> tuple[TopicPartition, ...]:
    """Remove directories of deleted topics that a crash left (or brought back).

    Arguments:
        topic_ids: of every partition that there should be.

    Returns:
        the partitions whose directories stay.

    Raises:
        StorageError: a topic id on disk is damaged.
        OSError: the disk fails.
    """
    wanted = {str(partition): partition for partition in topic_ids}
    owned, strays = [], 0
    for name in filesystem.list_directory(LOGS_PATH):
        partition = wanted.get(name)
        path = f"{LOGS_PATH}/{name}"
        if partition is not None and _is_of_topic(filesystem, path, topic_ids[partition], observer):
            owned.append(partition)
            continue
        observer.event("broker.stray_removed", path=path)
        filesystem.remove_tree(path)
        strays += 1
    if strays:
        filesystem.sync_directory(LOGS_PATH)
    return tuple(owned)
