"""Range: one piece of every topic per member."""

from __future__ import annotations

from streams.assignment.range import RangeAssignor
from tests.unit.streams.assignment.groups import member, shown


def test_the_first_members_get_the_rest() -> None:
    plan = RangeAssignor().assign({"t": 5, "u": 1}, [member("b", "t", "u"), member("a", "t", "u")])
    assert shown(plan) == {"a": "t0 t1 t2 u0", "b": "t3 t4"}


def test_two_topics_are_cut_at_the_same_places() -> None:
    """A join of both finds both sides at one member."""
    plan = RangeAssignor().assign({"t": 4, "u": 4}, [member("a", "t", "u"), member("b", "t", "u")])
    assert shown(plan) == {"a": "t0 t1 u0 u1", "b": "t2 t3 u2 u3"}


def test_only_subscribers_and_only_topics_that_exist() -> None:
    plan = RangeAssignor().assign({"t": 2}, [member("a", "t"), member("b", "missing"), member("c")])
    assert shown(plan) == {"a": "t0 t1", "b": "", "c": ""}
