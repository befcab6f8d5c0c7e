"""What the error policies of operators ask of the functions that the operators become part of. Questions only."""

from __future__ import annotations

from enum import Flag

from streams.on_error import Fail
from streams.topology.nodes import Node, UserFunction


class Needs(Flag):
    """Nothing, as long as a failing record just ends where it failed."""

    NOTHING = 0
    UNDO = 1
    """The record's effects may have to be undone."""
    RECALL = 2
    """The record may be taken up again; functions that succeeded are not called again, their results are recalled."""


def is_handled(node: Node) -> bool:
    """Whether the node's policy is another one than to fail."""
    return node.on_error is not None and not isinstance(node.on_error, Fail)


def needs_of(node: Node) -> Needs:
    """What the node's policy may ask for; a function may return any policy."""
    policy = node.on_error
    if isinstance(policy, UserFunction) or (policy is not None and policy.may_wait):
        return Needs.UNDO | Needs.RECALL
    return Needs.UNDO if policy is not None and policy.may_undo else Needs.NOTHING
