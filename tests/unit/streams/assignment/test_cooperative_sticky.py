"""Cooperative sticky: what moves is first taken, then given."""

from __future__ import annotations

from streams.assignment.cooperative_sticky import CooperativeStickyAssignor
from streams.assignment.wire import encode_cooperative
from tests.unit.streams.assignment.groups import member, places, shown

COOPERATIVE = CooperativeStickyAssignor()


def test_a_partition_moves_in_two_rebalances() -> None:
    a = member("a", "t", owned=places("t", 0, 1, 2, 3), generation=1)
    first = COOPERATIVE.assign({"t": 4}, [a, member("b", "t")])
    assert shown(first) == {"a": "t0 t1", "b": ""}
    a = member("a", "t", owned=first["a"].partitions, generation=2)
    second = COOPERATIVE.assign({"t": 4}, [a, member("b", "t", generation=2)])
    assert shown(second) == {"a": "t0 t1", "b": "t2 t3"}


def test_what_nobody_has_is_given_at_once() -> None:
    a = member("a", "t", owned=places("t", 0), generation=1)
    assert shown(COOPERATIVE.assign({"t": 2}, [a, member("b", "t")])) == {"a": "t0", "b": "t1"}


def test_a_claim_of_an_old_generation_takes_nothing_from_its_reader_and_gives_it_to_nobody_else() -> None:
    """a missed a rebalance in which b got t0: b keeps it. c may not get a's t1 before a gave it up."""
    members = [
        member("a", "t", owned=places("t", 0, 1), generation=3),
        member("b", "t", owned=places("t", 0, 2), generation=4),
        member("c", "t", generation=4),
    ]
    assert shown(COOPERATIVE.assign({"t": 3}, members)) == {"a": "t1", "b": "t0", "c": ""}


def test_the_generation_may_be_in_the_user_data() -> None:
    """Members from before version 2 of the subscription have it there."""
    members = [
        member("a", "t", owned=places("t", 0, 1), user_data=encode_cooperative(3)),
        member("b", "t", owned=places("t", 0, 1), user_data=encode_cooperative(4)),
    ]
    plan = COOPERATIVE.assign({"t": 2}, members)
    assert len(plan["b"].partitions) == 1
