"""Requests about groups that come from outside of their membership: offsets, and administration.

Owns the routing alone; each decision lives in the module of its subject.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from broker_core.decision import Decision, Need
from broker_core.group.admin import AdminRequest, Write, decide_admin
from broker_core.group.commit import decide_commit
from broker_core.group.fetch import asked_groups, fetch_offsets
from broker_core.group.groups import Groups
from broker_core.group.table import OffsetTable
from broker_core.placement import offsets_partition
from broker_core.protocol.offset_commit import OffsetCommitRequest
from broker_core.protocol.offset_fetch import OffsetFetchRequest

GroupRequest: TypeAlias = OffsetCommitRequest | OffsetFetchRequest | AdminRequest


def decide_group(
    table: OffsetTable,
    groups: Groups,
    request: GroupRequest,
    api_version: int,
    now_ms: int,
    has_topic: Callable[[str], bool],
    write: Write,
) -> Decision:
    """Answer ``request``; ``write`` is ``decide_admin``'s."""
    match request:
        case OffsetCommitRequest():
            return decide_commit(table, groups, request, api_version, now_ms, has_topic)
        case OffsetFetchRequest():
            asked = asked_groups(request, api_version)
            return Decision(
                needs=tuple(Need(offsets_partition(group_id, table.partition_count)) for group_id in asked),
                reply=fetch_offsets(table, request, api_version),
            )
        case _:
            return decide_admin(table, groups, request, api_version, has_topic, write)
