"""The states of a classic group and the legal steps between them, as one table.

Owns nothing else: what a request does in which state is decided in the modules named after the requests. The diagram of
docs/groups.md is drawn from the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class GroupState(Enum):
    """Kafka's states; the values are what DescribeGroups and ListGroups show."""

    EMPTY = "Empty"
    """No members; perhaps offsets."""
    PREPARING_REBALANCE = "PreparingRebalance"
    """Members are to join (again)."""
    COMPLETING_REBALANCE = "CompletingRebalance"
    """A generation began; the leader is to send its assignment."""
    STABLE = "Stable"
    """The generation's assignment is on disk."""
    DEAD = "Dead"
    """There is no such group (any more): no group is ever kept in this state."""


NEXT_STATES: Final[Mapping[GroupState, Mapping[GroupState, str]]] = MappingProxyType(
    {
        GroupState.EMPTY: MappingProxyType(
            {
                GroupState.PREPARING_REBALANCE: "a member joins",
                GroupState.DEAD: "deleted, or nothing left after expiry",
            }
        ),
        GroupState.PREPARING_REBALANCE: MappingProxyType(
            {
                GroupState.COMPLETING_REBALANCE: "all have joined, or time is up",
                GroupState.EMPTY: "nobody is left",
            }
        ),
        GroupState.COMPLETING_REBALANCE: MappingProxyType(
            {
                GroupState.STABLE: "the leader's assignment is stored",
                GroupState.PREPARING_REBALANCE: "a member joins anew, leaves, dies or never syncs",
            }
        ),
        GroupState.STABLE: MappingProxyType(
            {GroupState.PREPARING_REBALANCE: "a member joins anew, leaves, dies or never syncs"}
        ),
        GroupState.DEAD: MappingProxyType({}),
    }
)
"""From, to, and why."""
