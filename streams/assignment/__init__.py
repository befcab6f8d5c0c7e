"""Who reads which partition: the plans of a group's leader, and the bytes that carry them."""

from streams.assignment.cooperative_sticky import CooperativeStickyAssignor
from streams.assignment.model import Assignment, Assignor, GroupMember
from streams.assignment.range import RangeAssignor
from streams.assignment.round_robin import RoundRobinAssignor
from streams.assignment.sticky import StickyAssignor

__all__ = [
    "Assignment",
    "Assignor",
    "CooperativeStickyAssignor",
    "GroupMember",
    "RangeAssignor",
    "RoundRobinAssignor",
    "StickyAssignor",
]
