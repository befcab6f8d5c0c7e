"""OffsetFetch in all its forms: one group or several, named partitions or all, stable or not.

Owns the answers, as the table stands; the driver holds them back until what they tell is on disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from broker_core.errors import ErrorCode
from broker_core.group.table import OffsetTable
from broker_core.model import NO_LEADER_EPOCH, NO_OFFSET, LeaderEpoch, Offset, TopicPartition
from broker_core.protocol.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)


class Answer(NamedTuple):
    """What is told about one partition."""

    partition: int
    offset: Offset
    leader_epoch: LeaderEpoch
    metadata: str
    code: ErrorCode


def asked_groups(request: OffsetFetchRequest, api_version: int) -> tuple[str, ...]:
    """The groups a request is about."""
    return tuple(group.group_id for group in request.groups) if api_version >= 8 else (request.group_id,)


def fetch_offsets(table: OffsetTable, request: OffsetFetchRequest, api_version: int) -> OffsetFetchResponse:
    """What the groups have committed: -1 where nothing is; UNSTABLE_OFFSET_COMMIT where the client wants stable
    offsets and an open transaction may move this one.
    """
    if api_version >= 8:
        groups = tuple(_group(table, group, request.require_stable) for group in request.groups)
        return OffsetFetchResponse(groups=groups)
    found = _answers(table, request.group_id, request.topics, request.require_stable)
    return OffsetFetchResponse(
        topics=tuple(
            OffsetFetchResponseTopic(
                name=topic,
                partitions=tuple(
                    OffsetFetchResponsePartition(
                        partition_index=each.partition,
                        committed_offset=each.offset,
                        committed_leader_epoch=each.leader_epoch,
                        metadata=each.metadata,
                        error_code=each.code,
                    )
                    for each in answers
                ),
            )
            for topic, answers in found.items()
        )
    )


def _group(table: OffsetTable, group: OffsetFetchRequestGroup, require_stable: bool) -> OffsetFetchResponseGroup:
    found = _answers(table, group.group_id, group.topics, require_stable)
    return OffsetFetchResponseGroup(
        group_id=group.group_id,
        topics=tuple(
            OffsetFetchResponseTopics(
                name=topic,
                partitions=tuple(
                    OffsetFetchResponsePartitions(
                        partition_index=each.partition,
                        committed_offset=each.offset,
                        committed_leader_epoch=each.leader_epoch,
                        metadata=each.metadata,
                        error_code=each.code,
                    )
                    for each in answers
                ),
            )
            for topic, answers in found.items()
        ),
    )


def _answers(
    table: OffsetTable,
    group_id: str,
    topics: Iterable[OffsetFetchRequestTopic | OffsetFetchRequestTopics] | None,
    require_stable: bool,
) -> dict[str, list[Answer]]:
    committed = table.committed(group_id)
    unstable = table.unstable(group_id) if require_stable else frozenset()
    if topics is None:
        # Kafka leaves out partitions that have a pending offset only; a client that asks for stable offsets of
        # everything would then take them for never committed.
        targets = sorted(set(committed) | unstable)
    else:
        targets = [TopicPartition(topic.name, index) for topic in topics for index in topic.partition_indexes]
    found: dict[str, list[Answer]] = {}
    if topics is not None:
        found = {topic.name: [] for topic in topics}
    for target in targets:
        offset = committed.get(target)
        if target in unstable:
            code = ErrorCode.UNSTABLE_OFFSET_COMMIT
            answer = Answer(target.partition, NO_OFFSET, NO_LEADER_EPOCH, "", code)
        elif offset is None:
            answer = Answer(target.partition, NO_OFFSET, NO_LEADER_EPOCH, "", ErrorCode.NONE)
        else:
            answer = Answer(target.partition, offset.offset, offset.leader_epoch, offset.metadata, ErrorCode.NONE)
        found.setdefault(target.topic, []).append(answer)
    return found


def refuse_fetch(request: OffsetFetchRequest, code: ErrorCode, api_version: int) -> OffsetFetchResponse:
    """``code`` for every group; version 1 has a place for it at the partitions only."""
    if api_version >= 8:
        return OffsetFetchResponse(
            groups=tuple(OffsetFetchResponseGroup(group_id=group.group_id, error_code=code) for group in request.groups)
        )
    if api_version >= 2:
        return OffsetFetchResponse(error_code=code)
    return OffsetFetchResponse(
        topics=tuple(
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=tuple(
                    OffsetFetchResponsePartition(partition_index=index, committed_offset=NO_OFFSET, error_code=code)
                    for index in topic.partition_indexes
                ),
            )
            for topic in request.topics or ()
        )
    )
