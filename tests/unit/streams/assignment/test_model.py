"""What assignors share: the order of members, and plans that leave nobody out."""

from __future__ import annotations

from streams.assignment.model import Assignment, plan, subscribers
from tests.unit.streams.assignment.groups import member, places


def test_static_members_come_first_and_by_instance() -> None:
    """A static member's order does not depend on the id that the coordinator gave it this time."""
    members = [member("b", "t"), member("z", "t", instance="one"), member("a", "t"), member("y", "t", instance="two")]
    assert [found.member_id for found in subscribers(members)["t"]] == ["z", "y", "a", "b"]


def test_a_topic_named_twice_counts_once_and_topics_are_in_order() -> None:
    found = subscribers([member("a", "u", "t", "u")])
    assert list(found) == ["t", "u"]
    assert [reader.member_id for reader in found["u"]] == ["a"]


def test_who_got_nothing_is_in_the_plan() -> None:
    members = [member("a", "t"), member("b", "t")]
    assert plan(members, {"a": places("t", 1, 0)}) == {
        "a": Assignment(partitions=places("t", 0, 1)),
        "b": Assignment(),
    }
