"""OffsetDelete, DeleteGroups, ListGroups and DescribeGroups.

A group that never had members is Empty while it has offsets and Dead otherwise (Kafka's simple groups); others answer
with the state of their session.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from broker_core.decision import Decision, Need
from broker_core.errors import ErrorCode
from broker_core.group.consumer_protocol import CONSUMER_PROTOCOL_TYPE
from broker_core.group.groups import Groups
from broker_core.group.membership import to_group_tombstone
from broker_core.group.records import to_tombstone
from broker_core.group.session import ClassicGroup
from broker_core.group.states import GroupState
from broker_core.group.table import OffsetTable
from broker_core.model import TopicPartition
from broker_core.placement import offsets_partition
from broker_core.protocol.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse
from broker_core.protocol.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from broker_core.protocol.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from broker_core.protocol.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

CLASSIC: Final = "classic"
GROUP_ID_NOT_FOUND_SINCE: Final = 6


Write: TypeAlias = Callable[[Decision], ErrorCode]
"""Appends the records of a decision; ``NONE``, or why nothing was appended."""
AdminRequest: TypeAlias = OffsetDeleteRequest | DeleteGroupsRequest | ListGroupsRequest | DescribeGroupsRequest


def decide_admin(
    table: OffsetTable,
    groups: Groups,
    request: AdminRequest,
    api_version: int,
    has_topic: Callable[[str], bool],
    write: Write,
) -> Decision:
    """Answer one of the requests of this module; ``write`` is ``decide_delete_groups``'."""
    match request:
        case OffsetDeleteRequest():
            return decide_offset_delete(table, groups, request, has_topic)
        case DeleteGroupsRequest():
            return decide_delete_groups(table, groups, request, write)
        case ListGroupsRequest():
            return Decision(reply=list_groups(table, groups, request))
        case DescribeGroupsRequest():
            return Decision(reply=describe_groups(table, groups, request, api_version))


def decide_offset_delete(
    table: OffsetTable, groups: Groups, request: OffsetDeleteRequest, has_topic: Callable[[str], bool]
) -> Decision:
    """Forget a group's offsets for some partitions; the answer leaves when that is synced.

    A group of consumers keeps what it subscribes to (KIP-496); members of other kinds cannot be asked, so that their
    group must be empty.
    """
    group_id = request.group_id
    code = _may_lose_offsets(table, groups, group_id)
    if code is not ErrorCode.NONE:
        return Decision(reply=refuse_offset_delete(request, code))
    group = groups.find(group_id)
    subscribed = group.subscribed_topics() if group is not None and group.members else frozenset()
    forgotten: dict[TopicPartition, None] = {}
    topics = []
    for topic in request.topics:
        partitions = []
        is_subscribed = subscribed is None or topic.name in subscribed
        for asked in topic.partitions:
            target = TopicPartition(topic.name, asked.partition_index)
            if is_subscribed:
                code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
                partitions.append(OffsetDeleteResponsePartition(partition_index=asked.partition_index, error_code=code))
                continue
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


def _may_lose_offsets(table: OffsetTable, groups: Groups, group_id: str) -> ErrorCode:
    if not group_id:
        return ErrorCode.INVALID_GROUP_ID
    group = groups.find(group_id)
    if group is None:
        return ErrorCode.NONE if table.knows(group_id) else ErrorCode.GROUP_ID_NOT_FOUND
    is_deletable = group.state is GroupState.EMPTY or group.protocol_type == CONSUMER_PROTOCOL_TYPE
    return ErrorCode.NONE if is_deletable else ErrorCode.NON_EMPTY_GROUP


def decide_delete_groups(table: OffsetTable, groups: Groups, request: DeleteGroupsRequest, write: Write) -> Decision:
    """Forget everything of some groups; the answer leaves when that is synced.

    Arguments:
        write: appends the tombstones for one partition of ``__consumer_offsets`` (groups may lie in several).
    """
    codes: dict[str, ErrorCode] = {}
    doomed: dict[TopicPartition, list[str]] = {}
    for group_id in dict.fromkeys(request.groups_names):
        codes[group_id] = _may_be_deleted(table, groups, group_id)
        if codes[group_id] is ErrorCode.NONE:
            doomed.setdefault(offsets_partition(group_id, table.partition_count), []).append(group_id)
    for log, group_ids in sorted(doomed.items()):
        tombstones = [to_tombstone(group_id, target) for group_id in group_ids for target in table.committed(group_id)]
        tombstones += [to_group_tombstone(name) for name in group_ids if groups.memberships.get(name) is not None]
        codes.update(dict.fromkeys(group_ids, write(Decision(partition=log, records=tuple(tombstones)))))
    groups.forget_deleted()
    return Decision(
        needs=tuple(Need(log) for log in sorted(doomed)),
        reply=DeleteGroupsResponse(
            results=tuple(DeletableGroupResult(group_id=name, error_code=code) for name, code in codes.items())
        ),
    )


