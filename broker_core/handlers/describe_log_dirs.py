"""DescribeLogDirs (API key 35), versions 1 to 4: the size of every partition in the one data directory.

3: an error code for the whole answer. 4: size and free space of the volume. Partitions that are not here are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from broker_core.handlers.context import BrokerContext
from broker_core.model import TopicPartition
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)


def handle(context: BrokerContext, body: DescribeLogDirsRequest, call: Call) -> Outcome:
    by_topic: dict[str, list[DescribeLogDirsPartition]] = {}
    for partition in _asked(context, body):
        log = context.partitions.logs.get(partition)
        if log is not None:
            by_topic.setdefault(partition.topic, []).append(
                DescribeLogDirsPartition(
                    partition_index=partition.partition,
                    partition_size=log.size_bytes,
                    offset_lag=max(0, log.high_watermark - log.end_offset),
                )
            )
    volume = context.filesystem
    result = DescribeLogDirsResult(
        log_dir=volume.root,
        topics=tuple(DescribeLogDirsTopic(name=name, partitions=tuple(found)) for name, found in by_topic.items()),
        total_bytes=volume.total_bytes(),
        usable_bytes=volume.free_bytes(),
    )
    return Reply(DescribeLogDirsResponse(results=(result,)))


def _asked(context: BrokerContext, body: DescribeLogDirsRequest) -> Iterable[TopicPartition]:
    if body.topics is None:
        return sorted(context.partitions.logs)
    return dict.fromkeys(TopicPartition(topic.topic, index) for topic in body.topics for index in topic.partitions)
