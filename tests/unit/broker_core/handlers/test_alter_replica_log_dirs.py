"""AlterReplicaLogDirs: everything is where it is asked to be, or the directory is not ours."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from tests.unit.broker_core.broker_kit import Kit


def test_one_directory(kit: Kit) -> None:
    kit.create("words")
    topics = (AlterReplicaLogDirTopic(name="words", partitions=(0, 1)),)
    ours = AlterReplicaLogDir(path=kit.filesystem.root, topics=topics)
    foreign = AlterReplicaLogDir(path="/elsewhere", topics=topics)
    (result,) = kit.call(AlterReplicaLogDirsRequest(dirs=(ours, foreign))).results
    assert [(found.partition_index, found.error_code) for found in result.partitions] == [
        (0, ErrorCode.NONE),
        (1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (0, ErrorCode.LOG_DIR_NOT_FOUND),
        (1, ErrorCode.LOG_DIR_NOT_FOUND),
    ]