def _may_be_deleted(table: OffsetTable, groups: Groups, group_id: str) -> ErrorCode:
    """Members keep a group alive, and so does an open transaction that may yet commit offsets for it."""
    if not group_id:
        return ErrorCode.INVALID_GROUP_ID
    group = groups.find(group_id)
    if table.unstable(group_id) or (group is not None and group.state is not GroupState.EMPTY):
        return ErrorCode.NON_EMPTY_GROUP
    return ErrorCode.NONE if table.knows(group_id) or group is not None else ErrorCode.GROUP_ID_NOT_FOUND


def list_groups(table: OffsetTable, groups: Groups, request: ListGroupsRequest) -> ListGroupsResponse:
    """All groups, or those in the states (KIP-518) and of the types (KIP-848) asked for, letters' case not minded."""
    states = {state.lower() for state in request.states_filter}
    types = {kind.lower() for kind in request.types_filter}
    if types and CLASSIC not in types:
        return ListGroupsResponse()
    listed = []
    for group_id in sorted({*table.group_ids(), *(group.group_id for group in groups)}):
        group = groups.find(group_id)
        state = GroupState.EMPTY if group is None else group.state
        if not states or state.value.lower() in states:
            kind = group.protocol_type or "" if group is not None else ""
            listed.append(
                ListedGroup(group_id=group_id, protocol_type=kind, group_state=state.value, group_type=CLASSIC)
            )
    return ListGroupsResponse(groups=tuple(listed))


def describe_groups(
    table: OffsetTable, groups: Groups, request: DescribeGroupsRequest, api_version: int
) -> DescribeGroupsResponse:
    """Each group; one that is not there is Dead, and from version 6 on an error, too (KIP-1043)."""
    return DescribeGroupsResponse(
        groups=tuple(_describe(table, groups, group_id, api_version) for group_id in request.groups)
    )


def _describe(table: OffsetTable, groups: Groups, group_id: str, api_version: int) -> DescribedGroup:
    group = groups.find(group_id)
    if group is not None:
        return _describe_members(groups, group)
    if table.knows(group_id):
        return DescribedGroup(group_id=group_id, group_state=GroupState.EMPTY.value)
    if api_version < GROUP_ID_NOT_FOUND_SINCE:
        return DescribedGroup(group_id=group_id, group_state=GroupState.DEAD.value)
    return DescribedGroup(
        group_id=group_id,
        group_state=GroupState.DEAD.value,
        error_code=ErrorCode.GROUP_ID_NOT_FOUND,
        error_message=f"there is no group {group_id!r}",
    )


def _describe_members(groups: Groups, group: ClassicGroup) -> DescribedGroup:
    """Protocol, metadata and assignments are shown while the group is stable: only then do they belong together."""
    stored = groups.memberships.get(group.group_id)
    is_stable = group.state is GroupState.STABLE and stored is not None
    return DescribedGroup(
        group_id=group.group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=group.protocol or "" if is_stable else "",
        members=tuple(
            DescribedGroupMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                member_metadata=member.metadata(group.protocol) if is_stable else b"",
                member_assignment=stored.assignment(member.member_id) if is_stable and stored is not None else b"",
            )
            for member in group.members.values()
        ),
    )


def refuse_offset_delete(request: OffsetDeleteRequest, code: ErrorCode) -> OffsetDeleteResponse:
    """``code`` for the whole request."""
    return OffsetDeleteResponse(error_code=code)


def refuse_group_deletion(request: DeleteGroupsRequest, code: ErrorCode) -> DeleteGroupsResponse:
    """``code`` for every group."""
    return DeleteGroupsResponse(
        results=tuple(DeletableGroupResult(group_id=name, error_code=code) for name in request.groups_names)
    )
