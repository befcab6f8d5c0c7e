"""AlterReplicaLogDirs (API key 34), versions 1 to 2: there is one directory, where every partition is already."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.model import TopicPartition
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)


def handle(context: BrokerContext, body: AlterReplicaLogDirsRequest, call: Call) -> Outcome:
    results: dict[str, list[AlterReplicaLogDirPartitionResult]] = {}
    for directory in body.dirs:
        for topic in directory.topics:
            for index in topic.partitions:
                code = _code(context, TopicPartition(topic.name, index), directory.path)
                result = AlterReplicaLogDirPartitionResult(partition_index=index, error_code=code)
                results.setdefault(topic.name, []).append(result)
    return Reply(
        AlterReplicaLogDirsResponse(
            results=tuple(
                AlterReplicaLogDirTopicResult(topic_name=name, partitions=tuple(found))
                for name, found in results.items()
            )
        )
    )


def _code(context: BrokerContext, partition: TopicPartition, path: str) -> ErrorCode:
    if path != context.filesystem.root:
        return ErrorCode.LOG_DIR_NOT_FOUND
    known = partition in context.partitions.logs
    return ErrorCode.NONE if known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
