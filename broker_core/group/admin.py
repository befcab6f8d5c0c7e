"""OffsetDelete, DeleteGroups, ListGroups and DescribeGroups, for groups of offsets.

Such a group has no members: it is Empty while it has offsets and Dead otherwise (Kafka's simple groups). Groups with
members will answer here with their own states; what is decided about offsets stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from broker_core.decision import Decision, Need
from broker_core.errors import ErrorCode
from broker_core.group.records import to_tombstone
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.placement import offsets_partition
from broker_core.protocol.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse
from broker_core.protocol.describe_groups import DescribedGroup, DescribeGroupsRequest, DescribeGroupsResponse
from broker_core.protocol.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from broker_core.protocol.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

EMPTY: Final = "Empty"
DEAD: Final = "Dead"
CLASSIC: Final = "classic"
GROUP_ID_NOT_FOUND_SINCE: Final = 6


Write: TypeAlias = Callable[[Decision], ErrorCode]
"""Appends the records of a decision; ``NONE``, or why nothing was appended."""
AdminRequest: TypeAlias = OffsetDeleteRequest | DeleteGroupsRequest | ListGroupsRequest | DescribeGroupsRequest


def decide_admin(
    table: OffsetTable, request: AdminRequest, api_version: int, has_topic: Callable[[str], bool], write: Write
) -> Decision:
    """Answer one of the requests of this module; ``write`` is ``decide_delete_groups``'."""
    match request:
        case OffsetDeleteRequest():
            return decide_offset_delete(table, request, has_topic)
        case DeleteGroupsRequest():
            return decide_delete_groups(table, request, write)
        case ListGroupsRequest():
            return Decision(reply=list_groups(table, request))
        case DescribeGroupsRequest():
            return Decision(reply=describe_groups(table, request, api_version))


def decide_offset_delete(
    table: OffsetTable, request: OffsetDeleteRequest, has_topic: Callable[[str], bool]
) -> Decision:
    """Forget a group's offsets for some partitions; the answer leaves when that is synced."""
    group_id = request.group_id
    if not group_id:
        return Decision(reply=refuse_offset_delete(request, ErrorCode.INVALID_GROUP_ID))
    if not table.knows(group_id):
        return Decision(reply=refuse_offset_delete(request, ErrorCode.GROUP_ID_NOT_FOUND))
    forgotten: dict[TopicPartition, None] = {}
    topics = []
    for topic in request.topics:
        partitions = []
        for asked in topic.partitions:
            target = TopicPartition(topic.name, asked.partition_index)
            known = has_topic(topic.name) or target in table.committed(group_id)
            if known and (target in table.committed(group_id) or target in table.unstable(group_id)):
                forgotten[target] = None
            code = ErrorCode.NONE if known else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            partitions.append(OffsetDeleteResponsePartition(partition_index=asked.partition_index, error_code=code))
        topics.append(OffsetDeleteResponseTopic(name=topic.name, partitions=tuple(partitions)))
    log = offsets_partition(group_id, table.partition_count)
    return Decision(
        partition=log,
        records=tuple(to_tombstone(group_id, target) for target in forgotten),
        needs=(Need(log),) if forgotten else (),
        reply=OffsetDeleteResponse(topics=tuple(topics)),
    )


def decide_delete_groups(table: OffsetTable, request: DeleteGroupsRequest, write: Write) -> Decision:
    """Forget everything of some groups; the answer leaves when that is synced.

    Arguments:
        write: appends the tombstones for one partition of ``__consumer_offsets`` (groups may lie in several).
    """
    codes: dict[str, ErrorCode] = {}
    doomed: dict[TopicPartition, list[str]] = {}
    for group_id in dict.fromkeys(request.groups_names):
        codes[group_id] = _may_be_deleted(table, group_id)
        if codes[group_id] is ErrorCode.NONE:
            doomed.setdefault(offsets_partition(group_id, table.partition_count), []).append(group_id)
    for log, group_ids in sorted(doomed.items()):
        tombstones = tuple(
            to_tombstone(group_id, target) for group_id in group_ids for target in table.committed(group_id)
        )
        codes.update(dict.fromkeys(group_ids, write(Decision(partition=log, records=tombstones))))
    return Decision(
        needs=tuple(Need(log) for log in sorted(doomed)),
        reply=DeleteGroupsResponse(
            results=tuple(DeletableGroupResult(group_id=name, error_code=code) for name, code in codes.items())
        ),
    )


def _may_be_deleted(table: OffsetTable, group_id: str) -> ErrorCode:
    """An open transaction that may yet commit offsets for a group keeps it alive."""
    if not group_id:
        return ErrorCode.INVALID_GROUP_ID
    if table.unstable(group_id):
        return ErrorCode.NON_EMPTY_GROUP
    return ErrorCode.NONE if table.knows(group_id) else ErrorCode.GROUP_ID_NOT_FOUND


def list_groups(table: OffsetTable, request: ListGroupsRequest) -> ListGroupsResponse:
    """All groups, or those in the states (KIP-518) and of the types (KIP-848) asked for, letters' case not minded."""
    states = {state.lower() for state in request.states_filter}
    types = {kind.lower() for kind in request.types_filter}
    wanted = (not states or EMPTY.lower() in states) and (not types or CLASSIC in types)
    return ListGroupsResponse(
        groups=tuple(
            ListedGroup(group_id=group_id, protocol_type="", group_state=EMPTY, group_type=CLASSIC)
            for group_id in table.group_ids()
        )
        if wanted
        else ()
    )


def describe_groups(table: OffsetTable, request: DescribeGroupsRequest, api_version: int) -> DescribeGroupsResponse:
    """Each group; one that is not there is Dead, and from version 6 on an error, too (KIP-1043)."""
    return DescribeGroupsResponse(groups=tuple(_describe(table, group_id, api_version) for group_id in request.groups))


def _describe(table: OffsetTable, group_id: str, api_version: int) -> DescribedGroup:
    if table.knows(group_id):
        return DescribedGroup(group_id=group_id, group_state=EMPTY)
    if api_version < GROUP_ID_NOT_FOUND_SINCE:
        return DescribedGroup(group_id=group_id, group_state=DEAD)
    return DescribedGroup(
        group_id=group_id,
        group_state=DEAD,
        error_code=ErrorCode.GROUP_ID_NOT_FOUND,
        error_message=f"there is no group {group_id!r}",
    )


def refuse_offset_delete(request: OffsetDeleteRequest, code: ErrorCode) -> OffsetDeleteResponse:
    """``code`` for the whole request."""
    return OffsetDeleteResponse(error_code=code)


def refuse_group_deletion(request: DeleteGroupsRequest, code: ErrorCode) -> DeleteGroupsResponse:
    """``code`` for every group."""
    return DeleteGroupsResponse(
        results=tuple(DeletableGroupResult(group_id=name, error_code=code) for name in request.groups_names)
    )
